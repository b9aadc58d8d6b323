"""The Management API: how it is asked, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest
from tests.harness.management import (
    JWT_SECRET,
    LOST,
    NO_FAULT,
    REF,
    TOKEN,
    ManagementApi,
    serving_management,
)

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.supabase.management import Management, State
from pgrst_sandbox.faults.gateway import Request, Response, serving
from pgrst_sandbox.postgres import Postgres, postgres

SELECT = "SELECT 1 AS one"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A real PostgreSQL for the statements."""
    with postgres() as started:
        yield started


@pytest.fixture
def api(cluster: Postgres) -> ManagementApi:
    """The double, over that PostgreSQL."""
    return ManagementApi(cluster.dsn())


@dataclass
class Time:
    """Passes while somebody sleeps, and not otherwise."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds


def client(ref: str, token: str, url: str, time: Time, patience: float = 60) -> Management:
    """A client of an API at a URL, in a time of its own."""
    return Management(ref, token, url, patience=patience, sleep=time.sleep, clock=lambda: time.now)


@contextmanager
def asked(
    api: ManagementApi, *, token: str = TOKEN, ref: str = REF, patience: float = 60
) -> Iterator[tuple[Management, Time]]:
    """A client of the double, and how it slept."""
    time = Time()
    with (
        serving_management(api) as url,
        closing(client(ref, token, url, time, patience)) as management,
    ):
        yield management, time


def refusal(api: ManagementApi, **how: str) -> NotRefreshed:
    """Why a statement is not run."""
    with asked(api, **how) as (management, _), pytest.raises(NotRefreshed) as refused:  # type: ignore[arg-type] # texts only
        management.run(SELECT)
    assert api.statements == []
    shown = f"{refused.value} {refused.value.hint}"
    assert TOKEN not in shown
    return refused.value


def test_a_statement_is_run_as_one_that_may_write(api: ManagementApi) -> None:
    """It reaches the real database, once, and its rows come back."""
    with asked(api) as (management, time):
        done = management.run("CREATE TABLE written AS SELECT 1 AS one")
        rows = management.run("SELECT one FROM written").rows

    assert (done.tries, rows, time.slept) == (1, [{"one": 1}], [])
    assert api.asked == ["POST /database/query"] * 2


@pytest.mark.parametrize(
    ("permissions", "token", "ref", "message", "hint"),
    [
        (None, "sb_secret_x", REF, "does not take the access token (401)", "begins with sbp_"),
        ({"project_admin_read"}, TOKEN, REF, "may not do this to project", "`database_write`"),
        (None, TOKEN, "z" * 20, f"knows no project {'z' * 20}", "`project-ref`"),
    ],
    ids=["401", "403", "404"],
)
def test_who_may_not_is_told_why(
    api: ManagementApi,
    permissions: set[str] | None,
    token: str,
    ref: str,
    message: str,
    hint: str,
) -> None:
    """A wrong token, a missing permission and an unknown project are told apart, at once."""
    if permissions is not None:
        api.permissions = frozenset(permissions)

    error = refusal(api, token=token, ref=ref)

    assert message in str(error)
    assert hint in error.hint
    assert len(api.asked) == 1


def test_a_statement_that_the_database_refuses_is_told_in_its_words(api: ManagementApi) -> None:
    """An SQL error is not the API's failure: it is not sent again."""
    with asked(api) as (management, _), pytest.raises(NotRefreshed) as refused:
        management.run("SELECT nothing_of_the_kind")

    assert "refused the statement" in str(refused.value)
    assert "42703" in str(refused.value)
    assert "own words" in refused.value.hint
    assert api.asked == ["POST /database/query"]


@pytest.mark.parametrize("status", [500, 502, 503, 544])
def test_a_failure_that_may_pass_is_waited_for(api: ManagementApi, status: int) -> None:
    """The statement is sent again, with pauses that grow."""
    failed = Response(status)
    api.answers = [failed, NO_FAULT, failed, failed]  # the second is asked about the project

    with asked(api) as (management, time):
        done = management.run(SELECT)

    assert (done.tries, time.slept) == (4, [1, 2, 4])
    assert api.statements == [SELECT]


def test_a_lost_answer_is_asked_for_again(api: ManagementApi) -> None:
    """Nobody knows whether it was run, so it is run again."""
    api.answers = [LOST]

    with asked(api) as (management, _):
        done = management.run(SELECT)

    assert (done.tries, api.statements) == (2, [SELECT, SELECT])


def test_a_failure_that_lasts_ends_when_the_time_is_over(api: ManagementApi) -> None:
    """What was answered last is told, with where to look."""
    api.answers = [Response(503), NO_FAULT, *[Response(503)] * 9]

    with asked(api, patience=20) as (management, time), pytest.raises(NotRefreshed) as refused:
        management.run(SELECT)

    assert time.slept == [1, 2, 4, 8]

    assert "the Management API failed (503)" in str(refused.value)
    assert "status.supabase.com" in refused.value.hint


@pytest.mark.parametrize("headers", [{"Retry-After": "7"}, {"X-RateLimit-Reset": "7"}])
def test_too_many_requests_wait_as_long_as_the_answer_says(
    api: ManagementApi, headers: dict[str, str]
) -> None:
    """No sooner, and no other question is asked in between."""
    api.answers = [Response(429, headers)]

    with asked(api) as (management, time):
        done = management.run(SELECT)

    assert (done.tries, time.slept) == (2, [7])
    assert api.asked == ["POST /database/query"] * 2


def test_a_limit_that_ends_too_late_is_not_waited_for(api: ManagementApi) -> None:
    """When the wait would be longer than there is time, that is said now."""
    api.answers = [Response(429, {"X-RateLimit-Reset": "50"})]

    with asked(api, patience=20) as (management, time), pytest.raises(NotRefreshed) as refused:
        management.run(SELECT)

    assert time.slept == []
    assert "too many requests" in str(refused.value)
    assert "ends in 50 s" in refused.value.hint


def test_a_used_up_limit_is_not_gone_beyond(api: ManagementApi) -> None:
    """The last request that is allowed makes the next one wait, so that none is refused."""
    api.remaining, api.reset = 1, 3

    with asked(api) as (management, time):
        management.run(SELECT)
        api.remaining = 120
        management.run(SELECT)

    assert time.slept == [3]


@pytest.mark.parametrize("status", ["INACTIVE", "PAUSING", "REMOVED"])
def test_a_paused_project_is_not_waited_for(api: ManagementApi, status: str) -> None:
    """What only its owner can end is told at once, with the page to end it on."""
    api.status = status
    api.answers = [Response(544, {}, b'{"message": "Connection terminated"}')]

    with asked(api) as (management, time), pytest.raises(NotRefreshed) as refused:
        management.run(SELECT)

    assert str(refused.value).startswith(f"project {REF} ")
    assert f"supabase.com/dashboard/project/{REF}" in refused.value.hint
    assert time.slept == []


def test_a_project_that_comes_up_is_waited_for(api: ManagementApi) -> None:
    """A restore takes minutes, and passes."""
    api.status = "RESTORING"
    api.answers = [Response(503)]

    with asked(api) as (management, _):
        assert management.run(SELECT).rows == [{"one": 1}]


def test_an_address_where_nobody_answers_is_told() -> None:
    """Not for as long as there is time: the hint names the setting, and the way without it."""
    time = Time()
    with (
        closing(client(REF, TOKEN, "http://127.0.0.1:1", time)) as nobody,
        pytest.raises(NotRefreshed, match="does not answer") as refused,
    ):
        nobody.run(SELECT)

    assert time.slept == [1, 2, 4, 8, 8]
    assert "`supabase-api-url`" in refused.value.hint


def test_a_redirect_is_not_followed() -> None:
    """The token goes nowhere else."""
    seen: list[str] = []

    def elsewhere(request: Request) -> Response:
        seen.append(request.target)
        return Response(302, {"Location": "/elsewhere"})

    with (
        serving(elsewhere) as url,
        closing(Management(REF, TOKEN, url)) as management,
        pytest.raises(NotRefreshed, match="answered 302"),
    ):
        management.run(SELECT)

    assert "/elsewhere" not in seen


@pytest.mark.parametrize(
    ("rest", "project", "text", "lasting"),
    [
        ("ACTIVE_HEALTHY", "ACTIVE_HEALTHY", "", False),
        ("COMING_UP", "ACTIVE_HEALTHY", "REST service of project .* is coming up", False),
        ("UNHEALTHY", "ACTIVE_HEALTHY", "is unhealthy: out of order", False),
        ("UNHEALTHY", "RESTORING", "is being restored", False),
        ("UNHEALTHY", "INACTIVE", "is paused", True),
    ],
)
def test_the_state_of_a_project(
    api: ManagementApi, rest: str, project: str, text: str, *, lasting: bool
) -> None:
    """The service's own health first; the project's status says whether it will pass."""
    api.rest_status, api.rest_error, api.status = rest, "out of order", project

    with asked(api) as (management, _):
        state = management.state()

    assert state.lasting is lasting
    assert re.search(text or "^$", state.text)


def test_a_token_that_may_not_know_the_state_knows_nothing_wrong(api: ManagementApi) -> None:
    """The permission to look at the project is not needed."""
    api.permissions = frozenset({"database_write"})

    with asked(api) as (management, _):
        assert management.state() == State()


def test_exposed_schemas_are_told_in_order(api: ManagementApi) -> None:
    """The secret that comes with them is nowhere in what is made of the answer."""
    api.schemas = "api, public,graphql_public"

    with asked(api) as (management, _):
        assert management.exposed_schemas() == ("api", "public", "graphql_public")
        assert JWT_SECRET not in repr(vars(management))


def test_who_may_not_know_the_schemas_is_told_the_permission(api: ManagementApi) -> None:
    """It is another one than that for the NOTIFY."""
    api.permissions = frozenset({"database_write"})

    with asked(api) as (management, _), pytest.raises(NotRefreshed) as refused:
        management.exposed_schemas()

    assert "`data_api_config_read`" in refused.value.hint


def test_the_description_is_asked_for_once_a_second(api: ManagementApi) -> None:
    """A wait asks for it round by round, and the limit is 120 requests a minute."""
    api.answers = [Response(200, {}, b"{}")] * 3

    with asked(api) as (management, time):
        for _ in range(3):
            management.description("public")

    assert time.slept == [1, 1]
