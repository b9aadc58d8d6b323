"""Where a reload is not enough: a restart, asked for or climbed to."""

import os
import shlex
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest
from tests.acceptance.capabilities import any_version
from tests.acceptance.conftest import Start
from tests.acceptance.running import causes, gate
from tests.acceptance.world import BASE, MIGRATION, World

from pgrst_gate.runtimes.host import process

# Ends the process, waits until its ports are free, and starts its program over another database.
RESTART: Final = """
import os, pathlib, signal, subprocess, sys, time

old, program, database, pid_file = sys.argv[1:]
entries = pathlib.Path(f"/proc/{old}/environ").read_text().split("\\0")
environment = dict(entry.split("=", 1) for entry in entries if entry)
os.kill(int(old), signal.SIGTERM)
while pathlib.Path(f"/proc/{old}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
    time.sleep(0.01)
new = subprocess.Popen(
    [program],
    env=environment | {"PGRST_DB_URI": database},
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    start_new_session=True,
)
pathlib.Path(pid_file).write_text(str(new.pid))
"""


@dataclass(frozen=True, slots=True)
class Restart:
    """A command that restarts a server, and the file in which it leaves the new pid."""

    script: Path
    pid_file: Path

    def command(self, world: World, database_url: str) -> str:
        """The command line for one server."""
        pid, program = str(world.server.pid), str(world.program)
        script = [sys.executable, str(self.script)]
        return shlex.join([*script, pid, program, database_url, str(self.pid_file)])


@pytest.fixture
def restart(tmp_path: Path) -> Iterator[Restart]:
    """The command; what it has started is ended after the test."""
    made = Restart(tmp_path / "restart.py", tmp_path / "new.pid")
    made.script.write_text(textwrap.dedent(RESTART))
    yield made
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(made.pid_file.read_text()), SIGKILL)


@pytest.mark.parametrize(
    ("inputs", "actions"),
    [
        pytest.param({"method": "restart"}, ["restart"], id="asked for"),
        pytest.param(
            {"escalate": "true"},
            ["reload", "restart"],
            id="climbed to",
            marks=any_version("how each starts is seen where it is asked for"),
        ),
    ],
)
def test_a_restart_opens_the_gate_where_a_reload_cannot(
    start: Start, restart: Restart, inputs: dict[str, str], actions: list[str]
) -> None:
    """Here only the restart points the server at the migrated database."""
    with start() as world, start(setup=BASE + MIGRATION) as migrated:
        database_url = migrated.cluster.dsn(migrated.database, "authenticator")

        report = gate(
            world.url,
            runtime="process",
            process_name=world.program.name,
            restart_command=restart.command(world, database_url),
            expected_columns="scans: ended_at",
            **inputs,
        )

        assert (report.exit_code, causes(report)) == (0, {"scans.ended_at": "served"})
        assert [receipt.action for receipt in report.receipts] == actions
        assert report.evidence.value == "confirmed"
        assert not world.alive


@any_version("the server is not touched")
def test_a_restart_that_fails_leaves_the_server(world: World) -> None:
    """A command that ends in error is exit 3: nothing was restarted, and the server runs on."""
    world.sql(MIGRATION)

    report = gate(
        world.url,
        runtime="process",
        method="restart",
        pid=str(world.server.pid),
        restart_command=f"{sys.executable} -c 'raise SystemExit(7)'",
        expected_columns="scans: ended_at",
    )

    assert (report.exit_code, report.conclusion.value) == (3, "not-refreshed")
    assert "exit code 7" in report.sentence
    assert (report.receipts, world.alive) == ((), True)


@any_version("there is no server to ask afterwards")
def test_a_restart_that_ends_the_server_is_told(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that succeeds and leaves nothing running: no verdict, and what was done is said."""
    monkeypatch.setattr(process, "APPEAR_SECONDS", 1.0)
    with start() as world:
        world.sql(MIGRATION)
        report = gate(
            world.url,
            timeout="5s",
            runtime="process",
            method="restart",
            process_name=world.program.name,
            restart_command=f"kill {world.server.pid}",
            expected_columns="scans: ended_at",
        )

        assert (report.exit_code, report.conclusion.value) == (3, "not-refreshed")
        assert "no new" in report.sentence
        assert not world.alive
