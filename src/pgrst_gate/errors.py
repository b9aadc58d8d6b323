"""The ways a run ends without a verdict. Each error owns its exit code and a hint.

A closed gate is not an error but a result (exit code 1). Whatever is not a `GateError` is a bug and
shows its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Final

BUG_EXIT_CODE: Final = 70
"""For whatever is no `GateError`: never the 1 of a closed gate (EX_SOFTWARE of sysexits.h)."""


class GateError(Exception):
    """What could not be done (``str(error)``), and what to do about it (``hint``)."""

    exit_code: ClassVar[int]
    verdict: ClassVar[str]
    """The word for this ending in the report and in the output `verdict`."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(GateError):
    """An input is wrong. Nothing was touched."""

    exit_code = 2
    verdict = "usage-error"


class MissingInput(UsageError):
    """Nothing is wrong but that inputs are missing which often are secrets."""


class NotRefreshed(GateError):
    """The refresh cannot be, or was not, delivered: no such container, permission denied, ..."""

    exit_code = 3
    verdict = "not-refreshed"


class NotObserved(GateError):
    """The API could not be asked: unreachable, unauthorized, or not a PostgREST."""

    exit_code = 4
    verdict = "not-observed"

    def __init__(self, message: str, *, hint: str = "", cause: str = "unreachable") -> None:
        super().__init__(message, hint=hint)
        self.cause = cause


class Cancelled(KeyboardInterrupt):
    """SIGINT or SIGTERM arrived. Not an `Exception`, so that no clean-up code swallows it."""

    verdict: ClassVar[str] = "cancelled"

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


def nearest(given: str, choices: Iterable[str]) -> str:
    """What to add to an error where a choice was probably meant; empty where none is near."""
    near = difflib.get_close_matches(given.strip().lower(), tuple(choices), 1)
    return f"; did you mean `{near[0]}`?" if near else ""
