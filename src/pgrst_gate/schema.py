"""What an API surface is made of, and what is expected of it.

Names are raw, as PostgREST takes them in a URL: case-sensitive and without SQL quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ANY_KEYS: Final = "*"
"""The argument of `f(*)`: one unnamed json, jsonb, text, xml or bytea parameter takes any keys."""


def quoted(name: str) -> str:
    """The name as the input grammar and SQL read it: in double quotes when it is not a plain word.

    A dollar sign and upper case need no quotes in the inputs (names are raw there), but SQL folds
    upper case, so everything but lower-case words is quoted.
    """
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """A table, view, materialized view or foreign table. An empty schema is the server's first."""

    schema: str
    name: str

    @property
    def kind(self) -> str:
        return "relation"

    def __str__(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}" if self.schema else quoted(self.name)


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """A column of a relation; ``type`` is the type it must have, as written, or empty for any."""

    relation: Relation
    name: str
    type: str = ""
    _hash: int = field(init=False, repr=False, compare=False)
    """Made once: a run looks each of many thousand columns up a dozen times."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.relation, self.name, self.type)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def kind(self) -> str:
        return "column"

    @property
    def schema(self) -> str:
        return self.relation.schema

    def __str__(self) -> str:
        named = f"{self.relation}.{quoted(self.name)}"
        return f"{named} {self.type}" if self.type else named


@dataclass(frozen=True, slots=True, order=True)
class Argument:
    """An input argument of a function; ``type`` as in `Column`."""

    name: str
    type: str = ""

    def __str__(self) -> str:
        name = self.name if self.name == ANY_KEYS else quoted(self.name)
        return f"{name} {self.type}" if self.type else name


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """A function as a client calls it: by its name and the names of its arguments."""

    schema: str
    name: str
    arguments: tuple[Argument, ...] = ()

    @property
    def kind(self) -> str:
        return "function"

    def __str__(self) -> str:
        called = f"{quoted(self.name)}({', '.join(map(str, self.arguments))})"
        return f"{quoted(self.schema)}.{called}" if self.schema else called


@dataclass(frozen=True, slots=True, order=True)
class Relationship:
    """That ``target`` can be embedded in ``origin``. Both are in one schema, as PostgREST asks."""

    origin: Relation
    target: str

    @property
    def kind(self) -> str:
        return "relationship"

    @property
    def schema(self) -> str:
        return self.origin.schema

    def __str__(self) -> str:
        return f"{self.origin} -> {quoted(self.target)}"


Item = Relation | Column | Function | Relationship


@dataclass(frozen=True, slots=True)
class Derived:
    """Where an expectation comes from that nobody typed."""

    place: str
    """`supabase/migrations/7_heartbeats.sql:3`, `the database`."""
    in_database: bool = False
    """It was read from the database itself, which therefore has it."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The items that must be served, and those that must not be, in the order given.

    What somebody typed must be usable by the key that asks. What was derived must be in the cache,
    whoever may use it: a schema has relations that are not for everybody.
    """

    present: tuple[Item, ...] = ()
    absent: tuple[Item, ...] = ()
    derived: Mapping[Item, Derived] = field(default_factory=dict)
    """Those of them that nobody typed."""

    def __bool__(self) -> bool:
        return bool(self.present or self.absent)

    @property
    def items(self) -> tuple[Item, ...]:
        return self.present + self.absent
