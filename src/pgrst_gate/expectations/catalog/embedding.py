"""In how many ways one relation can be embedded in another: foreign keys, by PostgREST's rules.

A foreign key joins its two tables in both directions, and the views that pass its columns on. Two
foreign keys whose columns all lie in one table's primary key join their targets through it. A table
that refers to itself is embedded in itself one way under its own name: the rows that refer to it.
Seen in recordings/*: `dbRelationships` of /schema_cache, and PGRST201 where there are several ways.
Computed relationships (functions of a row) are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product

from pgrst_gate.expectations.catalog.origins import Origin
from pgrst_gate.schema import Relation, Relationship


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; tables by oid, columns by name."""

    table: int
    target: int
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]


def ways(
    keys: Iterable[ForeignKey],
    primary: Mapping[int, frozenset[str]],
    views: Mapping[int, Mapping[Origin, str]],
    exposed: Mapping[int, Relation],
) -> Mapping[Relationship, int]:
    """The relationships between exposed relations of one schema → in how many ways each.

    ``primary`` are the columns of primary keys by table, ``views`` what `origins` found.
    """
    shown = _Shown(views, exposed)
    found: Counter[Relationship] = Counter()
    junctions: dict[Relation, list[tuple[ForeignKey, Relation]]] = {}
    for key in keys:
        inside = set(key.columns) <= primary.get(key.table, frozenset())
        for origin, target in product(
            shown.by(key.table, key.columns), shown.by(key.target, key.target_columns)
        ):
            found.update(_both_ways(origin, target))
            if inside:
                junctions.setdefault(origin, []).append((key, target))
    for joined in junctions.values():
        found.update(_through(joined))
    return dict(found)


class _Shown:
    """Which exposed relations show the columns of a table: itself, and views of it."""

    def __init__(
        self, views: Mapping[int, Mapping[Origin, str]], exposed: Mapping[int, Relation]
    ) -> None:
        self._views, self._exposed = views, exposed
        self._passing: dict[int, list[int]] = {}
        for view, columns in views.items():
            for table in {table for table, _ in columns}:
                self._passing.setdefault(table, []).append(view)

    def by(self, table: int, columns: tuple[str, ...]) -> Iterator[Relation]:
        """The relations that show all of these columns of the table."""
        if table in self._exposed:
            yield self._exposed[table]
        for view in self._passing.get(table, ()):
            if all((table, column) in self._views[view] for column in columns):
                yield from (self._exposed[view],) if view in self._exposed else ()


def _through(joined: Iterable[tuple[ForeignKey, Relation]]) -> Iterator[Relationship]:
    """The ways from one end to the other of foreign keys that lie in one primary key."""
    for (near, origin), (far, target) in permutations(joined, 2):
        if near != far and origin.schema == target.schema:
            yield Relationship(origin, target.name)


def _both_ways(origin: Relation, target: Relation) -> Iterator[Relationship]:
    if origin.schema != target.schema:  # PostgREST looks for both ends in the request's schema
        return
    yield Relationship(target, origin.name)
    if origin != target:
        yield Relationship(origin, target.name)
