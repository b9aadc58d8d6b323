"""What the observations of an item mean: its verdict, by one pure rule.

Wait and verify use the same `judge`, so they cannot disagree. Nothing here knows a PostgREST code:
`pgrst_gate.postgrest` turns answers into `Facts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pgrst_gate.schema import Column, Derived, Expectation, Function, Item


class Cause(StrEnum):
    """Why an item is served or not; each has a section in docs/verdicts.md."""

    SERVED = "served"
    GONE = "gone"
    STALE = "stale"
    NOT_APPLIED = "not-applied"
    NOT_GRANTED = "not-granted"
    RLS_HIDDEN = "rls-hidden"
    NOT_EXPOSED = "not-exposed"
    WRONG_SIGNATURE = "wrong-signature"
    AMBIGUOUS = "ambiguous"
    TYPE_DRIFT = "type-drift"
    STILL_SERVED = "still-served"
    RELOADING = "reloading"
    RELOAD_FAILING = "reload-failing"
    UNAUTHORIZED = "unauthorized"
    UNREACHABLE = "unreachable"
    NOT_POSTGREST = "not-postgrest"
    UNPROVEN = "unproven"


COULD_NOT_LOOK: Final = frozenset({Cause.UNAUTHORIZED, Cause.UNREACHABLE, Cause.NOT_POSTGREST})
"""Causes that say nothing of the item: the question was not answered (exit code 4, not 1)."""


_MIGRATION_LINE: Final = re.compile(r"([^:]+\.sql):([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen of one item in one round. None means: not asked, or the answer did not tell."""

    cached: bool | None = None
    """The schema cache has it."""
    exists: bool | None = None
    """The database has it."""
    allowed: bool | None = None
    """The role may use it."""
    type_matches: bool | None = None
    """It has the expected types in the cache; only asked where the expectation names types."""
    ambiguous: bool = False
    """Cached more than once under these names, so that no client can use it."""
    hidden_when_stale: bool = True
    """A stale cache hides it from clients. False for plain columns on PostgREST 10."""
    other_signature: str = ""
    """A cached function of that name with other arguments, as the server named it; untrusted."""
    obstacle: Cause | None = None
    """Why nothing could be seen."""
    told: tuple[str, ...] = ()
    """The questions and answers this rests on; untrusted."""
    note: str = ""
    """What a reader should know besides; goes into the verdict."""


@dataclass(frozen=True, slots=True)
class Loads:
    """What was seen of the cache being loaded since the refresh."""

    finished: bool = False
    """A load finished: the counter rose, a "loaded" line came, or the process is a new one."""
    settled: bool = False
    """It finished long enough ago for a load that was queued behind it to have shown, too."""
    failing: bool = False
    """The last load that was seen failed."""
    countable: bool = True
    """A finished load could be seen at all; where it cannot, it is no use to wait for one."""
    told: str = ""
    """How it was told; untrusted. Empty when nothing was seen."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is concluded of one item, and how that was told."""

    item: Item
    expected_present: bool
    cause: Cause
    told: tuple[str, ...] = ()
    """The questions and answers it rests on, in order; untrusted text."""
    note: str = ""
    """What a reader should know besides: `the cache itself is not proven on PostgREST 10`."""
    remedy: str = ""
    """What to type, for this item; empty when the item is as expected."""
    hopeless: bool = False
    """Waiting cannot change it."""
    place: str = ""
    """Where the expectation comes from; empty when somebody typed it."""
    exists: bool | None = None
    """Whether the database has the item; None where that was not told."""
    instead: str = ""
    """The signature of a function that is there in its place; untrusted, empty if none was told."""

    @property
    def ok(self) -> bool:
        """Whether the item is as expected, and so does not close the gate."""
        return self.cause in {Cause.SERVED, Cause.GONE}

    @property
    def migration(self) -> tuple[str, int] | None:
        """The file and line of the migration that made the expectation; None where none did."""
        return line_of(self.place)


def line_of(place: str) -> tuple[str, int] | None:
    """The file and line of a migration that a place names; None where it names none."""
    found = _MIGRATION_LINE.fullmatch(place)
    return (found[1], int(found[2])) if found else None


def judge(
    item: Item,
    facts: Facts,
    loads: Loads,
    *,
    expected_present: bool,
    derived: Derived | None = None,
) -> Verdict:
    """The verdict on one item from what was seen of it and of the cache being loaded.

    ``derived`` is where the expectation comes from, unless somebody typed it: then the item must be
    in the cache, whoever may use it.
    """
    place = derived.place if derived else ""
    if facts.obstacle is not None:
        cause, hopeless = _behind_obstacle(facts.obstacle, loads)
    elif expected_present:
        there = True if derived and derived.in_database else facts.exists
        cause, hopeless = _present(
            facts, loads, there=there, typed=is_typed(item), to_use=derived is None
        )
    else:
        cause, hopeless = _absent(facts, loads, read=not isinstance(item, Function))
    # The server's own line of a load that failed holds PostgreSQL's error.
    failed = (f"loads: {loads.told}",) if cause is Cause.RELOAD_FAILING and loads.told else ()
    return Verdict(
        item,
        expected_present,
        cause,
        facts.told + failed,
        facts.note,
        hopeless=hopeless,
        place=place,
        exists=facts.exists,
        instead=facts.other_signature,
    )


def judge_all(
    expectation: Expectation, facts: Mapping[Item, Facts], loads: Loads
) -> tuple[Verdict, ...]:
    """A verdict on every item that was looked at, in the order of the expectation."""
    wanted = [(item, True) for item in expectation.present]
    wanted += [(item, False) for item in expectation.absent]
    origin = expectation.derived.get
    return tuple(
        judge(item, facts[item], loads, expected_present=expected, derived=origin(item))
        for item, expected in wanted
        if item in facts
    )


def _behind_obstacle(obstacle: Cause, loads: Loads) -> tuple[Cause, bool]:
    if obstacle is Cause.RELOADING and loads.failing:
        return Cause.RELOAD_FAILING, False
    return obstacle, obstacle in {Cause.UNAUTHORIZED, Cause.NOT_EXPOSED}


def _present(
    facts: Facts, loads: Loads, *, there: bool | None, typed: bool, to_use: bool
) -> tuple[Cause, bool]:
    if facts.ambiguous:
        return Cause.AMBIGUOUS, loads.settled
    if facts.cached is False:
        return _missing(facts, loads, there=there)
    if there is False:
        dropped = facts.cached and not loads.settled  # and not reloaded: the cache is behind
        return (Cause.STALE, False) if dropped else (Cause.NOT_APPLIED, True)
    if to_use and facts.allowed is False:
        return Cause.NOT_GRANTED, True
    if typed and facts.type_matches is False:
        return Cause.TYPE_DRIFT, loads.settled
    if typed and to_use and facts.type_matches is None:
        return Cause.UNPROVEN, True
    # A load that finished after the refresh read what the database has; so where the version cannot
    # be asked for this item, the database's own answer is enough.
    cached = facts.cached or (there and (loads.settled or not facts.hidden_when_stale))
    if cached and (facts.allowed or not to_use):
        return Cause.SERVED, False
    return Cause.UNPROVEN, bool(facts.cached) or loads.settled or not loads.countable


def _missing(facts: Facts, loads: Loads, *, there: bool | None) -> tuple[Cause, bool]:
    if loads.failing:
        return Cause.RELOAD_FAILING, False
    if there is False:
        return Cause.NOT_APPLIED, True
    if there is None and loads.settled:
        return (Cause.WRONG_SIGNATURE if facts.other_signature else Cause.NOT_APPLIED), True
    return Cause.STALE, False


def _absent(facts: Facts, loads: Loads, *, read: bool) -> tuple[Cause, bool]:
    # What the database has is read without the cache, but not called without it.
    by_database = facts.exists and (read or (facts.cached is None and loads.settled))
    if not (facts.cached or by_database):
        dropped = facts.exists is False and (loads.settled or not facts.hidden_when_stale)
        if facts.cached is False or dropped:
            return Cause.GONE, False
        return Cause.UNPROVEN, loads.settled or not loads.countable
    if loads.failing:
        return Cause.RELOAD_FAILING, False
    return Cause.STILL_SERVED, facts.exists is True or loads.settled


def is_typed(item: Item) -> bool:
    """Whether the expectation names a type of this item, so that types must be seen."""
    if isinstance(item, Column):
        return bool(item.type)
    return isinstance(item, Function) and any(argument.type for argument in item.arguments)
