"""Read `pg_catalog` by PostgREST's rules of what an API exposes.

Each query answers with one JSON array, put together by PostgreSQL: a thousand relations come in a
few round trips, and Python only builds the values.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pgrst_sandbox import catalog_queries
from pgrst_sandbox.connection import Statement
from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.pool import Pool
from pgrst_sandbox.relationships import ForeignKey, relationships
from pgrst_sandbox.schema_cache import Column, Function, Name, Parameter, Relation, SchemaCache
from pgrst_sandbox.view_columns import View, origins

# Types are named with their schema, unless they are PostgreSQL's own.
_EMPTY_SEARCH_PATH: Final = Statement(b"select set_config('search_path', '', true)")

_UNNAMED_TYPES: Final = frozenset({"bytea", "json", "jsonb", "text", "xml"})


@dataclass(frozen=True, slots=True)
class Answers:
    """What the catalog queries returned: JSON texts, in the order of the queries."""

    relations: bytes
    functions: bytes
    keys: bytes
    views: bytes
    attributes: bytes
    timezones: bytes


async def ask(pool: Pool, schemas: Sequence[str], dialect: Dialect, *, sleep: float = 0) -> Answers:
    """Run the catalog queries in one transaction, and then wait for `sleep` seconds.

    So a load that is slow ends with the schema that was there when it began.
    Raises DatabaseError, ConnectFailed, ConnectionLost.
    """
    names = (_array(schemas),)
    results = await pool.run(
        [
            _EMPTY_SEARCH_PATH,
            Statement(catalog_queries.SCHEMAS, names if dialect.checks_schemas else (b"{}",)),
            Statement(catalog_queries.RELATIONS, names),
            functions_statement(*schemas),
            Statement(catalog_queries.KEYS),
            Statement(catalog_queries.VIEWS),
            Statement(catalog_queries.ATTRIBUTES),
            Statement(catalog_queries.TIMEZONES if dialect.has_timezones else b"select 1, '[]'"),
            Statement(b"select pg_sleep($1)", (str(sleep).encode(),)),
        ]
    )
    return Answers(*(result.get_value(0, 1) or b"[]" for result in results[2:-1]))


def functions_statement(*schemas: str, executable: bool = False) -> Statement:
    """A query for functions: of these schemas, and if asked, those its role may execute.

    The JSON in the second column of its only row is for `build_functions`.
    """
    return Statement(
        catalog_queries.FUNCTIONS, (_array(schemas), b"true" if executable else b"false")
    )


def _array(names: Sequence[str]) -> bytes:
    """A PostgreSQL array literal."""
    escaped = (name.replace("\\", r"\\").replace('"', r"\"") for name in names)
    return ("{" + ",".join(f'"{name}"' for name in escaped) + "}").encode()


def build(answers: Answers) -> SchemaCache:
    """Make the cache of the answers; no I/O."""
    keys = json.loads(answers.keys)
    views = _views(answers)
    names, relations = _relations(json.loads(answers.relations), keys, views)
    return SchemaCache(
        relations=relations,
        functions=build_functions(json.loads(answers.functions)),
        relationships=relationships(_foreign_keys(keys), views, names, relations),
        timezones=tuple(json.loads(answers.timezones)),
    )


def _views(answers: Answers) -> Mapping[int, View]:
    attributes: dict[int, dict[int, str]] = {}
    for relation, number, name in json.loads(answers.attributes):
        attributes.setdefault(relation, {})[number] = name
    return origins(json.loads(answers.views), attributes)


def _relations(
    rows: Iterable[Any], keys: Iterable[Any], views: Mapping[int, View]
) -> tuple[dict[int, Name], dict[Name, Relation]]:
    primary = {oid: columns for kind, _, oid, _, columns, _ in keys if kind == "p"}
    names: dict[int, Name] = {}
    relations: dict[Name, Relation] = {}
    for oid, schema, table, is_view, insert, update, delete, remark, columns in rows:
        name = names[oid] = Name(schema, table)
        key = views[oid].primary_key(primary) if oid in views else primary.get(oid, ())
        relations[name] = Relation(
            name,
            is_view,
            insert,
            update,
            delete,
            tuple(key),
            remark,
            {column[0]: _column(*column) for column in columns},
        )
    return names, relations


def _column(  # noqa: PLR0913 - a row of the catalog query
    name: str,
    kind: str,
    nominal: str,
    nullable: bool,  # noqa: FBT001 - as above
    default: str | None,
    length: int | None,
    enum: list[str] | None,
    remark: str | None,
) -> Column:
    return Column(name, kind, nominal, nullable, default, length, tuple(enum or ()), remark)


def build_functions(rows: Iterable[Any]) -> dict[Name, tuple[Function, ...]]:
    """Functions by name, without those that no request could call."""
    found: dict[Name, list[Function]] = {}
    for schema, name, remark, arguments, required, *returns, volatility, variadic, settings in rows:
        unnamed = [type_ for argument, type_, _ in arguments if not argument]
        if len(unnamed) > 1 or (unnamed and arguments[0][1] not in _UNNAMED_TYPES):
            continue
        return_schema, return_type, is_set, is_composite = returns
        function = Function(
            name=Name(schema, name),
            description=remark,
            parameters=tuple(
                Parameter(argument, type_, position < required, is_variadic or False)
                for position, (argument, type_, is_variadic) in enumerate(arguments)
            ),
            returns=Name(return_schema, return_type),
            returns_set=is_set,
            returns_composite=is_composite,
            volatility=volatility,
            variadic=variadic,
            settings=tuple((k, v) for k, _, v in (text.partition("=") for text in settings)),
        )
        found.setdefault(function.name, []).append(function)
    return {name: tuple(sorted(group, key=_signature)) for name, group in found.items()}


def _signature(function: Function) -> list[tuple[str, str]]:
    return [(parameter.name, parameter.type) for parameter in function.parameters]


def _foreign_keys(keys: Iterable[Any]) -> list[ForeignKey]:
    unique = {(oid, frozenset(columns)) for kind, _, oid, _, columns, _ in keys if kind != "f"}
    primary = {oid: frozenset(columns) for kind, _, oid, _, columns, _ in keys if kind == "p"}
    return [
        ForeignKey(
            constraint, oid, target, tuple(zip(columns, target_columns, strict=True)),
            unique=(oid, frozenset(columns)) in unique,
            in_primary_key=frozenset(columns) <= primary.get(oid, frozenset()),
        )
        for kind, constraint, oid, target, columns, target_columns in keys
        if kind == "f"
    ]  # fmt: skip
