"""The process runtime on real processes: the stand-in as `postgrest`, and its look-alikes."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.host.process import Process
from pgrst_gate.runtimes.host.processes import local_processes
from pgrst_gate.runtimes.interface import Condition
from pgrst_sandbox.postgres import postgres
from pgrst_sandbox.process import run

if TYPE_CHECKING:
    from pgrst_sandbox.process import Server

LOADED = r"Schema cache loaded in"
STAND_IN = "import runpy\n\nrunpy.run_module('pgrst_sandbox', run_name='__main__')\n"
CATCHES = """
import signal
signal.signal(signal.SIGUSR1, lambda *_: None)
while True:
    signal.pause()
"""
CATCHES_NOTHING = "import time\ntime.sleep(600)\n"

Start = Callable[..., int]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in as a program of a name that no other process of this machine has.

    The kernel calls a script by its file's name, in 15 characters.
    """
    return script(tmp_path_factory.mktemp("bin") / unique_name(), STAND_IN)


@pytest.fixture(scope="module")
def server(program: Path) -> Iterator[Server]:
    """A PostgREST over an empty database."""
    with (
        postgres() as database,
        run(
            dsn=database.dsn(), command=[str(program)], env={"PGRST_DB_ANON_ROLE": "postgres"}
        ) as started,
    ):
        yield started


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program, wait until it is what it will be; ended after the test."""
    with ExitStack() as started:

        def start(*argv: str, catching: bool = False) -> int:
            process = started.enter_context(subprocess.Popen(argv))
            started.callback(process.kill)
            wait_until(lambda: is_up(process.pid, argv, catching=catching))
            return process.pid

        yield start


def unique_name() -> str:
    """Give a name that a PostgREST may have, and no other process of this machine."""
    return f"postgrest-{10000 + secrets.randbelow(90000)}"


def script(path: Path, code: str) -> Path:
    """Write a program in Python."""
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)
    return path


def is_up(pid: int, argv: tuple[str, ...], *, catching: bool) -> bool:
    """Whether a child has become the program it was started as."""
    found = local_processes().get(pid)
    if found is None or found.argv[-1:] != argv[-1:]:  # none of its own while it starts
        return False
    return not catching or found.catches(signal.SIGUSR1) is not False


def wait_until(true: Callable[[], bool]) -> None:
    """Wait 10 seconds at most."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "waited 10 s in vain"
        time.sleep(0.01)


@pytest.mark.parametrize("way", ["pid", "pid file", "name"])
def test_a_reload_reaches_the_server(
    server: Server, program: Path, tmp_path: Path, way: str
) -> None:
    """By pid, pid file and name alike the server loads its cache anew, and is not restarted."""
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{server.pid}\n")
    runtime = {
        "pid": Process(server.pid),
        "pid file": Process(pid_file=str(pid_file)),
        "name": Process(process_name=program.name),
    }[way]
    (instance,) = runtime.preflight("reload")
    before, lines = runtime.mark(instance), len(server.log)

    runtime.reload(instance, "SIGUSR1")

    assert server.wait_for_log(LOADED, after=lines)
    assert runtime.mark(instance) == before
    assert runtime.condition(instance) == Condition()


def test_sighup_is_not_sent_to_a_server_that_it_ends(server: Server) -> None:
    """A PostgREST of today has no handler for SIGHUP: it gets none, and lives."""
    runtime = Process(server.pid)
    (instance,) = runtime.preflight("reload")

    with pytest.raises(NotRefreshed, match="has no handler for SIGHUP"):
        runtime.reload(instance, "SIGHUP")

    assert server.process.poll() is None


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("sleeper", CATCHES_NOTHING, "is not postgrest but"),
        ("reader", CATCHES, "is not postgrest but"),
        ("postgrest", CATCHES_NOTHING, "has no handler for SIGUSR1, which would end it"),
    ],
    ids=["another program", "another that would survive", "a namesake without handlers"],
)
def test_a_process_that_is_not_postgrest_is_left_alone(
    start: Start, tmp_path: Path, name: str, code: str, message: str
) -> None:
    """A wrong pid costs nobody's life: nothing is sent to it."""
    pid = start(str(script(tmp_path / name, code)), "postgrest")

    with pytest.raises(NotRefreshed, match=message):
        Process(pid).preflight("reload")

    found = local_processes().get(pid)
    assert found is not None
    assert found.argv[-1] == "postgrest"


def test_those_who_only_mention_the_name_are_not_found(
    server: Server, program: Path, start: Start
) -> None:
    """An editor, a pager or a wrapper with the name among its arguments is not the server."""
    start(sys.executable, "-c", CATCHES, program.name, catching=True)
    start("/bin/sh", "-c", f"kill -STOP $$; : {program.name}")

    found = Process(process_name=program.name).preflight("reload")

    assert [instance.key for instance in found] == [str(server.pid)]


RESTART = """
import os, subprocess, sys
from pathlib import Path
program, pid_file = sys.argv[1], Path(sys.argv[2])
os.kill(int(pid_file.read_text()), 15)
pid_file.write_text(str(subprocess.Popen([program], start_new_session=True).pid))
"""


@pytest.mark.parametrize("way", ["pid", "pid file", "name"])
def test_a_restart_is_followed_to_the_new_process(start: Start, tmp_path: Path, way: str) -> None:
    """After the command the new process is the instance, and can be told to reload."""
    program = script(tmp_path / unique_name(), CATCHES)
    pid_file = tmp_path / "pid"
    old = start(str(program), catching=True)
    pid_file.write_text(str(old))
    command = shlex.join([str(script(tmp_path / "restart", RESTART)), str(program), str(pid_file)])
    runtime = Process(
        pid=old if way == "pid" else None,
        pid_file=str(pid_file) if way == "pid file" else "",
        process_name=program.name,
        restart_command=command,
    )
    (instance,) = runtime.preflight("restart")
    before = runtime.mark(instance)

    assert runtime.restart(instance) == command

    new = int(pid_file.read_text())
    try:
        assert runtime.mark(instance) != before
        assert runtime.mark(instance).started.split()[0] == str(new)
        wait_until(lambda: is_up(new, (str(program),), catching=True))
        assert runtime.reload(instance, "SIGUSR1") == "SIGUSR1"
    finally:
        os.kill(new, signal.SIGKILL)


def test_a_server_that_ends_is_seen_to_be_gone(start: Start, tmp_path: Path) -> None:
    """Waiting for a process that has ended cannot help, also while nobody has collected it."""
    pid = start(str(script(tmp_path / "postgrest", CATCHES)), catching=True)
    runtime = Process(pid)
    (instance,) = runtime.preflight("reload")

    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: runtime.condition(instance).hopeless)
    with pytest.raises(NotRefreshed, match="has ended"):
        runtime.reload(instance, "SIGUSR1")
