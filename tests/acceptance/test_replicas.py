"""Processes that can be asked one by one: each is proven by itself, and one that is not closes."""

import shlex
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from tests.acceptance.capabilities import each_line, needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import BASE, MIGRATION, World

from pgrst_sandbox.faults.balancer import balanced

pytestmark = [needs("counts loads"), each_line("each process is asked as one alone is")]

EXPECTED: Final = {"expected_tables": "heartbeats", "expected_functions": "tick()"}

# Starts a server as it was, and ends it after a moment of service.
BRIEFLY: Final = """
import os, pathlib, signal, subprocess, sys, time

old, program, log = sys.argv[1:]
entries = pathlib.Path(f"/proc/{old}/environ").read_text().split("\\0")
environment = dict(entry.split("=", 1) for entry in entries if entry)
os.kill(int(old), signal.SIGTERM)
while pathlib.Path(f"/proc/{old}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
    time.sleep(0.01)
if os.fork():
    raise SystemExit
os.setsid()
with open(log, "w") as file:
    new = subprocess.Popen([program], env=environment, stdout=file, stderr=file)
while "Schema cache loaded" not in pathlib.Path(log).read_text():
    time.sleep(0.01)
time.sleep(0.5)
new.kill()
new.wait()
"""


@pytest.fixture
def three(world: World, start: Start) -> Iterator[tuple[World, World, World]]:
    """Three servers over one database, none of which has seen the migration."""
    with ExitStack() as started:
        second, third = (started.enter_context(start(database=world.database)) for _ in range(2))
        world.sql(MIGRATION)
        yield world, second, third


def targets(*worlds: World) -> str:
    """Their addresses, as the input takes them."""
    return "\n".join(world.url for world in worlds)


def test_three_fresh_processes_open_the_gate_with_three_proofs(
    three: tuple[World, World, World],
) -> None:
    """Each was asked by itself, and so was the address in front of them."""
    with balanced([world.url for world in three]) as url:
        report = gate(
            url,
            runtime="notify",
            database_url=three[0].database_url,
            targets=targets(*three),
            **EXPECTED,
        )

    assert report.exit_code == 0, report.sentence
    assert [one.name for one in report.instances] == [*(world.url for world in three), url]
    assert [(one.served, one.not_served) for one in report.instances] == [(2, ())] * 4
    assert {one.evidence.value for one in report.instances} == {"inferred"}
    assert "by each of 3 processes" in report.sentence


@pytest.mark.parametrize("stale", [0, 1, 2])
def test_one_stale_process_of_three_closes_the_gate_and_is_named(
    three: tuple[World, World, World], stale: int
) -> None:
    """Whichever it is, and although the address in front shows a fresh one."""
    fresh = [world for number, world in enumerate(three) if number != stale]
    for world in fresh:
        world.reload()

    report = gate(fresh[0].url, timeout=BRIEF, targets=targets(*three), **EXPECTED)

    name = three[stale].url
    assert (report.exit_code, set(causes(report).values())) == (1, {"stale"})
    assert report.sentence.endswith(f"by {name}")
    assert [one.name for one in report.instances if one.not_served] == [name]
    assert all(line.startswith(f"{name}: ") for one in report.verdicts for line in one.told)
    assert all(f"as expected by {fresh[0].url}" in one.note for one in report.verdicts)


def test_a_target_that_is_not_there_is_told_before_anything_is_sent(world: World) -> None:
    """A process that cannot be asked cannot be proven."""
    gone = "http://127.0.0.1:9"

    report = gate(
        world.url,
        runtime="notify",
        database_url=world.database_url,
        timeout="200ms",
        targets=f"{world.url}\n{gone}",
        expected_tables="scans",
    )

    assert (report.exit_code, report.receipts) == (4, ())
    assert gone in report.sentence


def test_a_second_way_to_reload_is_taken_when_the_first_did_not_help(
    world: World, start: Start
) -> None:
    """The signal goes to another server; `escalate` notifies the database of this one as well."""
    world.sql(MIGRATION)
    with start() as another:
        report = gate(
            world.url,
            runtime="process",
            pid=str(another.server.pid),
            restart_command="false",
            escalate="true",
            database_url=world.database_url,
            **EXPECTED,
            timeout="3s",
        )

    assert report.exit_code == 0, report.sentence
    assert [(one.runtime, one.action) for one in report.receipts] == [
        ("process", "reload"),
        ("notify", "reload"),
    ]


def test_a_server_that_serves_for_a_moment_only_closes_the_gate(
    start: Start, tmp_path: Path
) -> None:
    """After a restart it is looked on: it serves all that is expected, and ends."""
    script = tmp_path / "briefly.py"
    script.write_text(textwrap.dedent(BRIEFLY))
    with start(setup=BASE + MIGRATION) as world:
        command = [sys.executable, script, world.server.pid, world.program, tmp_path / "log"]

        report = gate(
            world.url,
            runtime="process",
            method="restart",
            process_name=world.program.name,
            restart_command=shlex.join(map(str, command)),
            settle="5s",
            **EXPECTED,
        )

    assert (report.exit_code, report.conclusion.value) == (1, "closed")
    assert "not for long" in report.sentence
    assert set(causes(report).values()) == {"unreachable"}
