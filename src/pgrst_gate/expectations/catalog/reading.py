"""Reads what a database would have PostgREST expose, as a `Surface`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.expectations.catalog.embedding import ForeignKey, ways
from pgrst_gate.expectations.catalog.origins import Rule, origins
from pgrst_gate.expectations.catalog.query import CATALOG, SETTINGS
from pgrst_gate.schema import Relation, quoted
from pgrst_gate.surface import (
    WHOLE_BODIES,
    ColumnShape,
    FunctionShape,
    Grants,
    Parameter,
    RelationKind,
    RelationShape,
    Surface,
)

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_KINDS: Final[Mapping[str, RelationKind]] = {
    "r": "table",
    "p": "table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}


def configured_schemas(connection: Connection[TupleRow]) -> tuple[str, ...]:
    """The exposed schemas by the settings that live in the database; empty where there are none.

    Raises `UsageError` where roles have different ones.
    """
    found = [value for (value,) in connection.execute(SETTINGS).fetchall()]
    if len(found) > 1:
        raise UsageError(
            f"pgrst.db_schemas is set for several roles: {'; '.join(sorted(found))}",
            hint="say which schemas are meant by `schema`",
        )
    return tuple(name.strip() for value in found for name in value.split(",") if name.strip())


def read_surface(connection: Connection[TupleRow], schemas: Sequence[str]) -> Surface:
    """Everything PostgREST would expose of these schemas, read in one transaction.

    Raises `NotObserved` when a schema is not there; psycopg's errors are the connection's to turn.
    """
    with connection.transaction():
        connection.execute("set transaction read only")
        # Types are named with their schema then, unless they are PostgreSQL's own.
        connection.execute("select set_config('search_path', '', true)")
        row = connection.execute(CATALOG, {"schemas": list(schemas)}).fetchone()
    found: Mapping[str, Any] = row[0] if row else {}
    if missing := [name for name in schemas if name not in found["schemas"]]:
        raise NotObserved(
            f"this database has no schema {', '.join(missing)}",
            hint="is it the database that this API uses? Check `database-url` and `schema`",
        )
    return _surface(tuple(schemas), found)


def timed_surface(
    connection: Connection[TupleRow], schemas: Sequence[str]
) -> tuple[Surface, float]:
    """As `read_surface`, and how many seconds that took: about what a load of the cache takes."""
    begun = time.monotonic()
    return read_surface(connection, schemas), time.monotonic() - begun


def _surface(schemas: tuple[str, ...], found: Mapping[str, Any]) -> Surface:
    named: dict[int, Relation] = {}
    relations: dict[Relation, RelationShape] = {}
    for oid, schema, name, kind, columns, grants in found["relations"]:
        relation = named[oid] = Relation(schema, name)
        shapes = tuple(ColumnShape(*column) for column in columns)
        relations[relation] = RelationShape(relation, _KINDS[kind], shapes, _grants(grants))
    keys = found["keys"]
    rules = {oid: Rule(action, _numbered(columns)) for oid, action, columns in found["views"]}
    tables = {int(oid): _numbered(columns) for oid, columns in found["attributes"].items()}
    return Surface(
        schemas,
        relations,
        tuple(_functions(found["functions"])),
        ways(
            [ForeignKey(a, b, tuple(c), tuple(d)) for kind, a, b, c, d in keys if kind == "f"],
            {table: frozenset(columns) for kind, table, _, columns, _ in keys if kind == "p"},
            origins(rules, tables),
            named,
        ),
    )


def _numbered(columns: Mapping[str, str] | None) -> dict[int, str]:
    return {int(number): name for number, name in (columns or {}).items()}


def _functions(rows: Iterable[Any]) -> Iterable[FunctionShape]:
    """The functions that a request can call: all arguments named, or a single one that is not."""
    for schema, name, required, returns, arguments, grants in rows:
        parameters = tuple(
            Parameter(argument, kind, number < required, bool(variadic))
            for number, (argument, kind, variadic) in enumerate(arguments)
        )
        takes_all = len(parameters) == 1 and parameters[0].type in WHOLE_BODIES
        if takes_all or all(one.name for one in parameters):
            yield FunctionShape(schema, name, parameters, returns, _grants(grants))


def _grants(rows: Iterable[tuple[str, str, str | None]]) -> Grants:
    whole: dict[str, set[str]] = {}
    partly: dict[str, dict[str, set[str]]] = {}
    for role, privilege, column in rows:
        if column is None:
            whole.setdefault(role, set()).add(privilege)
        else:
            partly.setdefault(role, {}).setdefault(privilege, set()).add(column)
    return {
        role: frozenset(whole.get(role, set()))
        | {
            f"{privilege} ({', '.join(map(quoted, sorted(columns)))})"
            for privilege, columns in partly.get(role, {}).items()
            if privilege not in whole.get(role, ())
        }
        for role in whole | partly
    }
