"""Plan a request against the schema cache alone: here a stale cache shows.

Columns of `select`, filters and `order` are not checked, as in PostgREST: the database answers for
them. Relations, relationships, functions and the columns of a body are.
"""

from dataclasses import dataclass

from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.embedding import find_relationship
from pgrst_sandbox.errors import ApiError, NotFound
from pgrst_sandbox.hints import nearest
from pgrst_sandbox.query_string import Embed, Field, Filter, Query
from pgrst_sandbox.request import Request
from pgrst_sandbox.routines import find_function
from pgrst_sandbox.schema_cache import (
    Column,
    Function,
    Name,
    Relation,
    Relationship,
    SchemaCache,
)


@dataclass(frozen=True, slots=True)
class Read:
    """Rows of one relation, with what is embedded in them."""

    relation: Name
    fields: tuple[Field, ...]
    embeds: tuple["Embedded", ...]
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Related rows under one key of the result."""

    key: str
    relationship: Relationship
    inner: bool
    read: Read


@dataclass(frozen=True, slots=True)
class Write:
    """Columns of a body to be written to a relation, and what to return of it."""

    relation: Name
    columns: tuple[str, ...]
    types: tuple[str, ...] | None
    """Of the columns, as the cache has them. None: as the relation has them."""
    limited: bool
    """Only as many rows as the query's limit allows, in its order."""
    returning: Read


@dataclass(frozen=True, slots=True)
class Call:
    """A function, the arguments named by the request, and what to return of its result."""

    function: Function
    arguments: tuple[str, ...]
    nulls_for_no_rows: bool
    """An empty array as body calls the function too, with nulls."""
    returning: Read


Plan = Read | Write | Call


def plan(request: Request, target: str, cache: SchemaCache, dialect: Dialect) -> Plan:
    """What to run. Raises ApiError PGRST200, 201, 202, 203, 204, 205."""
    name = Name(request.schema, target)
    if request.is_call:
        return _call(request, name, cache, dialect)
    if request.method in {"GET", "HEAD"}:
        if dialect.checks_relations:
            find_relation(name, cache, dialect)
        return _read(name, request.query, cache, dialect)
    return _write(request, name, cache, dialect)


def _write(request: Request, name: Name, cache: SchemaCache, dialect: Dialect) -> Write:
    query = request.query
    columns = query.columns
    if columns is None:
        columns = request.body.keys if request.body else ()
    types = None
    if dialect.checks_columns:
        relation = find_relation(name, cache, dialect)
        found = (_column(relation, column, dialect) for column in columns)
        types = tuple(column.nominal_type for column in found)
    limited = dialect.limits_writes and (query.limit is not None or query.offset is not None)
    return Write(name, columns, types, limited, _read(name, query, cache, dialect))


def find_relation(name: Name, cache: SchemaCache, dialect: Dialect) -> Relation:
    """The relation in the cache. Raises ApiError PGRST205, or NotFound."""
    if relation := cache.relations.get(name):
        return relation
    if not dialect.checks_relations:
        raise NotFound
    known = cache.relation_names.get(name.schema, ())
    hint = nearest(name.name, known, dialect.name_similarity)
    raise ApiError(
        404,
        "PGRST205",
        f"Could not find the table '{name.schema}.{name.name}' in the schema cache",
        hint=hint and f"Perhaps you meant the table '{name.schema}.{hint}'",
    )


def _column(relation: Relation, name: str, dialect: Dialect) -> Column:
    if column := relation.columns.get(name):
        return column
    message = dialect.missing_column.format(column=name, relation=relation.name.name)
    raise ApiError(400, "PGRST204", message)


def _call(request: Request, name: Name, cache: SchemaCache, dialect: Dialect) -> Call:
    query, body = request.query, request.body
    if body is None:
        arguments = tuple(argument for argument, _ in query.arguments)
    else:
        arguments = body.keys if query.columns is None else query.columns
    function = find_function(
        name, frozenset(arguments), body.kind if body else None, cache, dialect
    )
    read = _read(function.returns, query, cache, dialect)
    return Call(function, arguments, dialect.passes_nulls_for_no_rows, read)


def _read(relation: Name, query: Query, cache: SchemaCache, dialect: Dialect) -> Read:
    return _read_items(relation, query.select, query.filters, cache, dialect)


def _read_items(
    relation: Name,
    items: tuple[Field | Embed, ...],
    filters: tuple[Filter, ...],
    cache: SchemaCache,
    dialect: Dialect,
) -> Read:
    embeds = [
        _embed(relation, item, filters, cache, dialect) for item in items if isinstance(item, Embed)
    ]
    return Read(
        relation,
        tuple(item for item in items if isinstance(item, Field)),
        tuple(embeds),
        tuple(condition for condition in filters if not condition.path),
    )


def _embed(
    source: Name,
    embed: Embed,
    filters: tuple[Filter, ...],
    cache: SchemaCache,
    dialect: Dialect,
) -> Embedded:
    key = embed.alias or embed.target
    relationship = find_relationship(source, embed, cache, dialect)
    inner_filters = tuple(
        Filter(f.path[1:], f.column, f.operator, f.value, f.negated)
        for f in filters
        if f.path and f.path[0] in {key, embed.target}
    )
    read = _read_items(relationship.target, embed.select, inner_filters, cache, dialect)
    return Embedded(key, relationship, embed.inner, read)
