"""One trial: the scene, the gate in it, and its verdicts held against the truth."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import jwt

from campaign import effects, habits
from campaign.expectations import as_inputs
from campaign.grading import (
    Habit,
    Outcome,
)
from campaign.judging import Judge
from campaign.scene import Scene, migrate, prepared
from campaign.servers import LOADED, Servers
from campaign.signals import Signals
from pgrst_gate import gate
from pgrst_gate.inputs import Given, read_inputs
from pgrst_gate.journal import Journal
from pgrst_gate.plan import make_plan
from pgrst_gate.report import Report
from pgrst_gate.runtimes.none import NoRefresh
from pgrst_sandbox.faults.balancer import balanced
from pgrst_sandbox.faults.gateway import Gateway, Request, Response, serving
from pgrst_sandbox.process import SECRET

_BRIEF: Final = "150ms"
"""A timeout for runs in which nothing can come; it leaves time for several looks."""
_REFRESHED: Final = "3s"
_REPLICAS: Final = "1500ms"


def run(seed: int, servers: Servers) -> Outcome:
    """The whole trial, and what came of it."""
    began = time.monotonic()
    scene = prepared(seed, servers)
    trial = _Trial(seed, scene, servers, Judge(scene, servers))
    with ExitStack() as stack:
        outcome = trial.played(stack)
    return Outcome(**outcome, seconds=time.monotonic() - began)


@dataclass(slots=True)
class _Trial:
    """A scene being played."""

    seed: int
    scene: Scene
    servers: Servers
    judge: Judge
    swapped: tuple[int, ...] = (0,) * len(effects.NAMES)
    """What a migration between two questions did itself."""

    def played(self, stack: ExitStack) -> dict[str, Any]:
        """Migrate, load, look through the gate, compare; the fields of the outcome."""
        scene, servers, condition = self.scene, self.servers, self.scene.condition
        if not condition.swaps:
            migrate(scene, servers)
        if condition.loader == "campaign":
            servers.reload()
        url = stack.enter_context(self._front())
        counted = effects.counted(servers.connection)
        if condition.loads_fail:
            stack.enter_context(servers.loads_failing())
        signals = self._signals()
        inputs = self._inputs(url)
        if signals and not (signals.shows_log or "admin-url" in inputs):
            self.judge.remember()
        report = _gate(inputs, signals)
        self._settle(signals)
        seen = bool(signals) and not self.judge.passing and not condition.loads_fail
        graded = self.judge.graded(report, loads_seen=seen)
        after = effects.counted(servers.connection)
        checked = () if condition.loads_fail else tuple(self._habits(url, inputs))
        return {
            "seed": self.seed,
            "version": servers.version_text,
            "condition": condition.name,
            "graded": graded,
            "habits": checked,
            "effects": effects.since(self.swapped, effects.since(counted, after)),
            "habit_effects": effects.since(after, effects.counted(servers.connection)),
            "sentence": report.sentence,
        }

    # --- the edges ---

    @contextmanager
    def _front(self) -> Iterator[str]:
        """The URL of what the gate is given: the server, or what stands before it."""
        condition, first = self.scene.condition, self.servers.server()
        if condition.replicas > 1:
            urls = [self.servers.server(number).url for number in range(condition.replicas)]
            with balanced(urls) as url:
                yield url
        elif condition.swaps:
            with serving(self._swapping(Gateway(first.url))) as url:
                yield url
        elif condition.gateway:
            with serving(Gateway(first.url, **condition.gateway)) as url:
                yield url + condition.gateway.get("prefix", "")
        else:
            yield first.url

    def _swapping(self, gateway: Gateway) -> Any:  # noqa: ANN401 - a request's answer, see `serving`
        """Before one of the first requests is passed on, the schema changes and is loaded."""
        left = [self.scene.rng.randint(2, 12)]
        once = threading.Lock()

        def answer(request: Request) -> Response:
            with once:
                left[0] -= 1
                if left[0] == 0:
                    self.judge.remember()
                    before = effects.counted(self.servers.connection)
                    migrate(self.scene, self.servers)
                    self.swapped = effects.since(before, effects.counted(self.servers.connection))
                    self.judge.remember()
                    self.servers.reload()
            return gateway(request)

        return answer

    def _signals(self) -> Signals | None:
        if self.scene.condition.loader != "gate":
            return None
        return Signals([self.servers.server()], shows_log=self.scene.rng.random() < 0.6)

    def _inputs(self, url: str) -> dict[str, str]:
        """The inputs of the run."""
        condition, rng = self.scene.condition, self.scene.rng
        refreshed = condition.loader == "gate"
        given = {
            "url": url,
            "runtime": "process" if refreshed else "none",
            "timeout": _REFRESHED if refreshed else _BRIEF,
            **as_inputs(self.scene.expected),
        }
        if condition.replicas > 1:
            given |= {"consecutive": "6", "timeout": _REPLICAS}
        elif self.servers.shows_cache and rng.random() < 0.5:
            given["admin-url"] = self.servers.server().admin_url
            self.judge.shows_types = True
        if condition.bad_token:
            given["token"] = rng.choice((
                _token("member", "not the secret of this server at all"),
                _token("member", exp=int(time.time()) - 1000),
                _token("nobody_at_all"),
            ))  # fmt: skip
        elif self.scene.role != "anon":
            given["token"] = _token(self.scene.role)
        return given

    def _settle(self, signals: Signals | None) -> None:
        """Wait for the load that the gate asked for, so that the truth is that of its end."""
        if signals and not self.scene.condition.loads_fail:
            for number, position in signals.sent:
                self.servers.server(number).wait_for_log(LOADED, after=position)
                self.servers.loaded(number)

    def _habits(self, url: str, inputs: dict[str, str]) -> Iterator[Habit]:
        """The checks people write today, in the same state."""
        states = self.judge.states()
        functions = self.servers.look(self.scene.role).surface.functions
        types = {
            (name.schema, name.name, one.name): one.type
            for name, overloads in functions.items()
            for overload in overloads
            for one in overload.parameters
        }
        token = {"Authorization": f"Bearer {inputs['token']}"} if "token" in inputs else {}
        expected = self.scene.expected
        ask = habits.Asking(self.servers.client, url, token)
        for present, items in ((True, expected.present), (False, expected.absent)):
            for check in habits.check(ask, items, types):
                yield self.judge.habit(check, states, expected_present=present)


def _gate(inputs: dict[str, str], signals: Signals | None) -> Report:
    given = {name: Given(text, name) for name, text in inputs.items()}
    plan = make_plan(read_inputs(given))
    runtime = signals or NoRefresh()
    return gate.run(plan, lambda _: (runtime, "as the campaign says"), Journal(lambda _: None))


def _token(role: str, secret: str = SECRET, **claims: object) -> str:
    return jwt.encode({"role": role, **claims}, secret, algorithm="HS256")
