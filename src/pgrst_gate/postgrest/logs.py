"""The lines PostgREST writes about loading its schema cache (recordings/reload-*)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_BEGUN: Final = (
    "Received a schema cache reload message",
    "Attempting to connect to the database",
    "Successfully connected to PostgreSQL",
    "Failed to query the PostgreSQL version",
    "Starting PostgREST",
)
_FINISHED: Final = re.compile(r"Schema cache loaded(?! \d)")
"""Takes `loaded` (10, 11) and `loaded in 7 milliseconds`, and leaves `loaded 12 Relations, …` out.
Not anchored: on 10 two threads write at once and lines run together (recordings/reload-10.2.0)."""
_FAILED: Final = (
    "Failed to load the schema cache",
    "An error ocurred when loading the schema cache",
)


_SCHEMAS: Final = re.compile(r"Failed to load the schema cache using db-schemas=(\S+) and ")
"""From 13 on (recordings/failing-*)."""


@dataclass(frozen=True, slots=True)
class LoadLines:
    """What a stretch of log tells of loads."""

    finished: int = 0
    """Loads that both began and finished within the lines. One that was running already when the
    lines begin may have read the old schema, so it does not count."""
    failure: str = ""
    """The line by which the last load failed; empty when it did not. Untrusted."""


def read(lines: Iterable[str]) -> LoadLines:
    """Reads lines, oldest first."""
    begun, finished, failure = False, 0, ""
    for line in lines:
        begun = begun or any(mark in line for mark in _BEGUN)
        if any(mark in line for mark in _FAILED):
            failure = line
        elif begun and _FINISHED.search(line):
            finished, begun, failure = finished + 1, False, ""
    return LoadLines(finished, failure)


def schemas_told(lines: Iterable[str]) -> frozenset[str]:
    """The exposed schemas that lines of failed loads name; untrusted."""
    found = (read for line in lines if (read := _SCHEMAS.search(line)))
    return frozenset(name for one in found for name in one[1].split(",") if name)
