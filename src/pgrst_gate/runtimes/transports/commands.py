"""Runs a command on the machine the server is on, which may be this one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Final, Protocol

from pgrst_gate.errors import NotRefreshed

NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
"""Exit codes for a program that cannot be run, as a shell, docker exec and ssh give them."""

_KEPT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that has ended. Its output is untrusted text, the last mebibyte at most."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""

    @property
    def said(self) -> str:
        """The last line it said, on standard error or else on standard output."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return lines[-1].strip() if lines else ""


class Commands(Protocol):
    """Where commands run."""

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run a program without a shell and wait for it, `timeout` seconds at most.

        A program that is missing gives exit code 127. Raises `NotRefreshed` when the time is up.
        """
        ...


class LocalCommands:
    """Runs commands on this machine; ``variables`` are added to their environment."""

    def __init__(self, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        self._variables = variables

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """As `Commands.run`; on time-out and on cancellation the command is killed."""
        try:
            return completed(argv, timeout=timeout, variables=self._variables)
        except subprocess.TimeoutExpired as error:
            raise NotRefreshed(
                f"`{' '.join(argv)}` did not end within {timeout:g} s and was stopped",
                hint="it must return once its work is done, and may leave a server running",
            ) from error


def completed(
    argv: Sequence[str], *, timeout: float, variables: Mapping[str, str] | None = None
) -> Completed:
    """Run a program of this machine to its end, or kill it and raise `TimeoutExpired`.

    The variables are added to those of this process.
    """
    # Files, not pipes: a server that the command leaves running would keep a pipe open.
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        try:
            ended = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                timeout=timeout,
                check=False,
                env={**os.environ, **(variables or {})},
            )
        except FileNotFoundError:
            return Completed(NOT_FOUND, stderr=f"{argv[0]}: not found")
        except OSError as error:
            return Completed(NOT_EXECUTABLE, stderr=f"{argv[0]}: {error.strerror}")
        return Completed(ended.returncode, _tail(stdout), _tail(stderr))


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, 2)
    file.seek(max(0, size - _KEPT_BYTES))
    return file.read().decode(errors="replace")
