"""What `systemctl show` tells of a unit, and which signal its ExecReload sends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Final

PROPERTIES: Final = (
    "Id,LoadState,ActiveState,SubState,MainPID,InvocationID,CanReload,ExecReload,Result,NRestarts"
)

_SENDERS: Final = frozenset({"kill", "killall", "pkill"})


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, in systemd's own words."""

    name: str
    load_state: str
    active_state: str
    sub_state: str
    main_pid: int
    invocation: str
    reload_commands: tuple[str, ...]
    """The command lines of ExecReload, without quotes; empty where the unit cannot be reloaded."""
    result: str
    restarts: int

    def __str__(self) -> str:
        return f"unit {self.name}"

    @property
    def state(self) -> str:
        """For people: `failed (failed), Result=exit-code, restarted 5 times`."""
        told = f"{self.active_state} ({self.sub_state})"
        if self.result not in {"", "success"}:
            told += f", Result={self.result}"
        return f"{told}, restarted {self.restarts} times" if self.restarts else told

    def reloads_by(self, signal: str) -> bool:
        """Whether ExecReload is there and sends no other signal than this one."""
        sent = {signal_sent(command) for command in self.reload_commands}
        return bool(sent) and sent <= {"", signal}


def read_unit(shown: str) -> Unit:
    """One unit from its `Name=value` lines, of `PROPERTIES`; ExecReload has a line per command."""
    lines = [line.partition("=")[::2] for line in shown.splitlines()]
    properties = dict(lines)
    commands = tuple(
        value.partition(" argv[]=")[2].partition(" ; ")[0]
        for name, value in lines
        if name == "ExecReload"
    )
    return Unit(
        name=properties["Id"],
        load_state=properties["LoadState"],
        active_state=properties["ActiveState"],
        sub_state=properties.get("SubState", ""),
        main_pid=int(properties.get("MainPID") or 0),
        invocation=properties.get("InvocationID", ""),
        reload_commands=commands if properties.get("CanReload") == "yes" else (),
        result=properties.get("Result", ""),
        restarts=int(properties.get("NRestarts") or 0),
    )


def signal_sent(command: str) -> str:
    """The signal a command line with a `kill` in it sends, as `SIGHUP`; empty where it has none."""
    words = command.split()
    kill = next((at for at, word in enumerate(words) if Path(word).name in _SENDERS), None)
    if kill is None:
        return ""
    options = words[kill + 1 :]
    for option, following in zip(options, [*options[1:], ""], strict=True):
        if option in {"-s", "-n", "--signal"}:
            named = following
        elif option.startswith("--signal="):
            named = option.removeprefix("--signal=")
        else:
            named = option.removeprefix("-s") if option.startswith("-s") else option[1:]
        if option.startswith("-") and (signal := _signal(named)):
            return signal
    return "SIGTERM"


def _signal(named: str) -> str:
    """`SIGHUP` for `1`, `HUP`, `hup` and `SIGHUP`; empty for what is no signal."""
    if named.isdecimal():
        numbers = {int(signal): signal.name for signal in Signals}
        return numbers.get(int(named), "")
    name = f"SIG{named.upper().removeprefix('SIG')}"
    return name if name in Signals.__members__ else ""
