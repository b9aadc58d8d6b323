"""What is printed for a closed gate can be typed as it is printed, and opens it."""

import re
import subprocess
from typing import Final

import pytest
from tests.acceptance.capabilities import each_line, needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import MIGRATION, World, token, wait_until

from pgrst_gate.findings import Finding
from pgrst_gate.report import Report
from pgrst_gate.unprotected import SUBJECT
from pgrst_sandbox.ports import free_port

pytestmark = [
    needs("counts loads"),
    each_line("what the database is asked and what is printed depends on the questions alone"),
]

STATEMENT: Final = re.compile(r"(?:grant|notify|alter|select|create) [^;]*;", re.IGNORECASE)
COMMAND: Final = re.compile(r"`(kill [^`]*)`")


def apply(world: World, text: str) -> None:
    """Run the statements in a remedy, as they are printed."""
    statements = STATEMENT.findall(text)
    assert statements, text
    for statement in statements:
        world.sql(statement)


def remedy(report: Report) -> str:
    """What is printed for all that closes the gate."""
    return "\n".join(dict.fromkeys(one.remedy for one in report.not_served))


def of_set_up(report: Report) -> list[Finding]:
    """What is wrong with the set-up; that anybody may read these tables is of another test."""
    return [one for one in report.findings if one.subject != SUBJECT]


def closed(world: World, **inputs: str) -> Report:
    """A gate that does not open, diagnosed as a user who may only connect."""
    url = world.cluster.dsn(world.database, "frail")
    report = gate(world.url, timeout=BRIEF, database_url=url, **inputs)
    assert report.exit_code == 1, report.sentence
    return report


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("stranger", {"expected_tables": "heartbeats"}),
        ("stranger", {"expected_columns": "scans: ended_at"}),
        ("stranger", {"expected_functions": "guarded(a)", "admin_url": "yes"}),
        ("stranger", {"expected_relationships": "heartbeats -> scans"}),
        ("outsider", {"expected_tables": "scans"}),
    ],
)
def test_the_missing_grant_opens_the_gate(
    world: World, role: str, expected: dict[str, str]
) -> None:
    """The statements name the role of the key and the types of the function; no reload is needed.

    A role that may not even use the schema is told to be granted that first.
    """
    world.sql(MIGRATION)
    world.reload()
    inputs = expected | ({"admin_url": world.admin_url} if "admin_url" in expected else {})
    inputs["token"] = token(role)

    report = closed(world, **inputs)
    apply(world, remedy(report))
    after = gate(world.url, **inputs)

    assert set(causes(report).values()) == {"not-granted"}
    assert ("grant usage on schema public to outsider;" in remedy(report)) is (role == "outsider")
    assert after.exit_code == 0, after.sentence


def test_row_level_security_of_what_is_not_granted_is_told(world: World) -> None:
    """With the names of its policies, for a grant alone would show no row."""
    world.sql("alter table projects enable row level security")
    world.sql("create policy mine on projects for select to stranger using (id = 1)")

    [verdict] = closed(world, expected_tables="projects", token=token("stranger")).verdicts

    assert "database: row-level security of public.projects applies to stranger: mine" in (
        verdict.told
    )


def test_a_stale_cache_is_mended_by_the_notification_that_is_printed(world: World) -> None:
    """The statement is for the channel of this server, and complete."""
    world.sql(MIGRATION)

    report = closed(world, expected_tables="heartbeats", expected_absent="doomed")
    apply(world, next(one.remedy for one in report.verdicts if one.cause == "stale"))
    after = gate(world.url, expected_tables="heartbeats", expected_absent="doomed")

    assert causes(report) == {"heartbeats": "stale", "doomed": "still-served"}
    assert of_set_up(report) == []
    assert after.exit_code == 0, after.sentence


def test_a_stale_cache_is_mended_by_the_signal_that_is_printed(world: World) -> None:
    """The command names the process that was given."""
    world.sql(MIGRATION)
    inputs = {"mode": "verify", "pid": str(world.server.pid), "expected_tables": "heartbeats"}

    report = closed(world, **inputs)
    [command] = COMMAND.findall(remedy(report))
    subprocess.run(command.split(), check=True)
    after = gate(world.url, expected_tables="heartbeats")

    assert after.exit_code == 0, after.sentence


def test_a_channel_that_nobody_listens_on_is_told(world: World) -> None:
    """A notification would be lost: no session listens there."""
    world.sql(MIGRATION)

    report = gate(
        world.url,
        timeout=BRIEF,
        database_url=world.database_url,
        db_channel="other",
        expected_tables="heartbeats",
    )

    assert report.exit_code == 1
    assert [one.subject for one in of_set_up(report)] == ["listener"]
    assert "NOTIFY other, 'reload schema';" in remedy(report)


def test_an_event_trigger_that_is_disabled_is_told(world: World) -> None:
    """It would have had the server reload; the statement enables it."""
    world.sql(
        "create function watch() returns event_trigger language plpgsql as"
        " $$ begin notify pgrst, 'reload schema'; end $$;"
        "create event trigger watch on ddl_command_end execute function watch();"
        "alter event trigger watch disable"
    )
    try:
        world.sql(MIGRATION)
        report = closed(world, expected_tables="heartbeats")
        [finding] = of_set_up(report)
        apply(world, finding.remedy)
        enabled = world.rows("select evtenabled::text from pg_event_trigger")
    finally:
        world.sql("drop event trigger watch; drop function watch")

    assert finding.subject == "event-triggers"
    assert enabled == [("O",)]


def test_a_statement_timeout_that_breaks_the_load_is_mended_by_what_is_printed(
    world: World, start: Start
) -> None:
    """The role that loads is named, and its connections are ended: they keep the old setting."""
    world.sql("drop role if exists hasty; create role hasty login noinherit; grant anon to hasty")
    environment = {"PGRST_DB_ANON_ROLE": "anon"}
    dsn = world.cluster.dsn(world.database, "hasty")
    with start(database=world.database, dsn=dsn, environment=environment) as other:
        other.sql("alter role hasty set statement_timeout = '1ms'")
        other.sql(MIGRATION)
        other.disconnect()
        report = gate(
            other.url,
            timeout="2s",
            runtime="process",
            pid=str(other.server.pid),
            admin_url=other.admin_url,
            database_url=other.database_url,
            expected_tables="heartbeats",
        )
        apply(other, remedy(report))
        wait_until(lambda: gate(other.url, expected_tables="heartbeats").exit_code == 0)

    assert causes(report) == {"heartbeats": "reload-failing"}
    assert any("failed load" in line for line in report.verdicts[0].told)
    assert "alter role hasty set statement_timeout = " in remedy(report)


def test_a_database_that_cannot_be_asked_leaves_the_verdict_as_it_is(world: World) -> None:
    """With a warning, and the same exit code."""
    world.sql(MIGRATION)

    report = gate(
        world.url,
        timeout=BRIEF,
        database_url=f"postgresql://postgres@127.0.0.1:{free_port()}/postgres",
        expected_tables="heartbeats",
    )

    assert (report.exit_code, causes(report)) == (1, {"heartbeats": "stale"})
    assert [one.stage for one in report.events if one.level == "warning"] == ["diagnose"]
