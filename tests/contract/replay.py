"""Replay a recording of a real PostgREST against the stand-in, and tell where they differ."""

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial
from itertools import takewhile
from pathlib import Path
from pprint import pformat
from typing import Any, Final, Self

import httpx
import jwt
from tests.contract import normal_form

from pgrst_sandbox.ports import free_port
from pgrst_sandbox.postgres import Postgres, postgres
from pgrst_sandbox.process import Server, run

RECORDINGS: Final = Path(__file__).parent / "recordings"
DIFFERENCES: Final = Path(__file__).parent / "differences.json"
SECRET: Final = "contract-recording-secret-with-at-least-32-characters"
DEADLINE_SECONDS: Final = 20

# The headers that recordings keep of a response.
_HEADERS: Final = (
    "allow",
    "content-location",
    "content-profile",
    "content-range",
    "content-type",
    "preference-applied",
    "proxy-status",
    "retry-after",
    "server",
    "vary",
    "www-authenticate",
)

_MET_503: Final = '"GET / HTTP/1.1" 503'

Step = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """A step whose outcome is not the recorded one. Step -1 is the start of the server."""

    step: int
    what: str
    recorded: object
    observed: object

    def __str__(self) -> str:
        recorded, observed = (
            pformat(self.recorded).splitlines(),
            pformat(self.observed).splitlines(),
        )
        unlike = unified_diff(recorded, observed, "recorded", "observed", lineterm="", n=0)
        return "\n".join([f"step {self.step}: {self.what}", *unlike])


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of `recordings/`."""

    scenario: str
    version: str
    setup: str
    config: Mapping[str, str]
    startup_log: tuple[str, ...]
    steps: tuple[Step, ...]
    differing: frozenset[int]
    """The steps at which the stand-in differs on purpose: `differences.json` has the reasons."""

    @classmethod
    def load(cls, name: str) -> Self:
        """Read `recordings/<name>.json`."""
        data = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
        return cls(
            scenario=data["scenario"],
            version=data["postgrest"].removeprefix("postgrest/"),
            setup=data["setup"],
            config=data["config"],
            startup_log=tuple(data["startup_log"]),
            steps=tuple(data["steps"]),
            differing=frozenset(
                step
                for entry in json.loads(DIFFERENCES.read_text(encoding="utf-8"))
                if entry["recording"] == name
                for step in entry["steps"]
            ),
        )


def differences(recording: Recording) -> list[Difference]:
    """Run all steps, in a PostgreSQL of their own, and list those that came out otherwise."""
    with postgres() as database:
        database.create_database("recording")
        database.execute(recording.setup, dbname="recording")
        with contextlib.closing(_Replay(recording, database)) as replay:
            return list(replay.run())


class _Replay:
    def __init__(self, recording: Recording, database: Postgres) -> None:
        self._recording = recording
        self._database = database
        self._running = contextlib.ExitStack()
        self._client = httpx.Client()
        self._ports = free_port(), free_port()
        self._waited = False
        self._patience: float = DEADLINE_SECONDS
        self._server: Server

    def close(self) -> None:
        self._running.close()
        self._client.close()

    def _restart(self, log: Sequence[str]) -> None:
        self._running.close()
        self._server = self._start(log)

    def run(self) -> Iterator[Difference]:
        self._server = self._start(self._recording.startup_log)
        yield from self._compare_logs(-1, self._recording.startup_log, self._server.log.since)
        for number, step in enumerate(self._recording.steps):
            # What is known to differ is not waited for.
            self._patience = 0 if number in self._recording.differing else DEADLINE_SECONDS
            yield from self._step(number, step)

    def _step(self, number: int, step: Step) -> Iterator[Difference]:
        if self._waited and "log" in step:
            self._settle()
        after = len(self._server.log)
        match step:
            case {"state": heading}:
                self._waited = "seconds" in heading
            case {"sql": script}:
                self._sql(script)
            case {"request": request, "response": response}:
                yield from self._request(number, request, response)
            case {"admin": path}:
                yield from self._admin(number, path, step)
            case {"notify": payload, "log": log}:
                self._sql(f"notify pgrst, '{payload}'")
                yield from self._compare_logs(number, log, lambda: self._server.log.since(after))
            case {"signal": name, "exit": status, "log": log}:
                yield from self._signal(number, signal.Signals[name], status)
                yield from self._compare_logs(number, log, lambda: self._server.log.since(after))
            case {"restart": True, "log": log}:
                stopped = self._server
                self._restart(log)
                yield from self._compare_logs(
                    number, log, lambda: stopped.log.since(after) + self._server.log.since()
                )
            case _:
                raise ValueError(f"step {number} is of no known kind: {step}")

    def _start(self, log: Sequence[str]) -> Server:
        """Start a server, and ask for its root until it is up, as the recorder did.

        Where that met a 503, because there was no cache yet, it has to here too: it makes some
        versions load twice. The request that succeeds leaves a pooled connection.
        """
        if any(_MET_503 in line for line in log):
            server = self._met_without_cache()
        else:
            server = self._run(load_milliseconds=0, wait=True)
        _observe(lambda: self._status(server.url) is not None, [True])
        return server

    def _met_without_cache(self) -> Server:
        """A server that was asked during its first load; that load is longer where it was missed.

        Raises TimeoutError.
        """
        for load_milliseconds in (100, 1000, 10_000):  # a busy machine may look away for a second
            server = self._run(load_milliseconds=load_milliseconds, wait=False)
            up = [httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.OK]
            met = _observe(partial(self._status, server.url), up)
            if met == httpx.codes.SERVICE_UNAVAILABLE:
                _observe(partial(self._status, f"{server.admin_url}/ready"), [httpx.codes.OK])
                return server
            self._running.close()
        raise TimeoutError("the first load was over before anything could be asked")

    def _run(self, *, load_milliseconds: int, wait: bool) -> Server:
        return self._running.enter_context(
            run(
                dsn=self._database.dsn("recording", "authenticator"),
                version=self._recording.version,
                env={
                    "PGRST_JWT_SECRET": SECRET,
                    "PGRST_INTERNAL_SCHEMA_CACHE_QUERY_SLEEP": str(load_milliseconds),
                    **self._recording.config,
                },
                port=self._ports[0],
                admin_port=self._ports[1],
                wait=wait,
            )
        )

    def _settle(self) -> None:
        """Wait until nothing was logged for half a second: the recorder had waited longer."""
        log = self._server.log
        with log.arrived:
            while log.arrived.wait(0.5):
                pass

    def _status(self, url: str) -> int | None:
        try:
            return self._client.get(url).status_code
        except httpx.TransportError:
            return None

    def _sql(self, script: str) -> None:
        self._database.execute(script, dbname="recording")
        _, terminates, which = script.partition("pg_terminate_backend(pid) from pg_stat_activity")
        if terminates:  # which takes a moment
            self._database.wait_for(
                f"select 1 where not exists (select from pg_stat_activity {which})"  # noqa: S608 - a recording's own words
            )

    def _request(self, number: int, request: Step, recorded: Step) -> Iterator[Difference]:
        expected = normal_form.value(recorded)
        accepted, seconds = [expected], DEADLINE_SECONDS if self._waited else 0
        if recorded.get("status") == httpx.codes.SERVICE_UNAVAILABLE:
            accepted, seconds = [expected, *self._unavailable_after(number)], DEADLINE_SECONDS
        observed = _observe(lambda: self._ask(request), accepted, min(seconds, self._patience))
        if "57014" in str(observed) and observed not in accepted:
            # Where loads may take 1 ms, a request may be hit too, if the machine is busy.
            observed = _observe(lambda: self._ask(request), accepted, self._patience)
        if observed not in accepted:
            what = f"{request['method']} {request['path']} as {request.get('as', 'anon')}"
            yield Difference(number, what, expected, observed)

    def _unavailable_after(self, number: int) -> list[Step]:
        """The 503s of the requests that follow a step at once.

        While the database refuses, answers change as soon as the load in the background has failed:
        a request may meet the recorded answer of a later one.
        """
        following = takewhile(lambda step: "request" in step, self._recording.steps[number + 1 :])
        answers = [step["response"] for step in following]
        return [
            normal_form.value(answer)
            for answer in answers
            if answer.get("status") == httpx.codes.SERVICE_UNAVAILABLE
        ]

    def _ask(self, request: Step) -> Step:
        headers = dict(request.get("headers", {}))
        if "as" in request:
            token = jwt.encode({"role": request["as"]}, SECRET, algorithm="HS256")
            headers["Authorization"] = f"Bearer {token}"
        try:
            response = self._client.request(
                request["method"],
                f"{self._server.url}{request['path']}",
                headers=headers,
                json=request.get("json"),
            )
        except httpx.TransportError as error:
            return {"error": type(error).__name__}
        kept = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        body = normal_form.parsed(response)
        return {"status": response.status_code, "headers": kept, "body": normal_form.value(body)}

    def _admin(self, number: int, path: str, step: Step) -> Iterator[Difference]:
        def ask() -> Step:
            try:
                response = self._client.get(f"{self._server.admin_url}{path}")
            except httpx.TransportError as error:
                return {"error": type(error).__name__}
            return {"status": response.status_code, "body": normal_form.parsed(response)}

        def compared(answer: Step) -> object:
            if "error" in answer:
                return answer["error"]
            body = normal_form.admin_body(path, answer["body"], like=step.get("body"))
            return answer["status"], body

        expected = compared(step)
        observed = _observe(lambda: compared(ask()), [expected], self._patience)
        if observed != expected:
            yield Difference(number, f"admin {path}", expected, observed)

    def _signal(
        self, number: int, which: signal.Signals, status: int | None
    ) -> Iterator[Difference]:
        self._server.signal(which)
        ended = _observe(self._server.process.poll, [status], self._patience)
        if ended != status:
            yield Difference(number, f"exit status after {which.name}", status, ended)

    def _compare_logs(
        self, number: int, recorded: Sequence[str], read: Callable[[], Sequence[str]]
    ) -> Iterator[Difference]:
        wanted = normal_form.lines(recorded)

        def look() -> object:
            return normal_form.arranged(normal_form.lines(read()), like=wanted)

        expected = normal_form.arranged(wanted, like=wanted)
        observed = _observe(look, [expected], self._patience)
        if observed != expected:
            yield Difference(number, "log", expected, observed)


def _observe(
    look: Callable[[], object], accepted: Sequence[object], seconds: float = DEADLINE_SECONDS
) -> object:
    """What is seen as soon as it is one of those accepted, or else when the time is over."""
    deadline = time.monotonic() + seconds
    while (seen := look()) not in accepted and time.monotonic() < deadline:
        time.sleep(0.02)
    return seen
