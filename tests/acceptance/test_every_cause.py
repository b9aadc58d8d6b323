"""Each cause, made to happen: the gate names it, shows how it was told, and what to type cures it.

`reloading` is of test_first_load: it needs a server of its own, and a version that answers.
"""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest
from tests.acceptance.capabilities import any_version, needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, causes, gate, gate_told_of
from tests.acceptance.world import (
    MIGRATION,
    World,
    token,
    wait_until,
)

from pgrst_gate.embedded import binaries
from pgrst_gate.report import Event
from pgrst_gate.verdicts import Cause
from pgrst_sandbox.faults.gateway import Gateway, serving
from pgrst_sandbox.process import SECRET, Log

pytestmark = [
    needs("counts loads", "plans reads"),
    any_version("how each version answers is of the tests of the questions"),
]

STATEMENT: Final = re.compile(r"(?:grant|notify|alter|select|create|drop) [^;]*;", re.IGNORECASE)


def apply(world: World, text: str) -> None:
    """Run the statements in a remedy, as they are printed."""
    statements = STATEMENT.findall(text)
    assert statements, text
    for statement in statements:
        world.sql(statement)


CURED: Final = {
    "stale": ("expected_tables: heartbeats", "404 PGRST205", ""),
    "not-granted": ("expected_functions: guarded(a)", "runs as the role that calls it", "reload"),
    "still-served, not dropped": ("expected_absent: scans: doubled", "limit=0: 200", "reload"),
    "still-served, a view": ("expected_absent: active_scans", "limit=0: 200", "reload"),
    "still-served, a function": ("expected_absent: overloaded(a, b)", "OpenAPI lists", "reload"),
    "still-served, dropped": ("expected_absent: doomed", "404 42P01", ""),
    "type-drift": ("expected_columns: scans: retyped int", "/schema_cache: text", "reload"),
    "ambiguous": ("expected_functions: same_names(a)", "300 PGRST203", "reload"),
}
"""The expectation, an answer that it was told by, and whether the server has seen the migration."""


@pytest.mark.parametrize("case", CURED)
def test_what_is_printed_opens_the_gate(world: World, case: str) -> None:
    """For every cause that SQL can cure, typed as it is printed."""
    expectation, told, loaded = CURED[case]
    name, _, text = expectation.partition(": ")
    inputs = {
        name: text,
        "token": token("stranger" if case == "not-granted" else "member"),
        "database_url": world.cluster.dsn(world.database, "frail"),
        "admin_url": world.admin_url,
    }
    world.sql(MIGRATION)
    if loaded:
        world.reload()

    report = gate(world.url, timeout=BRIEF, **inputs)
    [verdict] = report.verdicts
    apply(world, verdict.remedy)
    after = gate(world.url, **inputs)

    assert (report.exit_code, verdict.cause.value) == (1, case.partition(",")[0])
    assert any(told in line for line in verdict.told), verdict.told
    assert after.exit_code == 0, after.sentence


def test_a_migration_that_is_not_applied_is_applied_by_the_command(
    world: World, tmp_path: Path
) -> None:
    """The file is named; a shell that has the database's address runs what is printed."""
    (tmp_path / "1_fresh.sql").write_text("create table fresh (id int primary key);")
    inputs = {
        "runtime": "notify",
        "database_url": world.database_url,
        "admin_url": world.admin_url,
        "expect_from": "migrations",
        "migrations": str(tmp_path),
        "migrations_layout": "plain",
    }

    report = gate(world.url, **inputs)
    verdict = report.verdicts[0]
    [shell] = re.findall(r"Apply it: `([^`]*)`", verdict.remedy)
    path = f"{binaries()}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DATABASE_URL": world.database_url}
    subprocess.run(shell, shell=True, check=True, env=environment)  # noqa: S602 - as a person would
    apply(world, verdict.remedy.partition("then")[2])
    after = gate(world.url, timeout="10s", **inputs | {"runtime": "none", "mode": "verify"})

    assert (report.exit_code, set(causes(report).values())) == (1, {"not-applied"})
    assert verdict.told
    assert after.exit_code == 0, after.sentence


def test_a_schema_that_is_not_exposed_is_exposed_by_the_statements(start: Start) -> None:
    """Where the setting lives in the database; the schema is made if it is not there."""
    with start() as world:
        of = f"alter role authenticator in database {world.database}"
        world.sql(f"{of} set pgrst.db_schemas = 'public'")
        world.sql("create schema v2; grant usage on schema v2 to anon")
        world.sql("create table v2.items (id int); grant select on v2.items to anon")
        inputs = {"expected_tables": "v2.items", "database_url": world.database_url}

        report = gate(world.url, timeout=BRIEF, **inputs)
        [verdict] = report.verdicts
        apply(world, verdict.remedy)
        wait_until(lambda: gate(world.url, **inputs).exit_code == 0)

    assert (report.exit_code, verdict.cause) == (1, Cause.NOT_EXPOSED)
    assert any("PGRST106" in line for line in verdict.told)


@pytest.mark.parametrize(
    ("expectation", "cause", "told", "given"),
    [
        (
            {"expected_functions": "overloaded(a, wrong)", "runtime": "notify", "admin_url": "yes"},
            "wrong-signature",
            "database: there is public.overloaded(a integer, b integer)",
            re.compile(r"`(expected-functions): ([^`]*)`"),
        ),
        (
            {"expected_functions": "overloaded(a int, b int)"},
            "unproven",
            "in the cache",
            re.compile(r"`(admin-url)`()"),
        ),
    ],
    ids=["wrong signature", "unproven"],
)
def test_the_input_that_is_printed_opens_the_gate(
    world: World,
    expectation: dict[str, str],
    cause: str,
    told: str,
    given: re.Pattern[str],
) -> None:
    """Where nothing is wrong with the server but what is asked of it, or how."""
    world.sql(MIGRATION)
    world.reload()
    inputs = {"database_url": world.database_url} | expectation
    if "admin_url" in inputs:
        inputs["admin_url"] = world.admin_url

    report = gate(world.url, timeout="3s", **inputs)
    [verdict] = report.verdicts
    found = given.search(verdict.remedy)
    assert found, verdict.remedy
    text = found[2] or world.admin_url
    after = gate(world.url, **inputs | {found[1].replace("-", "_"): text})

    assert (report.exit_code, verdict.cause.value) == (1, cause)
    assert any(told in line for line in verdict.told), verdict.told
    assert after.exit_code == 0, after.sentence


BREAKING: Final = {
    "foreign table": (
        """create foreign data wrapper hollow;
        create server away foreign data wrapper hollow;
        create foreign table far (id int) server away""",
        "55000",
        "foreign-tables",
    ),
    "schema": (
        "alter role authenticator in database {database} set pgrst.db_schemas = 'public, gone'",
        "3F000",
        "schemas",
    ),
}


@contextmanager
def written(log: Log, path: Path) -> Iterator[None]:
    """The lines of the log in a file as well, as they come."""
    path.touch()
    ended = threading.Event()

    def write() -> None:
        done = 0
        while not ended.is_set():
            with log.arrived, path.open("a") as file:
                file.writelines(f"{line}\n" for line in log.lines[done:])
                done = len(log.lines)
                log.arrived.wait(0.05)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


@pytest.mark.parametrize(("sickness", "code", "subject"), BREAKING.values(), ids=BREAKING)
def test_what_breaks_the_load_is_mended_by_the_statements(
    start: Start, tmp_path: Path, sickness: str, code: str, subject: str
) -> None:
    """The server's own line is shown where its log can be read; the finding has what to type."""
    log = tmp_path / "log"
    with start() as world, written(world.server.log, log):
        world.sql(MIGRATION + sickness.format(database=world.database))
        inputs = {
            "runtime": "process",
            "pid": str(world.server.pid),
            "log_file": str(log),
            "database_url": world.database_url,
            "expected_tables": "heartbeats",
        }
        report = gate(world.url, timeout="3s", **inputs)
        [verdict] = report.verdicts
        apply(world, verdict.remedy)
        after = gate(world.url, timeout="30s", **inputs)

    assert (report.exit_code, verdict.cause) == (1, Cause.RELOAD_FAILING)
    assert any(code in line for line in verdict.told), verdict.told
    assert [one.subject for one in report.findings if one.subject != "unprotected"] == [subject]
    assert verdict.remedy == next(one.remedy for one in report.findings if one.subject == subject)
    assert after.exit_code == 0, after.sentence


def test_a_trigger_that_misses_the_statement_is_told(world: World) -> None:
    """It would have had the server reload, and did not for this one; the statement mends it."""
    world.sql(
        "create function watch() returns event_trigger language plpgsql as"
        " $$ begin notify pgrst, 'reload schema'; end $$;"
        "create event trigger watch on ddl_command_end when tag in ('CREATE TABLE')"
        " execute function watch();"
    )
    inputs = {"expected_columns": "scans: fresh", "database_url": world.database_url}
    try:
        world.sql("alter table scans add column fresh int")
        report = gate(world.url, timeout=BRIEF, **inputs)
        [finding] = [one for one in report.findings if one.subject == "event-triggers"]
        apply(world, finding.remedy)
        after = gate(world.url, **inputs)
    finally:
        world.sql("drop event trigger watch; drop function watch")

    assert (report.exit_code, causes(report)) == (1, {"scans.fresh": "stale"})
    assert finding.text == "no event trigger notifies pgrst after ALTER TABLE"
    assert after.exit_code == 0, after.sentence


def test_rows_that_no_policy_shows_are_hidden(world: World) -> None:
    """Told from rows that are not there, by the catalog; a policy shows them."""
    world.sql("alter table projects enable row level security")
    inputs = {
        "access": "member may read at least 1 row of projects",
        "jwt_secret": SECRET,
        "database_url": world.database_url,
    }

    report = gate(world.url, **inputs)
    [result] = report.access
    policy = result.remedy.partition(": ")[2]
    world.sql(policy.replace("<name>", "all_of_it").replace("<condition>", "true"))
    after = gate(world.url, **inputs)

    assert (report.exit_code, result.outcome, result.cause) == (1, "broken", Cause.RLS_HIDDEN)
    assert result.told[-1] == (
        "database: row-level security of public.projects applies to member:"
        " no policy shows it a row"
    )
    assert after.exit_code == 0, after.sentence


def test_a_role_that_does_not_exist_is_unauthorized(world: World) -> None:
    """No verdict on the item: what to look at is the key."""
    report = gate(world.url, token=token("nobody"), expected_columns="scans: status")
    [verdict] = report.verdicts

    assert (report.exit_code, verdict.cause) == (4, Cause.UNAUTHORIZED)
    assert any("22023" in line for line in verdict.told)
    assert "`token`" in verdict.remedy


def test_a_server_that_is_gone_is_unreachable(start: Start) -> None:
    """It was there when the run began; where its log is, is told by what was given."""
    with start() as world:

        def kill(event: Event) -> None:
            if event.stage == "baseline":
                world.server.signal(SIGKILL)

        report = gate_told_of(
            kill, world.url, timeout="500ms", container="api", expected_columns="scans: never"
        )

    [verdict] = report.verdicts
    assert (report.exit_code, verdict.cause) == (4, Cause.UNREACHABLE)
    assert verdict.told
    assert "`docker logs --tail 50 api`" in verdict.remedy


def test_what_answers_in_its_place_is_no_postgrest(start: Start) -> None:
    """It took the place in the middle of the run; nothing it says is believed."""
    with start() as world:
        gateway = Gateway(world.url)

        def replace(event: Event) -> None:
            if event.stage == "baseline":
                gateway.refuses = 404

        with serving(gateway) as url:
            report = gate_told_of(replace, url, timeout="500ms", expected_columns="scans: never")

    assert report.verdicts, report.sentence
    [verdict] = report.verdicts
    assert (report.exit_code, verdict.cause) == (4, Cause.NOT_POSTGREST)
    assert "the address of PostgREST itself" in verdict.remedy
