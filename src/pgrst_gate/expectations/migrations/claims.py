"""What two states of a schema say about an API: which items came, and which went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, combinations

from pgrst_gate.expectations.migrations.model import (
    TEMPORARY,
    Gone,
    Model,
    Name,
    Routine,
    Table,
    Type,
)
from pgrst_gate.expectations.migrations.places import Place
from pgrst_gate.expectations.migrations.types import qualified
from pgrst_gate.schema import ANY_KEYS, Argument, Column, Function, Item, Relation, Relationship

_HIDDEN = {TEMPORARY, "pg_catalog", "information_schema"}

Places = dict[Item, Place]


def claims(before: Model, after: Model, new: frozenset[str]) -> tuple[Places, Places]:
    """The items that are there now, and those that are not any more, by the files in ``new``."""

    def newest(*places: Place | None) -> Place | None:
        return next((place for place in places if place is not None and place.path in new), None)

    known = dict(_items(before))
    present: Places = {}
    for item, places in _items(after):
        if item not in known and item not in after.stood and (place := newest(*places)):
            present[item] = place
    candidates = {item: newest(*places) for item, places in _gone(known, before, after)}
    served = [item for item, _ in _items(after)]
    absent = {
        item: place
        for item, place in candidates.items()
        if place is not None
        and (item in known or item not in after.appeared)
        and not _still_answers(item, served)
    }
    return present, absent


def _items(model: Model) -> Iterator[tuple[Item, tuple[Place | None, ...]]]:
    """All that an API would offer, each with the places that may have made it, the best first."""
    own = _own_types(model)

    def shown(text: str) -> str:
        return text if "." not in text or text.removesuffix("[]") in own else ""

    for name, table in _exposed(model):
        relation = Relation(name.schema, name.name)
        yield relation, (table.place,)
        for column, one in table.columns.items():
            yield Column(relation, column, shown(one.type)), (one.place, table.place)
    for (name, _), routine in model.routines.items():
        if isinstance(routine, Routine) and routine.callable and name.schema not in _HIDDEN:
            arguments = tuple(Argument(one.name, shown(one.type)) for one in routine.arguments)
            yield Function(name.schema, name.name, arguments), (routine.place,)
    yield from _relationships(model)


def _own_types(model: Model) -> frozenset[str]:
    """The types that were read, less domains: those may show as the type they are made of."""
    types = (name for name, one in model.types.items() if isinstance(one, Type) and not one.domain)
    return frozenset(map(qualified, (*types, *(name for name, _ in model.tables()))))


def _exposed(model: Model) -> Iterator[tuple[Name, Table]]:
    for name, table in model.tables():
        if table.kind == "relation" and name.schema not in _HIDDEN:
            yield name, table


def _relationships(model: Model) -> Iterator[tuple[Relationship, tuple[Place | None, ...]]]:
    """Those that one foreign key makes, and nothing else that was read makes as well."""
    names = {table.number: (name, table) for name, table in _exposed(model)}
    pairs = _ways(model)
    for key in model.keys:
        if key.table == key.target or pairs[frozenset((key.table, key.target))] > 1:
            continue
        if key.table not in names or key.target not in names:
            continue
        (name, table), (other, target) = names[key.table], names[key.target]
        if name.schema == other.schema:
            places = key.place, model.cut.get(frozenset((key.table, key.target)))
            origin, end = Relation(name.schema, name.name), Relation(other.schema, other.name)
            yield Relationship(origin, other.name), (*places, table.place, target.place)
            yield Relationship(end, name.name), (*places, target.place, table.place)


def _ways(model: Model) -> Counter[frozenset[int]]:
    """How many ways there may be between two tables: by a key, or by a table with keys to both."""
    ways: Counter[frozenset[int]] = Counter()
    targets: dict[int, list[int]] = {}
    for key in model.keys:
        ways[frozenset((key.table, key.target))] += 1
        targets.setdefault(key.table, []).append(key.target)
    for others in targets.values():
        ways.update(frozenset(pair) for pair in combinations(others, 2))
    return ways


def _gone(
    known: Mapping[Item, object], before: Model, after: Model
) -> Iterator[tuple[Item, tuple[Place | None, ...]]]:
    """What is known not to be there, each with the places that may have taken it away."""
    earlier = {one for one in _states(before) if isinstance(one, Gone)}
    for found in _states(after):
        if isinstance(found, Gone) and found.item and found not in earlier:
            yield found.item, (found.place,)
    for called, table in after.tables():
        if table.kind == "partition":
            yield Relation(called.schema, called.name), (table.place,)
    tables = {Relation(name.schema, name.name): table for name, table in _exposed(after)}
    for relation, table in tables.items():
        for column, place in table.lost.items():
            yield Column(relation, column), (place,)
    for item in known:
        kept = tables.get(item.relation) if isinstance(item, Column) else None
        if isinstance(item, Column) and kept and kept.whole and item.name not in kept.columns:
            yield Column(item.relation, item.name), (kept.lost.get(item.name), kept.place)
    yield from _cut(before, after)


def _states(model: Model) -> Iterator[object]:
    return chain(model.relations.values(), model.routines.values())


def _cut(before: Model, after: Model) -> Iterator[tuple[Item, tuple[Place | None, ...]]]:
    """Relationships between tables that no key joins any more: it was dropped, or its table."""
    names = {table.number: name for name, table in _exposed(after)}
    ways = _ways(after)
    for pair, place in after.cut.items():
        if len(pair) == len(("table", "target")) and not ways[pair] and pair <= names.keys():
            one, other = (names[number] for number in pair)
            yield from ((item, (place,)) for item in _both_ways(one, other))
    for item, _ in _relationships(before):
        ends = Name(item.origin.schema, item.origin.name), Name(item.origin.schema, item.target)
        then = {table.number for end in ends if (table := before.table(end))}
        now = [table for end in ends if (table := after.table(end))]
        anew = [table for table in now if table.number not in then]
        if anew and len(now) == len(ends) and not ways[frozenset(one.number for one in now)]:
            yield item, (anew[0].place,)


def _both_ways(one: Name, other: Name) -> Iterator[Relationship]:
    if one.schema == other.schema:
        yield Relationship(Relation(one.schema, one.name), other.name)
        yield Relationship(Relation(other.schema, other.name), one.name)


def _still_answers(item: Item, served: list[Item]) -> bool:
    """Whether a request for it finds another: a function is called by its arguments' names."""
    match item:
        case Function(schema, name, arguments):
            asked = {argument.name for argument in arguments}
            return any(
                isinstance(one, Function)
                and (one.schema, one.name) == (schema, name)
                and (asked <= _names(one.arguments) or ANY_KEYS in _names(one.arguments))
                for one in served
            )
        case Column(relation=relation, name=name):
            return any(
                isinstance(one, Column) and (one.relation, one.name) == (relation, name)
                for one in served
            )
        case _:
            return item in served


def _names(arguments: tuple[Argument, ...]) -> set[str]:
    return {argument.name for argument in arguments}
