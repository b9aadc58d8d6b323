"""The processes of a machine: what they are, and what they do with a signal.

On Linux from /proc, with a pidfd so that a signal cannot meet a later process with the same pid;
elsewhere (macOS) from `ps`.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.interface import ReloadSignal
from pgrst_gate.runtimes.transports.commands import Commands, LocalCommands

POSTGREST: Final = "postgrest"
SHELLS: Final = frozenset({"sh", "ash", "bash", "busybox", "dash", "fish", "ksh", "zsh"})

# `postgrest`, `postgrest-14.14`, and Nix's `.postgrest-wrapped`, of which the kernel keeps 15
# characters.
_NAMES: Final = re.compile(r"\.?postgrest([-_.]?v?\d[\w.+-]*)?(-wrap\w*)?")
_COMM_LENGTH: Final = 15
_LINE_LENGTH: Final = 80


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process as the system tells it. All text is what the process chose to show: untrusted."""

    pid: int
    parent: int
    argv: tuple[str, ...]
    comm: str = ""
    """The kernel's name for it: a script that names its interpreter in a `#!` line has its own."""
    exe: str = ""
    """Path of the program file; empty where it cannot be read."""
    started: str = ""
    """Opaque; tells two processes with one pid apart."""
    caught: int | None = None
    """The signals it has handlers for as a mask, signal 1 in the lowest bit; None where unknown."""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command_line})"

    @property
    def program(self) -> str:
        """The base name of what was started, without the dash of a login shell."""
        return Path(self.argv[0]).name.lstrip("-") if self.argv else self.comm

    @property
    def command_line(self) -> str:
        """The command with its arguments, cut to a line's length."""
        line = " ".join(self.argv) or f"[{self.comm}]"
        return line if len(line) <= _LINE_LENGTH else line[: _LINE_LENGTH - 1] + "…"

    def is_postgrest(self) -> bool:
        """Whether it is a PostgREST by its name."""
        return any(_NAMES.fullmatch(name) for name in self._names())

    def is_called(self, name: str) -> bool:
        """Whether the program has this name; ``postgrest`` stands for all names PostgREST has."""
        if name == POSTGREST:
            return self.is_postgrest()
        names = self._names()
        return name in names or (name[:_COMM_LENGTH] == self.comm and bool(names))

    def _names(self) -> set[str]:
        """Its own names; a shell has none, since it only runs what is called so."""
        exe = Path(self.exe.removesuffix(" (deleted)")).name
        if {self.program, exe} & SHELLS:
            return set()
        return {self.comm, self.program, exe}

    def catches(self, number: int) -> bool | None:
        """Whether it has a handler for the signal; None where that cannot be seen."""
        return None if self.caught is None else bool(self.caught >> (number - 1) & 1)


def ensure_called(process: RunningProcess, called: str = POSTGREST) -> None:
    """Raise `NotRefreshed` unless the process has the name, as `RunningProcess.is_called`."""
    if not process.is_called(called):
        raise NotRefreshed(
            f"process {process.pid} is not {called} but `{process.command_line}`; nothing was sent",
            hint="name the PostgREST process itself, not a shell or a wrapper around it (a wrapper "
            "script should start it by `exec`)",
        )


def ensure_reloads(process: RunningProcess, asked: ReloadSignal, called: str = POSTGREST) -> None:
    """Raise `NotRefreshed` unless the process has the name, and a handler for the signal.

    Whoever has no handler would be ended by it.
    """
    ensure_called(process, called)
    if process.catches(signal.Signals[asked]) is False:
        raise NotRefreshed(
            f"process {process.pid} (`{process.command_line}`) has no handler for {asked}, which "
            "would end it; nothing was sent",
            hint="it may have started only this moment, or its signals are not PostgREST's: "
            "restart it, or reload by NOTIFY (`database-url`)",
        )


def servers_named(name: str, processes: Iterable[RunningProcess]) -> tuple[RunningProcess, ...]:
    """The servers of the name among the processes, without wrappers.

    A wrapper may bear the name, too: who has a handler is the server, its child is not another.
    """
    named = tuple(process for process in processes if process.is_called(name))
    handling = tuple(p for p in named if p.catches(signal.SIGUSR1) is not False) or named
    pids = {process.pid for process in handling}
    return tuple(process for process in handling if process.parent not in pids)


class Processes(Protocol):
    """The processes of one machine."""

    def all(self) -> tuple[RunningProcess, ...]:
        """Every process that could be read; not threads, not the dead."""
        ...

    def get(self, pid: int) -> RunningProcess | None:
        """The process with this pid; None when there is none."""
        ...

    def send(self, pid: int, number: int, verify: Callable[[RunningProcess], None]) -> None:
        """Send a signal (0: only ask whether one may) to the process that ``verify`` lets pass.

        Raises what ``verify`` raises, `ProcessLookupError` or `PermissionError`.
        """
        ...


class LinuxProcesses:
    """The processes that /proc shows."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def all(self) -> tuple[RunningProcess, ...]:
        """As `Processes.all`."""
        pids = sorted(int(home.name) for home in self._proc.iterdir() if home.name.isdecimal())
        return tuple(process for pid in pids if (process := self.get(pid)) is not None)

    def get(self, pid: int) -> RunningProcess | None:
        """As `Processes.get`."""
        home = self._proc / str(pid)
        try:
            status = (home / "status").read_text(errors="replace")
            stat = (home / "stat").read_text(errors="replace")
            cmdline = (home / "cmdline").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return None
        exe = ""
        with suppress(OSError):  # another user's
            exe = str((home / "exe").readlink())
        return read_proc(status, cmdline, stat=stat, exe=exe)

    def send(self, pid: int, number: int, verify: Callable[[RunningProcess], None]) -> None:
        """As `Processes.send`; from the look at the process to the signal it is held by a pidfd."""
        with _held(pid) as send:
            process = self.get(pid)
            if process is None:
                raise ProcessLookupError(pid)
            verify(process)
            send(number)


def read_proc(status: str, cmdline: str, *, stat: str = "", exe: str = "") -> RunningProcess | None:
    """A process by its files in /proc, see proc(5); None for a thread and for the dead."""
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if fields.get("State", "").startswith(("Z", "X")) or fields.get("Tgid") != fields.get("Pid"):
        return None
    # The name in it may hold spaces and brackets; the start time is field 22, the state field 3.
    from_state = stat.rpartition(")")[2].split()
    return RunningProcess(
        pid=int(fields["Pid"]),
        parent=int(fields["PPid"]),
        argv=tuple(cmdline.rstrip("\0").split("\0")) if cmdline else (),
        comm=fields["Name"],
        exe=exe,
        started=from_state[22 - 3] if from_state else "",
        caught=int(fields["SigCgt"], 16) if "SigCgt" in fields else None,  # gVisor has none
    )


@contextmanager
def _held(pid: int) -> Iterator[Callable[[int], None]]:
    """Give what sends a signal to the process that has the pid now, and to no later one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:  # kernels before 5.3, and sandboxes without the call

        def send_by_pid(number: int) -> None:
            os.kill(pid, number)

        yield send_by_pid
        return

    def send(number: int) -> None:
        signal.pidfd_send_signal(descriptor, number)

    try:
        yield send
    finally:
        os.close(descriptor)


# `lstart` is five words: Sun Nov 23 15:11:02 2026
_PS_ROW: Final = re.compile(
    r"\s*(?P<pid>\d+)\s+(?P<ppid>\d+)\s+(?P<stat>\S+)\s+(?P<lstart>(?:\S+\s+){4}\S+)\s+(?P<args>.+)"
)


class PsProcesses:
    """The processes that `ps` shows, for systems without /proc. Handlers cannot be seen there."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def all(self) -> tuple[RunningProcess, ...]:
        """As `Processes.all`."""
        return self._ps("-axww")

    def get(self, pid: int) -> RunningProcess | None:
        """As `Processes.get`."""
        return next(iter(self._ps("-ww", "-p", str(pid))), None)

    def send(self, pid: int, number: int, verify: Callable[[RunningProcess], None]) -> None:
        """As `Processes.send`, but for a moment between the look and the signal."""
        process = self.get(pid)
        if process is None:
            raise ProcessLookupError(pid)
        verify(process)
        os.kill(pid, number)

    def _ps(self, *which: str) -> tuple[RunningProcess, ...]:
        columns = (f"-o{column}=" for column in ("pid", "ppid", "stat", "lstart", "args"))
        shown = self._commands.run(["ps", *which, *columns], timeout=10)
        rows = (_PS_ROW.match(line) for line in shown.stdout.splitlines())
        return tuple(
            RunningProcess(
                int(row["pid"]), int(row["ppid"]), tuple(row["args"].split()), started=row["lstart"]
            )
            for row in rows
            if row and not row["stat"].startswith("Z")
        )


def local_processes() -> Processes:
    """The processes of this machine."""
    return LinuxProcesses() if sys.platform == "linux" else PsProcesses(LocalCommands())
