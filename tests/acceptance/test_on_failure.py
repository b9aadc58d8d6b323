"""The user's own plan for a run that failed: carried out once, and told."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from tests.acceptance.capabilities import any_version, needs
from tests.acceptance.running import BRIEF, gate
from tests.acceptance.world import MIGRATION, World

pytestmark = [needs("counts loads"), any_version("it is run once all verdicts are there")]

NOTED = (
    "import os, pathlib, sys;"
    "path = pathlib.Path(sys.argv[1]);"
    "path.open('a').write(pathlib.Path(os.environ['PGRST_GATE_FAILURE_REPORT']).read_text());"
    "sys.exit(int(sys.argv[2]))"
)


def noting(file: Path, exit_code: int = 0) -> str:
    """A command that keeps the report it is given, and ends so."""
    return shlex.join([sys.executable, "-c", NOTED, str(file), str(exit_code)])


@pytest.mark.parametrize("exit_code", [0, 7])
def test_the_command_is_run_once_with_the_report(
    world: World, tmp_path: Path, exit_code: int
) -> None:
    """What came of it is told, and the gate stays as closed as it was."""
    world.sql(MIGRATION)
    file = tmp_path / "report"

    report = gate(
        world.url,
        timeout=BRIEF,
        expected_tables="heartbeats",
        on_failure=noting(file, exit_code),
    )

    document = json.loads(file.read_text())  # which could not be read had it been run twice
    assert (report.exit_code, document["exit_code"]) == (1, 1)
    assert document["items"][0]["cause"] == "stale"
    assert report.on_failure is not None
    assert report.on_failure.succeeded is (exit_code == 0)
    assert ("exit code 7" in report.on_failure.told) is (exit_code == 7)


@pytest.mark.parametrize(
    ("url", "codes", "exit_code", "runs"),
    [
        ("", "1", 0, False),
        ("http://127.0.0.1:9", "1", 4, False),
        ("http://127.0.0.1:9", "1, 4", 4, True),
    ],
)
def test_it_is_run_for_the_ends_it_is_for(
    world: World, tmp_path: Path, url: str, codes: str, exit_code: int, *, runs: bool
) -> None:
    """Never for an open gate, and for a run without a verdict only where that was asked for."""
    file = tmp_path / "report"

    report = gate(
        url or world.url,
        timeout="200ms",
        expected_tables="scans",
        on_failure=noting(file),
        on_failure_codes=codes,
    )

    assert (report.exit_code, file.exists(), report.on_failure is not None) == (
        exit_code,
        runs,
        runs,
    )


@pytest.mark.parametrize(
    ("statements", "succeeded", "left"),
    [
        ("drop table heartbeats; drop view active_scans;", True, 0),
        ("drop table heartbeats; drop table no_such;", False, 1),
    ],
)
def test_an_sql_file_is_run_as_one_transaction(
    world: World, tmp_path: Path, statements: str, left: int, *, succeeded: bool
) -> None:
    """All of it, or nothing."""
    world.sql(MIGRATION)
    file = tmp_path / "rollback.sql"
    file.write_text(statements)

    report = gate(
        world.url,
        timeout=BRIEF,
        expected_tables="heartbeats",
        database_url=world.database_url,
        on_failure=str(file),
    )

    tables = world.rows("select 1 from pg_tables where tablename = 'heartbeats'")
    assert (report.exit_code, len(tables)) == (1, left)
    assert report.on_failure is not None
    assert report.on_failure.succeeded is succeeded
    assert succeeded or "no_such" in report.on_failure.told


def test_an_sql_file_needs_a_database(world: World) -> None:
    """That is told before anything is touched, and not when it is too late."""
    report = gate(world.url, expected_tables="scans", on_failure="rollback.sql")

    assert report.exit_code == 2
    assert "needs `database-url`" in report.sentence
