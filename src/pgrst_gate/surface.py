"""What an API offers its clients: relations, functions and ways to embed, wherever it was read.

The same value comes from a database, a live API, a snapshot file or another environment. What a
source cannot show is None, and is then never compared. Names are raw, as in `pgrst_gate.schema`;
types are as PostgreSQL's `format_type` writes them under an empty search path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pgrst_gate.schema import ANY_KEYS, Argument, Function, Relation, Relationship

WHOLE_BODIES: Final = frozenset({"bytea", "json", "jsonb", "text", "xml"})
"""The types of a single argument that takes the whole body of a request."""

RelationKind = Literal["table", "view", "materialized view", "foreign table"]

Grants = Mapping[str, frozenset[str]]
"""Role → what it was granted, owner and superusers left out: `select`, `insert`, `execute`, ...

A privilege on some columns only is written with them, quoted as SQL would: `select (id, "Name")`.
Everybody is `public`.
"""


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column as its clients meet it."""

    name: str
    type: str
    nullable: bool | None = None
    filled: bool | None = None
    """An insert may leave it out though it is not null: default, identity or generated."""

    @property
    def required(self) -> bool | None:
        """Whether an insert must name it."""
        if self.nullable is None or self.filled is None:
            return None
        return not (self.nullable or self.filled)


@dataclass(frozen=True, slots=True)
class RelationShape:
    """A table or what stands in for one. Partitions are none: PostgREST does not cache them."""

    relation: Relation
    kind: RelationKind | None
    columns: tuple[ColumnShape, ...]
    grants: Grants | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input argument of a function. A single unnamed one has the name ``""``."""

    name: str
    type: str
    required: bool
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class FunctionShape:
    """One overload of a function that a request can call."""

    schema: str
    name: str
    parameters: tuple[Parameter, ...]
    returns: str | None = None
    """The type, with `setof ` in front where it returns a set."""
    grants: Grants | None = None

    @property
    def called(self) -> Function:
        """The function as an item: by its name and the names of all its arguments."""
        named = (Argument(one.name, one.type) for one in self.parameters if one.name)
        arguments = (Argument(ANY_KEYS),) if self.takes_whole_body else tuple(named)
        return Function(self.schema, self.name, arguments)

    @property
    def takes_whole_body(self) -> bool:
        """Whether its single argument has no name, so that any keys are taken."""
        return any(not one.name for one in self.parameters)


@dataclass(frozen=True, slots=True)
class Surface:
    """Everything an API offers, in some schemas."""

    schemas: tuple[str, ...]
    """Those it is of, in the order the server exposes them."""
    relations: Mapping[Relation, RelationShape]
    functions: tuple[FunctionShape, ...]
    relationships: Mapping[Relationship, int] | None
    """What can be embedded where → in how many ways; with more than one a client must choose."""
    whole: bool = True
    """False where an OpenAPI document was read: it leaves out lengths of types, shows a domain's
    base and one of several overloads, and does not tell which arguments are variadic."""
