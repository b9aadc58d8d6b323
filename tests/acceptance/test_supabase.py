"""A hosted Supabase project, played by a double of its Management API over a real database."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from tests.acceptance.capabilities import each_line, needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import BASE, LOADED, MIGRATION, World, token
from tests.harness.management import (
    JWT_SECRET,
    LOST,
    NO_FAULT,
    REF,
    TOKEN,
    ManagementApi,
    serving_management,
)

from pgrst_gate.report import Report
from pgrst_gate.supabase.management import DESCRIBED_SECONDS
from pgrst_sandbox.faults.gateway import Gateway, Request, Response, serving
from pgrst_sandbox.ports import free_port
from pgrst_sandbox.postgres import Postgres

NOTIFY: Final = "NOTIFY \"pgrst\", 'reload schema'"
EXPECTED: Final = {"expected_columns": "scans: ended_at", "expected_tables": "heartbeats"}

pytestmark = [needs("plans reads"), each_line("the API beside is no PostgREST")]


@pytest.fixture
def project(world: World) -> ManagementApi:
    """The project whose REST API the world's server is; its schema is older than its database."""
    world.sql(MIGRATION)
    return ManagementApi(
        world.database_url, rest_url=world.url, owner_token=token("root"), remaining=120
    )


@pytest.fixture
def management(project: ManagementApi) -> Iterator[str]:
    """Where its Management API is."""
    with serving_management(project) as url:
        yield url


def run(world: World, management: str, **inputs: str) -> Report:
    """Run the gate on the project."""
    wanted = {
        "runtime": "supabase",
        "project_ref": REF,
        "access_token": TOKEN,
        "supabase_api_url": management,
        **EXPECTED,
    }
    return gate(world.url, **(wanted | inputs))


def notifications(project: ManagementApi) -> list[str]:
    """What was sent to the servers."""
    return [one for one in project.statements if one.startswith("NOTIFY")]


@pytest.mark.parametrize("runtime", ["supabase", "auto"])
def test_a_notification_by_the_api_opens_the_gate(
    world: World, project: ManagementApi, management: str, runtime: str
) -> None:
    """Closed while the cache is stale, open after the NOTIFY that the API ran, sent once."""
    stale = run(world, management, runtime="none", timeout=BRIEF)
    report = run(world, management, runtime=runtime)

    assert (stale.exit_code, set(causes(stale).values())) == (1, {"stale"})
    assert (report.exit_code, report.evidence.value) == (0, "inferred"), report.sentence
    assert notifications(project) == [NOTIFY]
    assert [(one.runtime, one.sent) for one in report.receipts] == [("supabase", NOTIFY)]
    assert report.runtime == f"supabase (channel pgrst of project {REF}, 1 listening)"


def test_a_lost_answer_sends_the_notification_again(start: Start) -> None:
    """Two NOTIFYs harm nobody; the receipt says that it was sent twice."""
    with start(setup=BASE) as world:  # of its own: the second load may outlast the test
        project = ManagementApi(world.database_url, answers=[NO_FAULT, LOST])
        world.sql(MIGRATION)
        with serving_management(project) as management:
            report = run(world, management)

    assert report.exit_code == 0
    assert notifications(project) == [NOTIFY, NOTIFY]
    assert report.receipts[0].sent == f"{NOTIFY} (sent 2 times)"


REFUSALS: Final[dict[str, tuple[dict[str, str], dict[str, Any], str, str]]] = {
    "401": ({"access_token": "sb_secret_of_the_project"}, {}, "access token (401)", "sbp_"),
    "403": ({}, {"permissions": frozenset({"project_admin_read"})}, "(403)", "`database_write`"),
    "404": ({"project_ref": "z" * 20}, {}, f"no project {'z' * 20}", "`project-ref`"),
    "429": ({"timeout": "2s"}, {"remaining": 0}, "too many requests", "120 a minute"),
    "503": (
        {"timeout": "500ms"},
        {"answers": [Response(503)] * 9},
        "the Management API failed (503)",
        "status.supabase.com",
    ),
    "400": (
        {},
        {
            "answers": [
                Response(400, {}, b'{"message": "Failed to run sql query: ERROR:  57014: x"}')
            ]
        },
        "the database of project",
        "own words",
    ),
    "paused": (
        {},
        {"answers": [Response(544)], "status": "INACTIVE"},
        f"project {REF} is paused",
        f"https://supabase.com/dashboard/project/{REF}",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_refreshed_is_told(cluster: Postgres, name: str) -> None:
    """Exit 3, what was tried and what to type; nothing was sent, and nothing secret is shown.

    It is told before the API is asked, so no server is needed.
    """
    inputs, changes, message, hint = REFUSALS[name]
    project = ManagementApi(cluster.dsn(), **copy.deepcopy(changes))
    of_project = {"project_ref": REF, "access_token": TOKEN}

    with serving_management(project) as url:
        wanted = {**of_project, "supabase_api_url": url, **EXPECTED, **inputs}
        report = gate(f"http://127.0.0.1:{free_port()}", runtime="supabase", **wanted)

    assert (report.exit_code, report.conclusion.value) == (3, "not-refreshed")
    assert report.problem is not None
    assert message in report.sentence
    assert hint in report.problem.hint
    assert (report.receipts, project.statements) == ((), [])
    assert TOKEN not in str(report)


def test_a_project_that_is_paused_while_the_gate_waits_ends_the_wait(
    world: World, project: ManagementApi, management: str
) -> None:
    """When the API goes away the project's own state tells why, and whether to wait."""
    gateway, lines = Gateway(world.url), len(world.server.log)
    with serving(gateway) as url:

        def pause() -> None:
            gateway.refuses = 503
            project.rest_status, project.status = "UNHEALTHY", "INACTIVE"

        project.after = lambda statement: pause() if statement == NOTIFY else None
        report = gate(
            url,
            runtime="supabase",
            project_ref=REF,
            access_token=TOKEN,
            supabase_api_url=management,
            **EXPECTED,
        )

    world.server.wait_for_log(LOADED, after=lines)  # or a later test's cache would be fresh by it
    assert report.exit_code == 3
    assert f"project {REF} is paused" in report.sentence
    assert report.problem is not None
    assert "restore it" in report.problem.hint


def test_a_token_that_may_only_read_is_warned_of(
    world: World, project: ManagementApi, management: str
) -> None:
    """Its NOTIFY may be rolled back: the gate stays closed then, and has said why before."""
    project.permissions = frozenset({"database_read"})

    report = run(world, management, timeout=BRIEF)

    assert (report.exit_code, set(causes(report).values())) == (1, {"stale"})
    warned = [event.text for event in report.events if event.level == "warning"]
    assert any("`database_write`" in text for text in warned)


def local_stack(world: World) -> Callable[[Request], Response]:
    """The gateway of `supabase start`: the API, and the admin server beside it, without a key."""
    api = Gateway(world.url, prefix="/rest/v1")
    admin = Gateway(world.admin_url, prefix="/rest-admin/v1")
    return lambda asked: (admin if asked.target.startswith(admin.prefix) else api)(asked)


def test_the_admin_server_of_a_local_stack_is_found(world: World) -> None:
    """`supabase start` publishes it beside the API: it is taken, said so, and confirms the load."""
    world.sql(MIGRATION)
    with serving(local_stack(world)) as url:
        report = gate(
            f"{url}/rest/v1",
            runtime="notify",
            database_url=world.database_url,
            expected_columns="scans: ended_at timestamptz",
        )

    assert (report.exit_code, report.evidence.value) == (0, "confirmed"), report.sentence
    told = [event.text for event in report.events]
    assert f"taking the admin server at {url}/rest-admin/v1, which answers beside the API" in told


def test_no_admin_server_is_taken_where_none_answers(world: World) -> None:
    """A gateway that has the prefix of the API only is asked once, and nothing is made of it."""
    world.sql(MIGRATION)
    with serving(Gateway(world.url, prefix="/rest/v1")) as url:
        report = gate(
            f"{url}/rest/v1", runtime="notify", database_url=world.database_url, **EXPECTED
        )

    assert (report.exit_code, report.evidence.value) == (0, "inferred"), report.sentence
    assert not any("admin server" in event.text for event in report.events)


@pytest.fixture
def closed(world: World) -> Iterator[str]:
    """The API's address, at which its description is closed to everybody."""
    with serving(Gateway(world.url, closes_root=True)) as url:
        yield url


def described(project: ManagementApi) -> int:
    """How often the Management API was asked for the description."""
    return project.asked.count("GET /database/openapi")


@pytest.mark.parametrize(
    ("columns", "cause"),
    [("scans: id int, retyped text", "served"), ("scans: id text", "type-drift")],
)
def test_types_are_seen_where_the_root_is_closed(
    world: World, project: ManagementApi, management: str, closed: str, columns: str, cause: str
) -> None:
    """The Management API hands out the description that the API shows to secret keys only.

    It is asked at its own pace, for its rate is limited.
    """
    world.reload()
    wanted = {"runtime": "none", "timeout": BRIEF, "expected_columns": columns}
    of_project = {
        "project_ref": REF,
        "access_token": TOKEN,
        "supabase_api_url": management,
    }

    blind = gate(closed, **wanted)
    seeing = gate(closed, **wanted, **of_project)

    assert set(causes(blind).values()) == {"unproven"}
    assert set(causes(seeing).values()) == {cause}
    assert 0 < described(project) <= 1 + seeing.seconds / DESCRIBED_SECONDS


def test_what_its_owner_may_use_proves_nothing_for_another_key(
    world: World, project: ManagementApi, management: str, closed: str
) -> None:
    """The description is the service role's: that it lists a function grants it to nobody."""
    world.sql("revoke execute on function ping() from public")
    world.reload()
    of_project = {"project_ref": REF, "access_token": TOKEN, "supabase_api_url": management}

    report = gate(closed, runtime="none", timeout=BRIEF, expected_functions="ping()", **of_project)

    assert report.exit_code != 0
    assert set(causes(report).values()) <= {"not-granted", "unproven"}
    assert project.problems == []


@pytest.mark.parametrize("permitted", [True, False])
def test_schemas_that_the_server_does_not_tell_are_those_of_the_project(
    world: World, project: ManagementApi, management: str, *, permitted: bool
) -> None:
    """Where the headers that ask are dropped; the JWT secret that comes along is never shown."""
    world.reload()
    project.schemas = "public,storage"
    if not permitted:
        project.permissions = frozenset({"database_write"})
    with serving(Gateway(world.url, drops=["accept-profile", "content-profile"])) as url:
        report = gate(
            url,
            runtime="none",
            project_ref=REF,
            access_token=TOKEN,
            supabase_api_url=management,
            expected_tables="heartbeats",
        )

    assert report.exit_code == 0, report.sentence
    assert report.server is not None
    assert report.server.schemas == (("public",) if permitted else ())
    told = [event.text for event in report.events]
    assert any("configuration: public, storage" in text for text in told) is permitted
    assert any("`data_api_config_read`" in text for text in told) is not permitted
    assert JWT_SECRET not in str(report)
