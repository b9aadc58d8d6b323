"""The command as people type it: what it prints, how it ends, how it is stopped."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
from subprocess import Popen
from threading import Event
from typing import Final

import pytest
from tests.acceptance.capabilities import any_version, needs
from tests.acceptance.running import command, start_command
from tests.acceptance.world import MIGRATION, World, token

from pgrst_sandbox.faults.gateway import Request, Response, serving

pytestmark = any_version("verdicts are of other tests: here it is how they are told")

COLUMNS: Final = ("--expected-columns", "scans: ended_at")


@needs("counts loads")
def test_an_open_gate_is_told(world: World, tmp_path: Path) -> None:
    """Exit 0: progress on standard error, the account on standard output, the report in a file."""
    world.sql(MIGRATION)
    path = tmp_path / "report.json"

    ended = command(
        *("run", "--url", world.url, "--admin-url", world.admin_url),
        *("--runtime", "notify", "--database-url", world.database_url),
        *(*COLUMNS, "--report", str(path)),
    )

    assert ended.returncode == 0, ended.stderr
    assert "sent NOTIFY \"pgrst\", 'reload schema'" in ended.stderr
    assert "== GATE OPEN ==" in ended.stdout
    assert "evidence confirmed (exit code 0)" in ended.stdout.splitlines()[-1]
    report = json.loads(path.read_text())
    assert (report["conclusion"], report["exit_code"]) == ("open", 0)


@needs("plans only")
def test_a_closed_gate_is_told(world: World) -> None:
    """Exit 1: the cause, how it was told, and what to type."""
    world.sql(MIGRATION)

    ended = command("run", "--url", world.url, "--runtime", "none", "--timeout", "200ms", *COLUMNS)

    assert ended.returncode == 1
    assert "== GATE CLOSED ==" in ended.stdout
    assert "stale" in ended.stdout
    assert "What to do: reload the schema cache" in ended.stdout
    assert "PGRST204" in ended.stdout


def test_the_account_is_json_on_demand(world: World) -> None:
    """Standard output is one JSON document and nothing else; no secret is in it."""
    secret = token("member")

    ended = command(
        *("run", "--url", world.url, "--runtime", "none", "--json", "--token", secret),
        *("--expected-columns", "scans: status"),
    )

    report = json.loads(ended.stdout)
    assert (ended.returncode, report["conclusion"]) == (0, "open")
    assert [(item["item"]["text"], item["cause"]) for item in report["items"]] == [
        ("public.scans.status", "served")
    ]
    assert secret not in ended.stdout + ended.stderr


NOBODY: Final = ("run", "--url", "http://127.0.0.1:1", "--timeout", "100ms")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run"], 2, "url is missing"),
        (["run", "--nonsense"], 2, "No such option"),
        ([*NOBODY, "--runtime", "none"], 2, "nothing is expected"),
        ([*NOBODY, "--runtime", "none", *COLUMNS], 4, "does not answer"),
        ([*NOBODY, "--runtime", "process", "--pid", "1", *COLUMNS], 3, "nothing was sent"),
        ([*NOBODY, "--runtime", "none", "--dry-run", *COLUMNS], 0, "nothing was sent"),
        (["--version"], 0, "pgrst-gate "),
        (["--help"], 0, "Exit codes: 0 the gate is open"),
    ],
)
def test_every_end_has_its_exit_code(arguments: list[str], code: int, told: str) -> None:
    """Of a run without a server, and of what is no run."""
    ended = command(*arguments)

    assert ended.returncode == code
    assert told in ended.stdout + ended.stderr


def stopped(process: Popen[str], number: Signals) -> tuple[float, int, str]:
    """Send a signal: seconds until the process has ended, its exit code and its last line."""
    began = time.monotonic()
    process.send_signal(number)
    stdout, _ = process.communicate(timeout=10)
    return time.monotonic() - began, process.returncode, stdout.splitlines()[-1]


@pytest.mark.parametrize(("number", "code"), [(SIGINT, 130), (SIGTERM, 143)])
@needs("hides columns")
def test_a_run_that_waits_can_be_stopped(world: World, number: Signals, code: int) -> None:
    """Within 2 s it ends and says what had been done; the server is left as it was."""
    world.sql(MIGRATION)

    with start_command(
        *("run", "--url", world.url, "--timeout", "10m", *COLUMNS),
        *("--runtime", "notify", "--database-url", world.database_url, "--db-channel", "none"),
    ) as process:
        assert process.stderr
        assert any("waiting" in line for line in process.stderr)
        seconds, exit_code, last = stopped(process, number)

    assert (exit_code, seconds < 2) == (code, True)
    assert "cancelled (sent so far: NOTIFY" in last
    assert world.alive


@contextmanager
def silence() -> Iterator[tuple[str, Event]]:
    """A server that takes requests and does not answer; its URL, and whether one has come."""
    asked, over = Event(), Event()

    def answer(request: Request) -> Response:
        del request
        asked.set()
        over.wait(60)
        return Response(503)

    with serving(answer) as url:
        try:
            yield url, asked
        finally:
            over.set()


@pytest.mark.parametrize(("number", "code"), [(SIGINT, 130), (SIGTERM, 143)])
def test_a_run_that_gets_no_answer_can_be_stopped(number: Signals, code: int) -> None:
    """A server that does not answer does not hold up the end, either."""
    arguments = ("--runtime", "none", *COLUMNS)
    with silence() as (url, asked), start_command("run", "--url", url, *arguments) as process:
        assert asked.wait(10)
        seconds, exit_code, last = stopped(process, number)

    assert (exit_code, seconds < 2) == (code, True)
    assert "cancelled (nothing was sent)" in last
