"""The supabase runtime, as far as the Management API's answers alone tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes import supabase
from pgrst_gate.runtimes.interface import Condition, Instance, Mark
from pgrst_gate.runtimes.supabase import Supabase
from pgrst_gate.supabase.management import Management, State
from pgrst_sandbox.faults.gateway import Request, Response, serving

REF = "abcdefghijklmnopqrst"
CHANNEL = Instance("pgrst", "channel pgrst of project x")


@contextmanager
def answering(body: bytes) -> Iterator[Supabase]:
    """The runtime, over an API that answers all with this."""

    def answer(request: Request) -> Response:
        del request
        return Response(201, {"Content-Type": "application/json"}, body)

    with serving(answer) as url:
        runtime = Supabase(Management(REF, "sbp_x", url))
        yield runtime
        runtime.close()


@pytest.mark.parametrize("body", [b"[]", b"", b"{}", b"<html>Welcome</html>", b"[1]"])
def test_what_is_no_management_api_is_refused(body: bytes) -> None:
    """A page that answers 2xx to everything is not taken for a database."""
    with answering(body) as runtime, pytest.raises(NotRefreshed, match="sends no rows") as refused:
        runtime.preflight("reload")

    assert "`supabase-api-url`" in refused.value.hint


@pytest.mark.parametrize("body", [b"[]", b"", b"[{}]"])
def test_any_success_is_one(body: bytes) -> None:
    """The description has 201 and no body, 200 with an empty list was reported as well."""
    with answering(body) as runtime:
        assert runtime.reload(CHANNEL, "SIGUSR1") == "NOTIFY \"pgrst\", 'reload schema'"


def test_a_restart_is_refused() -> None:
    """The API has no endpoint for it, which is said before it is tried."""
    with answering(b"[]") as runtime:
        with pytest.raises(NotRefreshed, match="cannot restart the REST service") as refused:
            runtime.preflight("restart")
        with pytest.raises(NotRefreshed, match="cannot be restarted"):
            runtime.restart(CHANNEL)

    assert "`method: reload`" in refused.value.hint


def test_nothing_is_seen_of_the_processes() -> None:
    """Neither start, nor log, nor address."""
    with answering(b"[]") as runtime:
        assert runtime.mark(CHANNEL) == Mark()
        assert runtime.log_since(CHANNEL, Mark()) == ()
        assert runtime.addresses(CHANNEL) == ()


@dataclass
class Told(Management):
    """A project that is in these states, one after the other."""

    states: list[State]
    ref: str = REF
    asked: int = field(default=0)

    def state(self) -> State:
        """The next one."""
        self.asked += 1
        return self.states.pop(0)


def test_a_condition_is_asked_for_now_and_then() -> None:
    """The wait looks several times a second; the rate limit is 120 a minute."""
    now = 1000.0
    told = Told([State("it is coming up"), State("it is paused", lasting=True)])
    runtime = Supabase(told, clock=lambda: now)

    first = [runtime.condition(CHANNEL) for _ in range(3)]
    now += supabase.CONDITION_SECONDS
    last = runtime.condition(CHANNEL)

    assert first == [Condition("it is coming up")] * 3
    assert (last.text, last.hopeless, told.asked) == ("it is paused", True, 2)
    assert "restore it" in last.remedy
