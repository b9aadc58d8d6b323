"""What is known where it is not known which of several things happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from pgrst_gate.expectations.migrations.model import Gone, Model, Routine, Table
from pgrst_gate.expectations.migrations.places import Place

Key = TypeVar("Key")
Value = TypeVar("Value")


def joined(one: Model, other: Model) -> Model:
    """What is known when either of the two came about, and nobody knows which."""
    return Model(
        relations=_both(one.relations, other.relations, _either),
        keys=one.keys & other.keys,
        cut=_both(one.cut, other.cut, _equal),
        routines=_both(one.routines, other.routines, _equal_or_gone),
        types=_both(one.types, other.types, _equal_or_gone),
        schemas=one.schemas & other.schemas,
        appeared=one.appeared & other.appeared,
        stood=one.stood & other.stood,
    )


def forgotten(before: Model, after: Model) -> Iterator[Place]:
    """Where that was made of which it is not known any more whether it is there."""
    for name, table in before.tables():
        now = after.relations.get(name)
        if now is None:
            lost = [table.place, *(one.place for one in table.columns.values())]
        elif isinstance(now, Table) and now is not table:
            missing = table.columns.keys() - now.columns.keys() - now.lost.keys()
            lost = [table.columns[column].place for column in missing]
        else:
            continue
        yield from (place for place in lost if place is not None)
    for key, routine in before.routines.items():
        if isinstance(routine, Routine) and key not in after.routines:
            yield routine.place


def _both(
    one: Mapping[Key, Value],
    other: Mapping[Key, Value],
    join: Callable[[Value, Value], Value | None],
) -> dict[Key, Value]:
    found = {key: join(value, other[key]) for key, value in one.items() if key in other}
    return {key: value for key, value in found.items() if value is not None}


def _equal(one: Value, other: Value) -> Value | None:
    return one if one == other else None


def _equal_or_gone(one: Value, other: Value) -> Value | None:
    if isinstance(one, Gone) and isinstance(other, Gone):
        return one if one.place else other
    return _equal(one, other)


def _either(one: Table | Gone, other: Table | Gone) -> Table | Gone | None:
    match one, other:
        case Table(), Table() if one == other:
            return one
        case Table(), Table() if one.number == other.number:
            return replace(
                one,
                columns=_both(one.columns, other.columns, _equal),
                whole=one.whole and other.whole and one.columns.keys() == other.columns.keys(),
                lost=_both(one.lost, other.lost, _equal),
                parents=one.parents & other.parents,
                kind=one.kind if one.kind == other.kind else "other",
            )
        case Gone(), Gone():
            return _equal_or_gone(one, other)
        case _:
            return None
