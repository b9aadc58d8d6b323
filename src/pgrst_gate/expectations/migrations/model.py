"""What is known of a database's schema while migrations are read, statement by statement.

What was there before the first file is unknown. So a name is in one of three states: known to be
there, known to be gone (`Gone`), or missing here, which says nothing. Members are frozen; a change
puts a new one in its place. So a model is copied in no time, and two outcomes can be joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final, Literal

from pgrst_gate.expectations.migrations.places import Place
from pgrst_gate.schema import Argument, Item

TEMPORARY: Final = "pg_temp"
"""The schema of temporary relations, as PostgreSQL lets it be written."""

Kind = Literal["relation", "partition", "other"]
"""`other` shares the names of relations and is none: indexes, sequences, composite types."""

_numbers = count(1)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A qualified name."""

    schema: str
    name: str

    def renamed(self, name: str) -> Name:
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class Gone:
    """What is known not to be there: ``item`` if it is known, taken away at ``place``."""

    place: Place | None
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Col:
    """A column. An empty ``type`` is not known; without a place it was there before."""

    type: str
    place: Place | None
    local: bool = True
    """It stays when the parent's column of that name goes."""
    uses: frozenset[str] = frozenset()
    """Columns and functions of the expression that generates it."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a query names: that on which a view depends."""

    relations: frozenset[int] = frozenset()
    functions: frozenset[str] = frozenset()
    """Operators too."""
    types: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    star: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table, or what stands in for one. Without a place it was there before."""

    kind: Kind
    place: Place | None
    columns: Mapping[str, Col] = field(default_factory=dict)
    whole: bool = True
    """It has no other columns than these."""
    lost: Mapping[str, Place] = field(default_factory=dict)
    """Columns known to be gone."""
    parents: frozenset[int] = frozenset()
    mentions: Mentions | None = None
    """Of a view."""
    of: Name | None = None
    """The composite type that it is a table of."""
    number: int = field(default_factory=lambda: next(_numbers))
    """Stays the same whatever the table is called."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key constraint; tables by number."""

    name: str
    table: int
    target: int
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    """Empty where the statement names none: the primary key."""
    place: Place


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or what is called like one; input arguments only."""

    arguments: tuple[Argument, ...]
    """With an empty name or type where there is none, or none is known."""
    required: int
    callable: bool
    """A request can call it: no procedure, aggregate or trigger function."""
    returns: str
    place: Place
    atomic: bool = False
    """Its body was parsed when it was made, and depends on what it names."""


Signature = tuple[str, ...]
"""The types of a routine's input arguments. One that is not surely known begins with `?`."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type made by a migration; ``attributes`` are a composite type's."""

    attributes: Mapping[str, Col] | None = None
    domain: bool = False


@dataclass(slots=True)
class Model:
    """The state of a schema, as far as it was read."""

    relations: dict[Name, Table | Gone] = field(default_factory=dict)
    keys: frozenset[ForeignKey] = frozenset()
    cut: dict[frozenset[int], Place] = field(default_factory=dict)
    """Two tables that had a foreign key less, and where."""
    routines: dict[tuple[Name, Signature], Routine | Gone] = field(default_factory=dict)
    types: dict[Name, Type | Gone] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset()
    """Those made by what was read: nothing is in them but what was read."""
    appeared: frozenset[Item] = frozenset()
    """What was surely not there before a statement made it."""
    stood: frozenset[Item] = frozenset()
    """What was surely there before the first statement that names it."""

    def copy(self) -> Model:
        """A model that can change without this one changing."""
        return replace(
            self,
            relations=dict(self.relations),
            cut=dict(self.cut),
            routines=dict(self.routines),
            types=dict(self.types),
        )

    def restore(self, other: Model) -> None:
        """Become the other one."""
        self.relations, self.keys, self.cut = other.relations, other.keys, other.cut
        self.routines, self.types = other.routines, other.types
        self.schemas, self.appeared, self.stood = other.schemas, other.appeared, other.stood

    def tables(self) -> Iterator[tuple[Name, Table]]:
        """The relations that are known to be there, in the order in which they were named."""
        for name, table in list(self.relations.items()):
            if isinstance(table, Table):
                yield name, table

    def table(self, name: Name) -> Table | None:
        """The relation of that name, if it is known to be there."""
        found = self.relations.get(name)
        return found if isinstance(found, Table) else None

    def overloads(self, name: Name) -> dict[Signature, Routine]:
        """The routines of that name that are known to be there."""
        return {
            signature: routine
            for (called, signature), routine in self.routines.items()
            if called == name and isinstance(routine, Routine)
        }

    def children(self, number: int) -> Iterator[tuple[Name, Table]]:
        """The tables that inherit from the table of that number, partitions too."""
        return ((name, table) for name, table in self.tables() if number in table.parents)
