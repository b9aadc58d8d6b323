"""Expectations of several sources, made one; contradictions are refused with both places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pgrst_gate.errors import UsageError
from pgrst_gate.postgrest.types import same_type
from pgrst_gate.schema import Column, Derived, Expectation, Function, Item, Relation, Relationship

NOTHING: Final = Expectation()

_INPUTS: Final = {
    "relation": "`expected-tables`",
    "column": "`expected-columns`",
    "function": "`expected-functions`",
    "relationship": "`expected-relationships`",
}


def combined(wishes: Sequence[Expectation], seen: Expectation = NOTHING) -> Expectation:
    """All that is wished for, and what was ``seen`` in the database itself.

    What was seen gives way to a wish: that the two differ is for the gate to judge. Raises
    `UsageError` for wishes that contradict each other.
    """
    present = _origins((item, wish) for wish in wishes for item in wish.present)
    absent = _origins((item, wish) for wish in wishes for item in wish.absent)
    if problems := list(_contradictions(present, absent)):
        raise UsageError("\n".join(problems), hint="nothing was touched; leave out one of the two")
    gone = {_key(item) for item in absent}
    wished = {_key(item): item for item in present}
    for item in seen.present:
        if wish := wished.get(_key(item)):
            if origin := present[wish]:
                present[wish] = replace(origin, in_database=True)
        elif not gone.intersection(_with_whole(item)):
            present[item] = seen.derived[item]
    for item in seen.absent:  # who wished for it is told by the gate that it is not applied
        if _key(item) not in wished:
            absent.setdefault(item, seen.derived[item])
    origins = {item: origin for item, origin in (present | absent).items() if origin}
    return Expectation(tuple(present), tuple(absent), origins)


def _origins(wished: Iterable[tuple[Item, Expectation]]) -> dict[Item, Derived | None]:
    """The items in order, each with the first source that names it; None if somebody typed it."""
    found: dict[Item, Derived | None] = {}
    for item, wish in wished:
        origin = wish.derived.get(item)
        found[item] = found.get(item, origin) if origin else None
    return found


def _contradictions(
    present: Mapping[Item, Derived | None], absent: Mapping[Item, Derived | None]
) -> Iterator[str]:
    gone = {_key(item): item for item in absent}
    kinds: dict[tuple[object, str], tuple[Item, str]] = {}
    for item, origin in present.items():
        expected = f"{item.kind} {item} is expected by {_place(item, origin)}"
        for other in (gone[key] for key in _with_whole(item) if key in gone):
            place = by.place if (by := absent[other]) else "`expected-absent`"
            yield f"{expected}, but {other.kind} {other} must be gone by {place}"
        for name, kind in _types(item):
            other, seen = kinds.setdefault((_key(item), name), (item, kind))
            by_one = origin is None and present[other] is None  # who typed both: the gate judges
            if not by_one and not same_type(seen, kind):
                yield f"{expected}, but as {other} by {_place(other, present[other])}"


def _place(item: Item, origin: Derived | None) -> str:
    return origin.place if origin else _INPUTS[item.kind]


def _key(item: Item) -> object:
    """The item without its types."""
    match item:
        case Column():
            return (item.relation, item.name)
        case Function():
            names = frozenset(argument.name for argument in item.arguments)
            return (item.schema, item.name, names)
        case _:
            return item


def _with_whole(item: Item) -> tuple[object, ...]:
    """The keys of the item, and of the relations without which it cannot be."""
    match item:
        case Column(relation=relation):
            return (_key(item), relation)
        case Relationship(origin=origin):
            return (item, origin, Relation(origin.schema, item.target))
        case _:
            return (_key(item),)


def _types(item: Item) -> tuple[tuple[str, str], ...]:
    match item:
        case Column(type=kind) if kind:
            return ((item.name, kind),)
        case Function():
            return tuple((one.name, one.type) for one in item.arguments if one.type)
        case _:
            return ()
