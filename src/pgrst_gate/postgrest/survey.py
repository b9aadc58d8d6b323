"""One look at everything that is expected, through the questions of `probes`.

A round is complete when the whole cache side was as expected in one pass and the access side was
asked after it. Answers of two rounds never add up: the cache may be swapped between two questions
(recordings/timeline-*).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

from pgrst_gate.postgrest import admin, openapi, questions
from pgrst_gate.postgrest.access_side import in_database, in_use
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.cache_side import ensure_stopped, in_cache
from pgrst_gate.postgrest.client import DOCUMENT_BYTES, Client
from pgrst_gate.postgrest.probes import Probe, Room, probes_of
from pgrst_gate.postgrest.type_side import with_types
from pgrst_gate.postgrest.versions import Dialect
from pgrst_gate.schema import Argument, Column, Expectation, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Facts, is_typed

Found = TypeVar("Found")

DIAGNOSIS_SECONDS: Final = 1.0
"""How long items that were seen to be red together are asked for one by one."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one look saw."""

    facts: Mapping[Item, Facts]
    complete: bool
    """Everything was asked, cache side and access side."""
    accepted_nonsense: str = ""
    """A negative control that was not refused, as question and answer; then nothing is believed."""


@dataclass(frozen=True, slots=True)
class Survey:
    """How to look: whom to ask, in which dialect, for what."""

    client: Client
    dialect: Dialect
    expectation: Expectation
    admin: Client | None = None
    options_of_relations: bool = True
    options_of_functions: bool = True
    elsewhere: Callable[[str], Answer] | None = None
    """Another place that hands out the OpenAPI document of a schema, as another role sees it."""
    _present: frozenset[Item] = field(init=False, repr=False)
    _probes: tuple[Probe, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A refusal names one missing column of many, so each that must be gone is asked for alone.
        gone = (Probe((item,)) for item in self.expectation.absent)
        object.__setattr__(self, "_present", frozenset(self.expectation.present))
        object.__setattr__(self, "_probes", (*probes_of(self.expectation.present), *gone))

    def only(self, item: Item) -> Survey:
        """The same survey for one of its items."""
        present, absent = ((item,), ()) if item in self._present else ((), (item,))
        alone = replace(self.expectation, present=present, absent=absent)
        return replace(self, expectation=alone)

    def blocks(self, item: Item, facts: Facts) -> bool:
        """Whether the cache side alone shows that an item is not as expected."""
        if facts.obstacle or facts.ambiguous:
            return True
        return facts.cached is (item not in self._present)

    def any_blocks(self, told: Mapping[Item, Facts]) -> bool:
        """Whether any of the items blocks; a run of columns with one answer is looked at once."""
        last = None
        for item, facts in told.items():
            if facts is not last and self.blocks(item, facts):
                return True
            last = facts
        return False

    def asked_with(self, item: Item) -> tuple[Item, ...]:
        """The item, and those that one question asks for together with it."""
        return next(probe.items for probe in self._probes if item in probe.items)

    def glance(self, item: Item) -> Round:
        """The cache side of these: the cheapest way to see that waiting is not over."""
        facts = in_cache(self._room(), Probe(self.asked_with(item)))
        return Round(facts, complete=False)

    def approach(self) -> None:
        """Begin with reads alone, before the first look of a run: see `ensure_stopped`."""
        if self.dialect.plan_only:
            ensure_stopped(self._room(), self.expectation.items)

    def cache_side(self) -> Round:
        """The cache side of all items, without the access side: what is served before a refresh."""
        room = self._room()
        facts = _merged(self._cached(room, self._probes))
        return Round(facts, complete=False, accepted_nonsense=self._nonsense(room))

    def look(self) -> Round:
        """A whole round; it ends as soon as the cache side is not as expected."""
        room = self._room()
        facts: dict[Item, Facts] = {}
        for part in self._cached(room, self._probes):
            facts |= part
            if self.any_blocks(part):
                return Round(facts, complete=False)
        if accepted := self._nonsense(room):
            return Round(facts, complete=False, accepted_nonsense=accepted)
        return Round(self._typed(room, self._used(room, facts)), complete=True)

    def diagnose(self, seconds: float = DIAGNOSIS_SECONDS) -> Round:
        """Both sides of every item, each by itself as far as the time goes.

        Columns that the time was too short for keep what was told of their relation's all together.
        """
        room, until = self._room(), time.monotonic() + seconds
        facts = _merged(self._cached(room, self._probes))
        for part in _until(until, self._cached(room, self._alone(facts))):
            facts |= part
        usable = {
            item: found
            for item, found in facts.items()
            if item in self._present
            and found.cached is not False
            and not (found.obstacle or found.ambiguous)
        }
        used = self._used(room, usable)
        doubtful = [
            item
            for item in usable
            if self._must_be_used(item, usable[item]) and used[item].allowed is not True
        ]
        again = {item: usable[item] for item in doubtful if isinstance(item, Column)}
        for part in _until(until, self._in_use(room, [Probe((i,)) for i in again], usable)):
            used |= part
        facts |= self._typed(room, used)
        lacking = [
            item
            for item in facts
            if item not in usable and not facts[item].obstacle and not self._is_there(item)
        ]
        asked = self.client.side_by_side(
            lambda item: (item, in_database(room, item, facts[item])), lacking
        )
        return Round(facts | dict(_until(until, asked)), complete=True)

    def _room(self) -> Room:
        return self.room(self.client)

    def room(self, client: Client) -> Room:
        """What probes may use to ask as somebody else, by another client of the same API."""
        return Room(
            self.dialect,
            client.ask,
            _Descriptions(partial(_root, client)).of,
            self.options_of_relations,
            self.options_of_functions,
            _Descriptions(self.elsewhere).of if self.elsewhere else lambda _: None,
        )

    def _cached(self, room: Room, asked: Sequence[Probe]) -> Iterator[dict[Item, Facts]]:
        return self.client.side_by_side(lambda probe: in_cache(room, probe), asked)

    def _nonsense(self, room: Room) -> str:
        """The negative control that was not refused, as question and answer; empty if all were."""
        seen = _merged(self._cached(room, probes_of(controls(self.expectation))))
        return next((facts.told[-1] for facts in seen.values() if facts.cached), "")

    def _alone(self, facts: Mapping[Item, Facts]) -> list[Probe]:
        """A probe of its own for each item of those that were red together."""
        groups = [probe.items for probe in self._probes if len(probe.items) > 1]
        red = (g for g in groups if self.any_blocks({item: facts[item] for item in g}))
        return [Probe((item,)) for items in red for item in items]

    def _in_use(
        self, room: Room, asked: Sequence[Probe], facts: Mapping[Item, Facts]
    ) -> Iterator[dict[Item, Facts]]:
        return self.client.side_by_side(lambda probe: in_use(room, probe, facts), asked)

    def _used(self, room: Room, facts: Mapping[Item, Facts]) -> dict[Item, Facts]:
        """Adds the access side for what must be present; for the rest, what the database has."""
        asked = probes_of(
            [
                item
                for item in self.expectation.present
                if item in facts and self._must_be_used(item, facts[item])
            ]
        )
        found = dict(facts) | _merged(self._in_use(room, asked, facts))
        for item in self.expectation.absent:
            if item in facts and facts[item].cached is not True:
                found[item] = in_database(room, item, facts[item])
        return found

    def _must_be_used(self, item: Item, facts: Facts) -> bool:
        """Whether the access side is asked: for what was typed, and where the cache cannot be."""
        if item not in self.expectation.derived:
            return True
        return facts.cached is None and not self._is_there(item)

    def _is_there(self, item: Item) -> bool:
        """Whether the item was read from the database itself."""
        origin = self.expectation.derived.get(item)
        return bool(origin and origin.in_database)

    def _typed(self, room: Room, facts: Mapping[Item, Facts]) -> dict[Item, Facts]:
        """Adds whether the types in the cache are the expected ones, where any are named."""
        typed = [item for item in facts if is_typed(item) and item in self._present]
        shown = admin.cache(self.admin) if self.admin and typed else None
        return dict(facts) | {item: with_types(room, shown, item, facts[item]) for item in typed}


def _merged(parts: Iterable[Mapping[Item, Facts]]) -> dict[Item, Facts]:
    found: dict[Item, Facts] = {}
    for part in parts:
        found |= part
    return found


def _until(moment: float, parts: Iterable[Found]) -> Iterator[Found]:
    """The parts that come before that moment of the monotonic clock, and one more."""
    for part in parts:
        yield part
        if time.monotonic() > moment:
            return


def _root(client: Client, schema: str) -> Answer:
    return client.ask(questions.description(schema), most=DOCUMENT_BYTES)


class _Descriptions:
    """OpenAPI documents, each read at most once and only when somebody asks."""

    def __init__(self, ask: Callable[[str], Answer]) -> None:
        self._ask = ask
        self._read: dict[str, openapi.Description | None] = {}
        self._lock = threading.Lock()

    def of(self, schema: str) -> openapi.Description | None:
        with self._lock:
            if schema not in self._read:
                self._read[schema] = openapi.read(self._ask(schema))
            return self._read[schema]


def controls(expectation: Expectation) -> tuple[Item, ...]:
    """A name that cannot exist for every kind of item that is expected: each must be refused."""
    one_of_each = {item.kind: item for item in expectation.items}
    return tuple(map(_control, one_of_each.values()))


def _control(item: Item) -> Item:
    name = questions.random_name()
    match item:
        case Relation():
            return replace(item, name=name)
        case Column():
            return Column(item.relation, name)
        case Function():
            return Function(item.schema, name, (Argument("a"),))
        case Relationship():
            return replace(item, target=name)
