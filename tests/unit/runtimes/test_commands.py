"""Commands on this machine."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from pgrst_gate.errors import Cancelled, NotRefreshed
from pgrst_gate.runtimes.transports.commands import Completed, LocalCommands


def python(code: str) -> list[str]:
    """Give the command that runs this code."""
    return [sys.executable, "-c", code]


def test_a_command_tells_how_it_ended() -> None:
    """Exit code and both outputs are given, also where they are no text."""
    code = r"import sys; sys.stdout.buffer.write(b'out \xff'); sys.stderr.write('err'); sys.exit(3)"

    assert LocalCommands().run(python(code), timeout=10) == Completed(3, "out \ufffd", "err")


@pytest.mark.parametrize(
    ("completed", "expected"),
    [
        (Completed(1, "out", "one\n two \n\n"), "two"),
        (Completed(1, "one\ntwo\n", "\n"), "two"),
        (Completed(1), ""),
    ],
)
def test_the_last_words_are_standard_errors(completed: Completed, expected: str) -> None:
    """Of what a command said, the last line of its errors tells most."""
    assert completed.said == expected


@pytest.mark.parametrize(("mode", "exit_code"), [(None, 127), (0o644, 126)])
def test_what_cannot_be_run_has_an_exit_code(
    tmp_path: Path, mode: int | None, exit_code: int
) -> None:
    """A program that is missing or no program is told by a shell's exit codes."""
    program = tmp_path / "program"
    if mode is not None:
        program.write_text("text")
        program.chmod(mode)

    ended = LocalCommands().run([str(program)], timeout=10)

    assert ended.exit_code == exit_code
    assert str(program) in ended.said


def test_a_command_that_hangs_is_stopped() -> None:
    """A command that does not end in its time is killed, and named."""
    started = time.monotonic()

    with pytest.raises(NotRefreshed, match=r"`.*sleep\(60\)` did not end within 0\.1 s"):
        LocalCommands().run(python("import time; time.sleep(60)"), timeout=0.1)

    assert time.monotonic() - started < 30


def test_a_server_left_running_is_not_waited_for(tmp_path: Path) -> None:
    """A command that leaves a server behind has ended, though the server holds its output."""
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys; "
        "server = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"open({str(pid_file)!r}, 'w').write(str(server.pid))"
    )
    started = time.monotonic()

    ended = LocalCommands().run(python(code), timeout=30)

    os.kill(int(pid_file.read_text()), 9)
    assert ended.exit_code == 0
    assert time.monotonic() - started < 25


def test_output_is_bounded() -> None:
    """Of endless output the last mebibyte is kept."""
    ended = LocalCommands().run(python("print('x' * (1 << 21) + 'end')"), timeout=30)

    assert len(ended.stdout) == 1 << 20
    assert ended.stdout.endswith("end\n")


@pytest.mark.usefixtures("cancel_soon")
def test_a_cancellation_ends_the_command(tmp_path: Path) -> None:
    """A cancellation passes through at once, and leaves no command behind."""
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    with pytest.raises(Cancelled):
        LocalCommands().run(python(code), timeout=60)

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
