"""The ladder: refresh and wait, rung by rung, from the mildest up.

A further rung is taken only when the items were not served within the share of time of the one
before. Where servers are restarted that can be asked one by one, the next is restarted only when
the last serves all that is expected.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.looking import Waited
from pgrst_gate.plan import Step
from pgrst_gate.postgrest.versions import reloads_on_sighup
from pgrst_gate.preflight import Api
from pgrst_gate.replicas import Replica, Replicas
from pgrst_gate.runtimes.interface import Instance, ReloadSignal, Runtime
from pgrst_gate.settling import went_away
from pgrst_gate.wait import FIRST_PAUSE_SECONDS, Wait

VERIFY_SECONDS: Final = 5.0
"""How long `mode: verify` looks: for a load that is under way to end, and rounds to be good."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to refresh, and whom."""

    step: Step
    runtime: Runtime
    instances: tuple[Instance, ...]

    def alive(self) -> None:
        """Raise `NotRefreshed` where an instance is gone for good."""
        for instance in self.instances:
            condition = self.runtime.condition(instance)
            if condition.hopeless:
                raise NotRefreshed(
                    f"{instance.name} is gone: {condition.text}",
                    hint=condition.remedy
                    or "see the server's own log for why it ended; it was not started again",
                )


@dataclass(frozen=True, slots=True)
class Climbed:
    """Where the climb ended: what was seen last of each replica."""

    replicas: tuple[Replica, ...]
    waited: tuple[Waited, ...]
    went_away: str = ""
    """What happened to a server that had served all after its restart; untrusted."""

    @property
    def served(self) -> bool:
        """Whether all was as expected everywhere, and stayed so."""
        return not self.went_away and all(one.served for one in self.waited)


@dataclass(slots=True)
class Climb:
    """One climb. ``replicas`` are those of the first rung, looked at before anything is sent."""

    rungs: tuple[Rung, ...]
    """None where nothing is to be sent: then there is one wait."""
    replicas: tuple[Replica, ...]
    found: Replicas
    api: Api
    inputs: Inputs
    journal: Journal
    sleep: Callable[[float], None] = time.sleep
    _alive: Callable[[], None] = field(default=lambda: None)

    def to_served(self) -> Climbed:
        """Climb until everything is served everywhere, or there is no further rung."""
        if not self.rungs:
            return Climbed(self.replicas, self._wait(self.replicas, self._time_left()))
        for number, rung in enumerate(self.rungs):
            if number:
                self.journal.note("refresh", f"that did not help: trying {rung.step}", "warning")
                self._begin(rung)
            self._alive = rung.alive
            share = self._time_left() / (len(self.rungs) - number)
            climbed = self._on(rung, self.journal.now + share)
            if climbed.served or rung is self.rungs[-1]:
                return climbed
        raise AssertionError(self.rungs)

    def _begin(self, rung: Rung) -> None:
        """Take the baseline of a further rung, which may act on others: a service, not tasks."""
        if rung.step == "restart" and rung.instances != self.rungs[0].instances:
            self.replicas = self.found.regrouped(rung.instances, self.replicas)
        for replica in self.replicas:
            replica.watch.begin()

    def _on(self, rung: Rung, deadline: float) -> Climbed:
        if rung.step != "restart":
            for instance in rung.instances:
                what = rung.runtime.reload(instance, self._signal())
                self.journal.sent(rung.runtime.name, "reload", instance, what)
            return Climbed(self.replicas, self._wait(self.replicas, deadline - self.journal.now))
        whole = self._restart(rung, deadline)
        waited = self._wait(self.replicas, deadline - self.journal.now if whole else 0.0)
        climbed = Climbed(self.replicas, waited)
        if not (climbed.served and self.inputs.settle):
            return climbed
        gone, seen = went_away(
            rung.runtime, rung.instances, self.replicas, self.inputs, self.journal, self.sleep
        )
        return Climbed(self.replicas, seen, gone) if gone else climbed

    def _restart(self, rung: Rung, deadline: float) -> bool:
        """Restart one instance after the other; gives whether all were.

        Not the next where the last does not serve what is expected: it may be all that still does.
        """
        for number, instance in enumerate(rung.instances, 1):
            what = rung.runtime.restart(instance)
            self.journal.sent(rung.runtime.name, "restart", instance, what)
            self.api.client.renew()
            anew = self._came_back(instance, deadline)
            left = len(rung.instances) - number
            if not (anew and left):
                continue
            waited = self._wait(anew, deadline - self.journal.now)
            if not all(one.served for one in waited):
                text = (
                    f"{instance.name} does not serve what is expected after its restart: nothing"
                    f" more is restarted, {left} of {len(rung.instances)} are left as they are"
                )
                self.journal.note("refresh", text, "warning")
                return False
        return True

    def _came_back(self, instance: Instance, deadline: float) -> tuple[Replica, ...]:
        """The processes of a restarted instance, once they can be asked again, perhaps elsewhere.

        None where they never could be asked by themselves, or cannot until the deadline: then those
        from before stay, so that they are not taken for served.
        """
        *each, front = self.replicas
        old = [one for one in each if one.watch.instances == (instance,)]
        if not old:
            return ()
        while not (anew := self.found.renewed(instance, self.replicas)):
            if self.journal.now >= deadline:
                return tuple(old)
            self.sleep(FIRST_PAUSE_SECONDS)
        first = each.index(old[0])
        rest = [one for one in each if one not in old]
        self.replicas = (*rest[:first], *anew, *rest[first:], front)
        return anew

    def _wait(self, replicas: tuple[Replica, ...], seconds: float) -> tuple[Waited, ...]:
        """Wait for so long at most; for none is one look."""
        deadline = self.journal.now + seconds
        wait = Wait(replicas, self.inputs, self.journal, deadline, self._alive)
        return wait.until_served()

    def _time_left(self) -> float:
        left = self.inputs.timeout - self.journal.now
        return min(left, VERIFY_SECONDS) if self.inputs.mode == "verify" else left

    def _signal(self) -> ReloadSignal:
        if self.inputs.method != "sighup":
            return "SIGUSR1"
        identity = self.api.identity
        if reloads_on_sighup(identity.version):
            return "SIGHUP"
        text = f"PostgREST {identity.version_text} would die of SIGHUP: sending SIGUSR1 instead"
        self.journal.note("refresh", text, "warning")
        return "SIGUSR1"
