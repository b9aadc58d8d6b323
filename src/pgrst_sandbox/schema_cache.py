"""The schema cache: frozen values read from the catalog, and what planning looks up in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, NamedTuple


class Name(NamedTuple):
    """A relation, function or type, with its schema."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `type` is what OpenAPI shows, `nominal_type` tells length and domain too."""

    name: str
    type: str
    nominal_type: str
    nullable: bool
    default: str | None
    max_length: int | None
    enum: tuple[str, ...]
    description: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, materialized view, foreign table or partitioned parent."""

    name: Name
    is_view: bool
    insertable: bool
    updatable: bool
    deletable: bool
    primary_key: tuple[str, ...]
    description: str | None
    columns: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument that a call may name. A nameless one has the name ''."""

    name: str
    type: str
    required: bool
    variadic: bool


@dataclass(frozen=True, slots=True)
class Function:
    """One signature of a function."""

    name: Name
    description: str | None
    parameters: tuple[Parameter, ...]
    returns: Name
    returns_set: bool
    returns_composite: bool
    volatility: Literal["Immutable", "Stable", "Volatile"]
    variadic: bool
    settings: tuple[tuple[str, str], ...]

    @property
    def returns_void(self) -> bool:
        """Whether a call has no result."""
        return self.returns == _VOID

    @property
    def sole_unnamed_type(self) -> str | None:
        """The type of the only argument where that has no name: then a body is passed as it is."""
        if len(self.parameters) == 1 and not self.parameters[0].name:
            return self.parameters[0].type
        return None


_VOID: Final = Name("pg_catalog", "void")


@dataclass(frozen=True, slots=True)
class Junction:
    """The table through which a many-to-many relationship goes, seen from one side."""

    table: Name
    constraints: tuple[str, str]
    source_columns: tuple[tuple[str, str], ...]
    """(column of the source, column of the table)."""
    target_columns: tuple[tuple[str, str], ...]
    """(column of the target, column of the table)."""


@dataclass(frozen=True, slots=True)
class Relationship:
    """How rows of `source` find rows of `target`."""

    source: Name
    target: Name
    source_is_view: bool
    target_is_view: bool
    kind: Literal["M2O", "O2M", "O2O", "M2M"]
    constraint: str
    columns: tuple[tuple[str, str], ...]
    """(column of source, column of target); empty for many-to-many."""
    is_parent: bool = False
    """For one-to-one: the source is the referenced side."""
    junction: Junction | None = None

    @property
    def to_one(self) -> bool:
        """Whether an embed is an object, not an array."""
        return self.kind in {"M2O", "O2O"}


@dataclass(frozen=True)
class SchemaCache:
    """One load of the catalog. Never changes; a reload makes another."""

    relations: Mapping[Name, Relation]
    functions: Mapping[Name, tuple[Function, ...]]
    relationships: Mapping[tuple[Name, str], tuple[Relationship, ...]]
    """By source and the schema of the target, as PostgREST keys them."""
    timezones: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def relation_names(self) -> Mapping[str, tuple[str, ...]]:
        """Names of relations by schema, for hints."""
        return _names_by_schema(self.relations)

    @cached_property
    def function_names(self) -> Mapping[str, tuple[str, ...]]:
        """Names of functions by schema, for hints."""
        return _names_by_schema(self.functions)


def _names_by_schema(names: Mapping[Name, object]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for schema, name in names:
        found.setdefault(schema, []).append(name)
    return {schema: tuple(members) for schema, members in found.items()}
