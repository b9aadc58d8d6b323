"""The processes of another machine, read from its /proc by commands there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from signal import Signals
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.host.processes import RunningProcess, read_proc
from pgrst_gate.runtimes.surroundings import Place
from pgrst_gate.runtimes.transports.commands import Commands

ASK_SECONDS: Final = 30.0

_NO_PROC: Final = 3
_GONE: Final = 4
_NOT_PERMITTED: Final = 5
_WHOLE: Final = "processes"

# `grep -H` begins each line with its file's name, so that nothing in a file can pass for another
# process: a command line may hold line ends of its own. The first line tells that none is cut off.
_READ: Final = f"""
cd /proc && test -r self/status || exit {_NO_PROC}
echo {_WHOLE}
grep -aHE '^(Name|State|Tgid|Pid|PPid|SigCgt):' $1/status 2>/dev/null
grep -aH '' $1/stat $1/cmdline 2>/dev/null
exe=$(readlink "$1/exe" 2>/dev/null) && echo "exe:$exe"
exit 0
"""
_FILES: Final = ("status", "stat", "cmdline")
# Field 22 of stat is the start time, see proc(5): the 20th after the name in brackets, which may
# hold anything. Between this look and the signal lies no more than a moment.
_SEND: Final = f"""
pid=$1 started=$2 signal=$3
stat=$(cat "/proc/$pid/stat" 2>/dev/null) || exit {_GONE}
set -- ${{stat##*) }}
test "${{20}}" = "$started" || exit {_GONE}
kill -s "$signal" "$pid" && exit 0
test -e "/proc/$pid/stat" || exit {_GONE}
exit {_NOT_PERMITTED}
"""


class RemoteProcesses:
    """The processes that /proc of another machine shows to who logs in there."""

    def __init__(self, commands: Commands, place: Place) -> None:
        self._commands = commands
        self._place = place

    def all(self) -> tuple[RunningProcess, ...]:
        """As `Processes.all`; without the paths of program files."""
        found = self._read("[0-9]*")
        processes = (found[pid] for pid in sorted(found))
        return tuple(process for process in processes if process is not None)

    def get(self, pid: int) -> RunningProcess | None:
        """As `Processes.get`."""
        return self._read(str(pid)).get(pid)

    def send(self, pid: int, number: int, verify: Callable[[RunningProcess], None]) -> None:
        """As `Processes.send`; that it is still the same process is seen right before."""
        process = self.get(pid)
        if process is None:
            raise ProcessLookupError(pid)
        verify(process)
        signal = Signals(number).name.removeprefix("SIG") if number else "0"
        words = ("sh", "-c", _SEND, "sh", str(pid), process.started, signal)
        sent = self._commands.run(words, timeout=ASK_SECONDS)
        if sent.exit_code == _GONE:
            raise ProcessLookupError(pid)
        if sent.exit_code == _NOT_PERMITTED:
            raise PermissionError(pid)
        if sent.exit_code:
            raise NotRefreshed(
                f"process {pid} {self._place.here} could not be signalled: {sent.said}",
                hint="it needs a shell with `kill`",
            )

    def _read(self, which: str) -> dict[int, RunningProcess | None]:
        """What /proc tells of a pid, or of a pattern for pids; None for the dead."""
        shown = self._commands.run(("sh", "-c", _READ, "sh", which), timeout=ASK_SECONDS)
        if shown.exit_code:
            raise NotRefreshed(
                f"{self._place} shows no /proc, so its processes cannot be seen",
                hint="it is no Linux: reload by NOTIFY (`database-url`)",
            )
        first, *lines = shown.stdout.split("\n")
        if first != _WHOLE:
            raise NotRefreshed(
                f"{self._place} has more processes than can be looked through",
                hint="name the one by `pid` or `pid-file`",
            )
        contents: dict[int, dict[str, list[str]]] = {}
        exe = ""
        for line in lines:
            path, _, text = line.partition(":")
            pid, _, file = path.partition("/")
            if file in _FILES:
                contents.setdefault(int(pid), {}).setdefault(file, []).append(text)
            elif path == "exe":
                exe = text
        return {pid: _process(texts, exe) for pid, texts in contents.items()}


def _process(texts: Mapping[str, Sequence[str]], exe: str) -> RunningProcess | None:
    """None where it has ended between the looks at two files, too."""
    if not {"status", "stat"} <= texts.keys():
        return None
    status, stat, cmdline = ("\n".join(texts.get(file, ())) for file in _FILES)
    return read_proc(status, cmdline, stat=stat, exe=exe)
