"""The version lines of PostgREST, and what each can be asked.

A new PostgREST release needs a change here only if it answers a question of `probes` differently:
then it gets a line of its own at the top of `LINES`. `NEWEST_SEEN` says up to where recordings
exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

Version = tuple[int, ...]

NEWEST_SEEN: Final = 16
"""The newest major version that was recorded; later ones are asked like the last line."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a version line answers, as far as the questions differ."""

    line: str
    """For people: `13 and later`."""
    since: Version
    plan_only: bool
    """An unknown strict preference, or an `Accept` that cannot be produced, is refused after the
    plan and before any SQL (PGRST122 since 12.0, 406 PGRST107 since 12.0). Older lines ignore the
    one and refuse the other at once, so there such a request proves nothing."""
    reads_are_planned: bool
    """A read of a relation that is not cached is PGRST205; older lines let the database answer."""
    columns_are_planned: bool
    """A write that names a column that is not cached is PGRST204. Before 11 nothing looks there, so
    that a stale cache hides no column from reads and writes."""
    empty_array_calls_nothing: bool
    """`[]` with `?columns=` calls a function for no row. On 10 it runs it with NULLs."""


LINES: Final = (
    Dialect(
        "13 and later",
        since=(13,),
        plan_only=True,
        reads_are_planned=True,
        columns_are_planned=True,
        empty_array_calls_nothing=True,
    ),
    Dialect(
        "12",
        since=(12,),
        plan_only=True,
        reads_are_planned=False,
        columns_are_planned=True,
        empty_array_calls_nothing=True,
    ),
    Dialect(
        "11",
        since=(11,),
        plan_only=False,
        reads_are_planned=False,
        columns_are_planned=True,
        empty_array_calls_nothing=True,
    ),
    Dialect(
        "10",
        since=(10,),
        plan_only=False,
        reads_are_planned=False,
        columns_are_planned=False,
        empty_array_calls_nothing=False,
    ),
)
"""Newest first. Recorded: 10.2, 11.2, 12.2, 13.0, 14.14 and 16.2; 12.0 is read from its source."""

OLDEST: Final = LINES[-1]


def parse(text: str) -> Version | None:
    """`postgrest/14.14`, `14.14 (1a2b3c)` or `12.0.2` as numbers; None when there is no version."""
    found = re.search(r"\b(\d{1,3}(?:\.\d{1,9}){1,3})\b", text)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def dialect_of(version: Version) -> Dialect | None:
    """The line a version belongs to; None for versions older than 10, which are not supported."""
    return next((line for line in LINES if version >= line.since), None)


def reloads_on_sighup(version: Version | None) -> bool:
    """Whether SIGHUP reloads. Up to 5.2 it did; later ones die of it (CHANGELOG, 6.0)."""
    return version is not None and version < (6,)


def named_takes_any_keys(version: Version | None) -> bool:
    """Whether a single *named* argument of a whole body's type takes any keys, as an unnamed one.

    It did before 14.2 (Plan.hs:234@v12.2.12, :261@v14.2).
    """
    return version is not None and version < (14, 2)
