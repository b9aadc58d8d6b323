"""A hosted Supabase project, played by a double of its Management API over a real database."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from tests.acceptance.capabilities import each_line, needs
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import MIGRATION, World, token
from tests.harness.management import (
    LOST,
    REF,
    TOKEN,
    ManagementApi,
    serving_management,
)

from pgrst_gate.report import Report
from pgrst_sandbox.faults.gateway import Gateway, Request, Response, serving

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


def test_a_lost_answer_sends_the_notification_again(
    world: World, project: ManagementApi, management: str
) -> None:
    """Two NOTIFYs harm nobody; the receipt says that it was sent twice."""
    project.answers = ["", LOST]

    report = run(world, management)

    assert report.exit_code == 0
    assert notifications(project) == [NOTIFY, NOTIFY]
    assert report.receipts[0].sent == f"{NOTIFY} (sent 2 times)"


REFUSALS: Final = {
    "401": ({"access_token": "sb_secret_of_the_project"}, None, "access token (401)", "sbp_"),
    "403": ({}, {"permissions": frozenset({"project_admin_read"})}, "(403)", "`database_write`"),
    "404": ({"project_ref": "z" * 20}, None, f"no project {'z' * 20}", "`project-ref`"),
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
def test_what_cannot_be_refreshed_is_told(
    world: World, project: ManagementApi, management: str, name: str
) -> None:
    """Exit 3, what was tried and what to type; nothing was sent, and nothing secret is shown."""
    inputs, changes, message, hint = REFUSALS[name]
    for attribute, value in (changes or {}).items():
        setattr(project, attribute, value)

    report = run(world, management, **inputs)

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
    gateway = Gateway(world.url)
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
