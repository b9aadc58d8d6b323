"""Derive relationships from foreign keys: both directions, through views, many-to-many."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product

from pgrst_sandbox.schema_cache import Junction, Name, Relation, Relationship
from pgrst_sandbox.view_columns import View

Keyed = Mapping[tuple[Name, str], tuple[Relationship, ...]]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key constraint; tables by oid."""

    constraint: str
    table: int
    target: int
    columns: tuple[tuple[str, str], ...]
    """(column of the table, column of the target)."""
    unique: bool
    """At most one row of the table for each of the target: a one-to-one relationship."""
    in_primary_key: bool
    """The table's primary key holds all of its columns: it may serve as a junction."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """A foreign key between two exposed relations, each the table itself or a view of it."""

    key: ForeignKey
    table: Name
    target: Name
    columns: tuple[tuple[str, str], ...]
    table_is_view: bool
    target_is_view: bool


def relationships(
    keys: Iterable[ForeignKey],
    views: Mapping[int, View],
    names: Mapping[int, Name],
    relations: Mapping[Name, Relation],
) -> Keyed:
    """All relationships between exposed relations. `names` has the exposed relations by oid."""
    references = [found for key in keys for found in _references(key, views, names, relations)]
    found: dict[tuple[Name, str], list[Relationship]] = {}
    for relationship in (*_direct(references), *_many_to_many(references)):
        place = relationship.source, relationship.target.schema
        found.setdefault(place, []).append(relationship)
    return {place: tuple(sorted(group, key=_order)) for place, group in found.items()}


def _order(relationship: Relationship) -> tuple[bool, str, str]:
    return relationship.kind == "M2M", relationship.constraint, relationship.target.name


def _references(
    key: ForeignKey,
    views: Mapping[int, View],
    names: Mapping[int, Name],
    relations: Mapping[Name, Relation],
) -> Iterator[_Reference]:
    columns, target_columns = zip(*key.columns, strict=True)

    def exposing(table: int, wanted: tuple[str, ...]) -> Iterator[tuple[Name, tuple[str, ...]]]:
        if table in names:
            yield names[table], wanted
        for oid, view in views.items():
            if oid in names and (seen := view.names_of(table, wanted)):
                yield names[oid], seen

    for (table, near), (target, far) in product(
        exposing(key.table, columns), exposing(key.target, target_columns)
    ):
        yield _Reference(
            key, table, target, tuple(zip(near, far, strict=True)),
            relations[table].is_view, relations[target].is_view,
        )  # fmt: skip


def _direct(references: Iterable[_Reference]) -> Iterator[Relationship]:
    for one in references:
        yield Relationship(
            one.table, one.target, one.table_is_view, one.target_is_view,
            "O2O" if one.key.unique else "M2O", one.key.constraint, one.columns,
        )  # fmt: skip
        yield Relationship(
            one.target, one.table, one.target_is_view, one.table_is_view,
            "O2O" if one.key.unique else "O2M", one.key.constraint,
            tuple((far, near) for near, far in one.columns), is_parent=one.key.unique,
        )  # fmt: skip


def _many_to_many(references: Iterable[_Reference]) -> Iterator[Relationship]:
    by_junction: dict[Name, list[_Reference]] = {}
    for one in references:
        if one.key.in_primary_key:
            by_junction.setdefault(one.table, []).append(one)
    for junction, group in by_junction.items():
        for near, far in permutations(group, 2):
            if near.key == far.key:
                continue
            yield Relationship(
                near.target, far.target, near.target_is_view, far.target_is_view,
                "M2M", near.key.constraint, (),
                junction=Junction(
                    junction, (near.key.constraint, far.key.constraint),
                    tuple((column, own) for own, column in near.columns),
                    tuple((column, own) for own, column in far.columns),
                ),
            )  # fmt: skip
