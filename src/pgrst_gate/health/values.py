"""What a database says about itself, as far as it matters to the PostgREST in front of it.

Names are raw, as in `pgrst_gate.schema`; privileges are PostgreSQL's own words in lower case. What
the user that looked may not see is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pgrst_gate.schema import Relation, quoted
from pgrst_gate.surface import RelationKind


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the cluster."""

    name: str
    superuser: bool
    bypasses_policies: bool
    """BYPASSRLS, or a superuser: row-level security does not apply to it."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role may do with a relation, by whatever way: granted, inherited, owned, to all."""

    whole: frozenset[str] = frozenset()
    """`select`, `insert`, `update`, `delete`: on all of its columns."""
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Privilege → the columns that have it, where not all do."""

    def allow(self, privilege: str, column: str = "") -> bool:
        """Whether the privilege is there: on this column, or on the whole relation."""
        return privilege in self.whole or column in self.columns.get(privilege, frozenset())


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of row-level security."""

    name: str
    command: Literal["all", "select", "insert", "update", "delete"]
    roles: tuple[str, ...]
    """Everybody is `public`."""
    permissive: bool
    bound: frozenset[str] = frozenset()
    """The roles that were asked about and to whom it applies: named, members of one, or all."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence that a column's default draws from (`serial`); an identity column needs none."""

    relation: Relation
    """The sequence itself."""
    users: frozenset[str]
    """The roles that were asked about and may draw from it."""


@dataclass(frozen=True, slots=True)
class Table:
    """An exposed relation of any kind, and who may do what with it."""

    relation: Relation
    kind: RelationKind
    owner: str
    row_security: bool
    """Row-level security is enabled; never for views, whose tables have their own."""
    forced: bool
    """It applies to the owner as well."""
    policies: tuple[Policy, ...]
    security_invoker: bool
    """A view that reads as the role that asks, not as its owner (PostgreSQL 15)."""
    rights: Mapping[str, Rights]
    """For each role that was asked about and exists."""
    owners: frozenset[str]
    """The roles that were asked about and have its owner's rights."""
    sequences: tuple[Sequence, ...]
    unguarded: tuple[Relation, ...] = ()
    """The tables that a view reads as its owner, and of which no policy applies to that owner."""

    def bypassed_by(self, role: Role) -> bool:
        """Whether the table's policies do not apply to the role."""
        return role.bypasses_policies or (role.name in self.owners and not self.forced)

    def read_by(self, role: Role) -> tuple[Policy, ...]:
        """The policies that decide which rows the role sees."""
        return tuple(
            one
            for one in self.policies
            if one.command in {"all", "select"} and role.name in one.bound
        )

    def hides_all(self, role: Role) -> bool:
        """Whether the role sees no row, whatever is in the table: no policy shows it any."""
        shown = any(one.permissive for one in self.read_by(role))
        return self.row_security and not self.bypassed_by(role) and not shown


@dataclass(frozen=True, slots=True)
class Routine:
    """One overload of an exposed function."""

    schema: str
    name: str
    arguments: tuple[str, ...]
    """The names of its input arguments; `""` for one without."""
    types: tuple[str, ...]
    """Their types, with their schema unless they are PostgreSQL's own."""
    owner: str
    definer: bool
    """SECURITY DEFINER: it runs with its owner's rights."""
    search_path: str | None
    """As it sets it for itself; None where it does not."""
    callers: frozenset[str]
    """The roles that were asked about and may execute it."""

    @property
    def signature(self) -> str:
        """As SQL names it: `public.f(integer, text)`."""
        return f"{quoted(self.schema)}.{quoted(self.name)}({', '.join(self.types)})"

    def __str__(self) -> str:
        pairs = zip(self.arguments, self.types, strict=False)
        both = (f"{quoted(name)} {kind}" if name else kind for name, kind in pairs)
        return f"{quoted(self.schema)}.{quoted(self.name)}({', '.join(both)})"


@dataclass(frozen=True, slots=True)
class Session:
    """Another connection to this database."""

    user: str
    application: str
    channel: str | None
    """The channel of the LISTEN it ran last, empty for another statement; None where that may not
    be seen."""

    @property
    def is_postgrest(self) -> bool:
        """Whether it calls itself so, as PostgREST 11.1 and later do."""
        return self.application.startswith("PostgREST")


@dataclass(frozen=True, slots=True)
class Listening:
    """Who would hear a notification."""

    sessions: tuple[Session, ...]
    queue: float
    """How full the queue of notifications is, from 0 to 1. A full one refuses every NOTIFY."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter as `ALTER ROLE` and `ALTER DATABASE` left it."""

    name: str
    """`statement_timeout`, or one of PostgREST's own: `pgrst.db_schemas`."""
    value: str
    role: str
    """Whose it is; empty for all roles."""
    database: str
    """The database that it is for; empty where it is for all."""


@dataclass(frozen=True, slots=True)
class Unhandled:
    """A foreign table whose wrapper has no handler: asking whether it can be written fails."""

    relation: Relation
    server: str
    wrapper: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event trigger."""

    name: str
    event: str
    """`ddl_command_end`, `sql_drop`, ..."""
    enabled: Literal["origin", "always", "replica", "disabled"]
    tags: frozenset[str]
    """The commands it fires for; empty for all."""
    source: str | None
    """Its function, or None where that may not be read; untrusted."""

    @property
    def awake(self) -> bool:
        """Whether it fires in ordinary sessions."""
        return self.enabled in {"origin", "always"}


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one database at one moment."""

    schemas: tuple[str, ...]
    """Those it was asked about."""
    missing: frozenset[str] | None
    """Those of them that do not exist."""
    usage: Mapping[str, frozenset[str]] | None
    """Schema → the roles that were asked about and may use it."""
    roles: Mapping[str, Role] | None
    """Those that were asked about and exist, and those that PostgREST is connected as."""
    tables: Mapping[Relation, Table] | None
    routines: tuple[Routine, ...] | None
    listening: Listening | None
    settings: tuple[Setting, ...] | None
    unhandled: tuple[Unhandled, ...] | None
    triggers: tuple[Trigger, ...] | None
