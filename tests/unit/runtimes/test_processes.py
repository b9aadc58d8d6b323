"""What counts as a PostgREST, and how processes are read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGTERM, SIGUSR1

import pytest
from tests.unit.runtimes.doubles import CATCHES, ScriptedCommands, pids, process, server

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.host.processes import (
    LinuxProcesses,
    Processes,
    PsProcesses,
    RunningProcess,
    ensure_reloads,
    read_proc,
    servers_named,
)
from pgrst_gate.runtimes.transports.commands import Completed, LocalCommands

STATUS = """\
Name:\tpostgrest
State:\tS (sleeping)
Tgid:\t4711
Pid:\t4711
PPid:\t1
Uid:\t1000\t1000\t1000\t1000
SigIgn:\t0000000000001000
SigCgt:\t0000000000000a02
"""
STAT = "4711 (a ) name) S 1 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 1 1\n"


@pytest.mark.parametrize(
    ("comm", "exe", "argv", "expected"),
    [
        ("postgrest", "/usr/bin/postgrest", ("postgrest", "a.conf"), True),
        ("postgrest-14.14", "/opt/postgrest-14.14", ("/opt/postgrest-14.14",), True),
        ("postgrest-v14-l", "", ("./postgrest-v14-linux-static-x86-64",), True),
        (".postgrest-wrap", "/nix/store/x/bin/.postgrest-wrapped", ("postgrest",), True),
        ("postgrest", "/usr/bin/python3.13", ("/usr/bin/python3", "/opt/postgrest"), True),
        ("postgrest", "/usr/bin/postgrest (deleted)", ("x",), True),
        ("x", "/usr/bin/postgrest (deleted)", ("x",), True),
        ("python3", "/usr/bin/python3.13", ("python3", "/opt/postgrest"), False),
        ("vim", "/usr/bin/vim", ("vim", "postgrest"), False),
        ("tail", "/usr/bin/tail", ("tail", "-f", "postgrest.log"), False),
        ("sh", "/bin/dash", ("sh", "-c", "postgrest a.conf"), False),
        ("postgrest", "/bin/dash", ("/bin/sh", "/usr/local/bin/postgrest"), False),
        ("bash", "/bin/bash", ("-bash",), False),
        ("postgrest-expor", "", ("postgrest-exporter",), False),
        ("postgres", "/usr/lib/postgresql/17/bin/postgres", ("postgres",), False),
        ("kthreadd", "", (), False),
    ],
)
def test_postgrest_is_told_by_its_own_name(
    comm: str, exe: str, argv: tuple[str, ...], *, expected: bool
) -> None:
    """A process is a PostgREST by its own name, never by its arguments, and a shell never is."""
    assert RunningProcess(1, 0, argv, comm, exe).is_postgrest() is expected


@pytest.mark.parametrize("name", ["rest-api", "rest-api-with-a-long-name"])
def test_another_name_can_be_given(name: str) -> None:
    """Somebody's own name for the program counts, also where the kernel cuts it."""
    assert RunningProcess(1, 0, (f"/opt/{name}",), name[:15]).is_called(name)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            process(7, "/usr/bin/sleep", "60"),
            "process 7 is not postgrest but `/usr/bin/sleep 60`",
        ),
        (process(7, "postgrest"), "has no handler for SIGUSR1, which would end it"),
    ],
)
def test_a_process_that_would_die_is_refused(found: RunningProcess, message: str) -> None:
    """No signal goes to what is not postgrest, or to what has no handler for it."""
    with pytest.raises(NotRefreshed, match=message) as refused:
        ensure_reloads(found, "SIGUSR1")

    assert "nothing was sent" in str(refused.value)


def test_sighup_is_refused_where_it_kills() -> None:
    """SIGHUP is not sent to a PostgREST that does not handle it, whoever asks."""
    with pytest.raises(NotRefreshed, match="no handler for SIGHUP"):
        ensure_reloads(server(7), "SIGHUP")


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ([server(5), server(9)], [5, 9]),
        ([process(3, "postgrest"), server(5, parent=3)], [5]),
        ([server(5), server(6, parent=5)], [5]),
        ([process(3, "postgrest")], [3]),
        ([process(3, "vim", "postgrest"), process(4, "sleep", "1")], []),
    ],
    ids=["two servers", "a wrapper around one", "a child", "one without handlers", "none"],
)
def test_servers_of_a_name(running: list[RunningProcess], expected: list[int]) -> None:
    """Each server of the name is found once: neither its wrapper nor its children are servers."""
    assert pids(servers_named("postgrest", running)) == expected


def test_proc_files_are_read() -> None:
    """Name, arguments, start time and handlers come from /proc, whatever the name contains."""
    found = read_proc(STATUS, "/bin/postgrest\0a b.conf\0", stat=STAT, exe="/bin/postgrest")

    assert found == RunningProcess(
        4711, 1, ("/bin/postgrest", "a b.conf"), "postgrest", "/bin/postgrest", "98765", 0xA02
    )
    assert found.catches(SIGUSR1) is True
    assert found.catches(SIGHUP) is False


@pytest.mark.parametrize(
    "status",
    [
        STATUS.replace("S (sleeping)", "Z (zombie)"),
        STATUS.replace("Tgid:\t4711", "Tgid:\t4700"),
    ],
    ids=["dead", "a thread"],
)
def test_the_dead_and_threads_are_no_processes(status: str) -> None:
    """A dead process that nobody has collected does not count as running, nor does a thread."""
    assert read_proc(status, "") is None


def test_a_long_command_line_is_cut() -> None:
    """A command line in a message is at most a line long."""
    assert len(process(1, "postgrest", "x" * 200).command_line) == 80


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A real process with no handlers."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        yield child.pid
        child.kill()


@pytest.fixture(params=["proc", "ps"])
def processes(request: pytest.FixtureRequest) -> Processes:
    """The processes of this machine, by each way to read them."""
    if request.param == "proc":
        if not Path("/proc/self/status").exists():
            pytest.skip("this system has no /proc")
        return LinuxProcesses()
    if not shutil.which("ps"):
        pytest.skip("this system has no ps (apt-get install procps)")
    return PsProcesses(LocalCommands())


def test_real_processes_are_seen(processes: Processes, sleeper: int) -> None:
    """A real process is read with parent, arguments and start time, alone and among all."""
    found = processes.get(sleeper)

    assert found is not None
    assert (found.parent, found.argv[:2]) == (os.getpid(), (sys.executable, "-c"))
    assert found.started
    assert sleeper in pids(processes.all())


def test_a_pid_of_nobody_is_none(processes: Processes) -> None:
    """A pid that no process has is not an error."""
    assert processes.get(2**22 + 1) is None


def test_what_verification_refuses_gets_no_signal(processes: Processes, sleeper: int) -> None:
    """The look at the process comes before the signal, and can prevent it."""

    def refuse(found: RunningProcess) -> None:
        raise NotRefreshed(found.command_line)

    with pytest.raises(NotRefreshed):
        processes.send(sleeper, SIGTERM, refuse)

    assert processes.get(sleeper) is not None


def test_a_signal_arrives(processes: Processes) -> None:
    """What verification lets pass gets the signal."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        processes.send(child.pid, SIGTERM, lambda _: None)

        assert child.wait(timeout=10) == -SIGTERM


def test_a_signal_to_nobody_is_an_error(processes: Processes) -> None:
    """A pid that no process has any more is told apart from success."""
    with pytest.raises(ProcessLookupError):
        processes.send(2**22 + 1, SIGTERM, lambda _: None)


def test_pidfd_is_optional(monkeypatch: pytest.MonkeyPatch, sleeper: int) -> None:
    """Where the kernel has no pidfd the signal is sent by pid."""

    def missing(pid: int) -> int:
        raise OSError(38, "Function not implemented", str(pid))

    monkeypatch.setattr(os, "pidfd_open", missing)
    seen = []

    LinuxProcesses().send(sleeper, 0, lambda found: seen.append(found.pid))

    assert seen == [sleeper]


def test_handlers_are_unknown_without_proc() -> None:
    """What ps cannot tell is unknown, which is not the same as no handler."""
    row = "  7  1 Ss   Sun Nov 23 15:11:02 2026 /opt/homebrew/bin/postgrest pg.conf\n"
    (found,) = PsProcesses(ScriptedCommands({"ps": Completed(0, row)})).all()

    assert (found.pid, found.program, found.started) == (7, "postgrest", "Sun Nov 23 15:11:02 2026")
    assert found.is_postgrest()
    assert found.catches(SIGUSR1) is None
    assert server(1).catches(SIGUSR1) is True
    assert server(1).caught == CATCHES
