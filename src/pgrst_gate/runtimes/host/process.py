"""A PostgREST that runs as a plain process of this machine, found by pid, pid file or name.

It is looked at before a signal is sent: whoever gets a SIGUSR1 without expecting it is ended by it.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from signal import Signals
from typing import Final

from pgrst_gate.errors import NotRefreshed, UsageError
from pgrst_gate.runtimes.host.log_file import LogFile
from pgrst_gate.runtimes.host.processes import (
    POSTGREST,
    Processes,
    RunningProcess,
    ensure_called,
    ensure_reloads,
    local_processes,
    servers_named,
)
from pgrst_gate.runtimes.interface import (
    Action,
    Address,
    Condition,
    Instance,
    Mark,
    ReloadSignal,
    RuntimeName,
)
from pgrst_gate.runtimes.surroundings import HERE, Place
from pgrst_gate.runtimes.transports.commands import Commands, LocalCommands

RESTART_SECONDS: Final = 120.0
"""How long the restart command may take."""
APPEAR_SECONDS: Final = 10.0
"""How long after the restart command the new process may take to appear."""
READ_SECONDS: Final = 30.0
"""How long it may take to read a pid file on another machine."""

_ONLY_ASK: Final = 0
_DETACHED: Final = """
out=$(mktemp) || exit
"$@" >"$out" 2>&1 </dev/null
code=$?
cat "$out" >&2
rm "$out"
exit $code
"""


class Process:
    """One process by pid or pid file, or all of a name, each an instance of its own.

    ``process_name`` is what the program is called, also of a process found by pid.
    ``restart_command`` is a command line, split as a shell would, and run without one.
    ``log_file`` is where the one process writes its log.
    """

    name: Final[RuntimeName] = "process"

    def __init__(  # noqa: PLR0913 - how it is found, and by whom it is reached
        self,
        pid: int | None = None,
        pid_file: str = "",
        process_name: str = "",
        restart_command: str = "",
        log_file: str = "",
        *,
        processes: Processes | None = None,
        commands: Commands | None = None,
        place: Place = HERE,
    ) -> None:
        if pid is not None and pid_file:
            raise UsageError(
                "both `pid` and `pid-file` say which process it is", hint="give one of them"
            )
        self._pid = pid
        self._pid_file = pid_file
        self._process_name = process_name or POSTGREST
        self._restart_command = _split(restart_command)
        self._processes = processes or local_processes()
        self._commands = commands or LocalCommands()
        self._place = place
        self._log = LogFile(log_file, self._commands, place) if log_file else None
        self._successors: dict[str, int] = {}

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`; a reload needs a process that takes the signal and may get it."""
        if action == "restart" and not self._restart_command:
            raise NotRefreshed(
                "a plain process has no service manager that could restart it",
                hint="give `restart-command`, or use `method: reload`",
            )
        found = self._find()
        if action == "restart" and len(found) > 1:
            raise NotRefreshed(
                f"`restart-command` restarts one process, and {len(found)} are called "
                f"{self._process_name}: {_listed(found)}",
                hint="say which one by `pid` or `pid-file`",
            )
        if self._log and len(found) > 1:
            raise NotRefreshed(
                f"`log-file` is the log of one process, and {len(found)} are called"
                f" {self._process_name}: {_listed(found)}",
                hint="say which one by `pid` or `pid-file`",
            )
        if self._log:
            self._log.end()  # whether it can be read
        for process in found:
            if action == "reload":
                self._send(process.pid, _ONLY_ASK, "SIGUSR1")
            else:
                ensure_called(process, self._process_name)
        return tuple(Instance(str(process.pid), str(process)) for process in found)

    def mark(self, instance: Instance) -> Mark:
        """As `Runtime.mark`: pid and start time, none while the process is gone; the log's end."""
        process = self._current(instance)
        position = str(self._log.end()) if self._log else ""
        return Mark(_identity(process) if process else "", position)

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`."""
        process = self._current(instance)
        if process is None:
            raise NotRefreshed(f"{instance.name} has ended", hint="start PostgREST again")
        self._send(process.pid, Signals[signal], signal)
        return signal

    def restart(self, instance: Instance) -> str:
        """As `Runtime.restart`: the command must succeed and a new process must appear."""
        before = {_identity(process) for process in self._processes.all()}
        command = shlex.join(self._restart_command)
        # A session of SSH lasts as long as anybody holds its output: a server that was started.
        detached = ("sh", "-c", _DETACHED, "sh") if self._place.host else ()
        words = (*detached, *self._restart_command)
        ended = self._commands.run(words, timeout=RESTART_SECONDS)
        if ended.exit_code:
            raise NotRefreshed(
                f"`{command}` ended with exit code {ended.exit_code}: {ended.said}",
                hint=f"it must succeed when this user runs it on {self._place}, without a shell",
            )
        deadline = time.monotonic() + APPEAR_SECONDS
        while (process := self._appeared(before)) is None:
            if time.monotonic() > deadline:
                raise NotRefreshed(
                    f"`{command}` succeeded, but no new {self._process_name} process appeared "
                    f"within {APPEAR_SECONDS:.0f} s",
                    hint="the command must end the old process and start a new one",
                )
            time.sleep(0.02)
        self._successors[instance.key] = process.pid
        return command

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """None: nothing tells which socket is whose."""
        del instance
        return ()

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """As `Runtime.log_since`; empty without a `log-file`."""
        del instance
        if self._log is None or not mark.log_position:
            return ()
        return self._log.since(int(mark.log_position))

    def condition(self, instance: Instance) -> Condition:
        """As `Runtime.condition`; a pid does not come back, what a pid file or a name finds may."""
        if self._current(instance):
            return Condition()
        return Condition(f"{instance.name} has ended", hopeless=self._pid is not None)

    def close(self) -> None:
        """Nothing was opened."""

    def _find(self) -> tuple[RunningProcess, ...]:
        """The processes meant by the inputs, at least one."""
        if self._pid is None and not self._pid_file:
            return self._find_by_name()
        pid = self._written_pid() if self._pid is None else self._pid
        process = self._processes.get(pid)
        if process is None:
            stale = f": {self._pid_file} is stale" if self._pid_file else ""
            raise NotRefreshed(
                f"no process has the pid {pid}{stale}",
                hint=self._place.hidden("processes")
                or "the server has ended or was restarted since",
            )
        return (process,)

    def _read(self, path: str) -> str:
        if not self._place.host:
            return Path(path).read_text(errors="replace")
        shown = self._commands.run(("cat", "--", path), timeout=READ_SECONDS)
        if shown.exit_code:
            raise OSError(shown.exit_code, shown.said.removeprefix(f"cat: {path}: "))
        return shown.stdout

    def _written_pid(self) -> int:
        """What the pid file holds."""
        path = self._pid_file
        try:
            text = self._read(path).strip()
        except OSError as error:
            raise NotRefreshed(
                f"pid file {path} cannot be read: {error.strerror}",
                hint=self._place.hidden("files")
                or "is the server up, and is that where it writes its pid?",
            ) from error
        first = text.split("\n", 1)[0].strip()
        if not first.isdecimal() or int(first) == 0:
            shown = f"`{first[:40]}`" if first else "nothing"
            raise NotRefreshed(
                f"pid file {path} should hold a pid and holds {shown}",
                hint="name the file the server's start-up writes",
            )
        return int(first)

    def _find_by_name(self) -> tuple[RunningProcess, ...]:
        everything = self._processes.all()
        found = servers_named(self._process_name, everything)
        if not found:
            mention = [p for p in everything if self._process_name in p.command_line]
            nearest = f"its name is in {_listed(mention)}" if mention else ""
            raise NotRefreshed(
                f"no process of {self._place} is called {self._process_name}",
                hint=self._place.hidden("processes")
                or nearest
                or f"is the server up, and on {self._place}?",
            )
        return found

    def _current(self, instance: Instance) -> RunningProcess | None:
        """The instance's process: the one found first, the one a restart made, or its only heir."""
        pid = self._successors.get(instance.key, int(instance.key))
        process = self._processes.get(pid)
        if process is not None and process.is_called(self._process_name):
            return process
        try:
            heirs = self._find() if self._pid is None else ()
        except NotRefreshed:
            return None
        return heirs[0] if len(heirs) == 1 else None

    def _appeared(self, before: set[str]) -> RunningProcess | None:
        """The server that was not there before; by pid file once that names it."""
        try:
            found = self._find() if self._pid is None else self._find_by_name()
        except NotRefreshed:
            return None
        return next((process for process in found if _identity(process) not in before), None)

    def _send(self, pid: int, number: int, signal: ReloadSignal) -> None:
        def verify(process: RunningProcess) -> None:
            ensure_reloads(process, signal, self._process_name)

        try:
            self._processes.send(pid, number, verify)
        except ProcessLookupError as error:
            raise NotRefreshed(
                f"process {pid} ended before it was signalled", hint="start PostgREST again"
            ) from error
        except PermissionError as error:
            raise NotRefreshed(
                f"process {pid} belongs to another user, who alone (or root) may signal it",
                hint="run pgrst-gate as that user or as root, or reload by NOTIFY (`database-url`)",
            ) from error


def _split(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(
            f"`restart-command` cannot be split into words: {error}", hint="close its quotes"
        ) from error


def _identity(process: RunningProcess) -> str:
    return f"{process.pid} {process.started}"


def _listed(processes: Sequence[RunningProcess]) -> str:
    return ", ".join(map(str, processes[:5]))
