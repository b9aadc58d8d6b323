"""What PostgREST could serve, as a value: read from a catalog or from a server's own cache."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Name(NamedTuple):
    """A name in a schema, as the catalog has it."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input argument. An unnamed one has the name ``""``."""

    name: str
    type: str
    required: bool
    variadic: bool


@dataclass(frozen=True, slots=True)
class Overload:
    """One function of its name."""

    parameters: tuple[Parameter, ...]
    executable: bool = True
    """The role may execute it; true of all in a cache, which knows no privileges."""

    @property
    def names(self) -> frozenset[str]:
        """The names of all arguments."""
        return frozenset(parameter.name for parameter in self.parameters)

    @property
    def required(self) -> frozenset[str]:
        """The names of the arguments without a default."""
        return frozenset(one.name for one in self.parameters if one.required)


@dataclass(frozen=True, slots=True, order=True)
class Embed:
    """One way to embed `target` in `origin`, by these columns of the two."""

    origin: Name
    target: Name
    origin_columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    junction: tuple[str, ...] = ()
    """The name of the table in between, if there is one."""


@dataclass(frozen=True, slots=True)
class Surface:
    """Relations, functions and relationships."""

    columns: Mapping[Name, Mapping[str, frozenset[str]]]
    """Relation → column → the names of its type: of a domain, that of its base type as well."""
    functions: Mapping[Name, tuple[Overload, ...]]
    embeds: tuple[Embed, ...]
    tables: frozenset[Name] = frozenset()
    """Those relations that are no views. Empty where it was read from a cache."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a database has, and what one role may do with it."""

    surface: Surface
    partitions: frozenset[Name] = frozenset()
    """Never served: PostgREST leaves them out of its cache."""
    readable: Mapping[Name, frozenset[str]] = field(default_factory=dict)
    """Relation, partitions included → all columns the role may read."""
    all_columns: Mapping[Name, frozenset[str]] = field(default_factory=dict)
    """Relation, partitions included → all its columns."""
    usable_schemas: frozenset[str] = frozenset()
    keys: tuple[tuple[Name, str], ...] = ()
    """Foreign keys: table and constraint."""
    hidden: frozenset[Name] = frozenset()
    """Tables with row-level security; there are no policies, so that nobody sees a row."""
