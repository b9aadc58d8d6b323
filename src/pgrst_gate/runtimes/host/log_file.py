"""The log of a plain process, where its standard error goes to a file; read from a byte on.

By `wc` and `tail`, as POSIX has them, on the machine that the process is on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.surroundings import HERE, Place
from pgrst_gate.runtimes.transports.commands import Commands

READ_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that grows. Every method raises `NotRefreshed` where it cannot be read."""

    path: str
    commands: Commands
    place: Place = HERE

    def end(self) -> int:
        """How many bytes it has."""
        return int(self._said("wc", "-c", self.path).split()[0])

    def since(self, position: int) -> tuple[str, ...]:
        """The lines after so many bytes; of a file that is shorter by now, and so a new one, all.

        The last mebibyte at most; untrusted.
        """
        begin = position if position <= self.end() else 0
        return tuple(self._said("tail", "-c", f"+{begin + 1}", self.path).splitlines())

    def _said(self, *command: str) -> str:
        ended = self.commands.run(command, timeout=READ_SECONDS)
        if ended.exit_code:
            raise NotRefreshed(
                f"log file {self.path} cannot be read: {ended.said}",
                hint=self.place.hidden("files") or "is that where PostgREST's standard error goes?",
            )
        return ended.stdout
