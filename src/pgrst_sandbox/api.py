"""Answer a request: in PostgREST's order of checks, from the cache, then from the database."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from psycopg.pq import abc

from pgrst_sandbox import openapi, sql, tokens
from pgrst_sandbox.answers import (
    JSON,
    JSON_OBJECT,
    OPENAPI,
    Headers,
    Response,
    content_location,
    content_range,
    content_type,
    preference_applied,
    success,
)
from pgrst_sandbox.config import Config
from pgrst_sandbox.connection import Statement
from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.errors import ApiError, NotFound, no_cache
from pgrst_sandbox.plan import Call, Plan, Read, Write, find_relation, plan
from pgrst_sandbox.pool import Pool
from pgrst_sandbox.request import HttpRequest, Request, understand
from pgrst_sandbox.routines import find_function
from pgrst_sandbox.schema_cache import Function, Name, Relation, SchemaCache
from pgrst_sandbox.selection import quoted

_ANYTHING: Final = frozenset({"*/*", "application/*", JSON})
_CSV: Final = frozenset({"*/*", "text/*", "text/csv"})
_PLAN: Final = "application/vnd.pgrst.plan"
_PLAN_JSON: Final = f"{_PLAN}+json"

_SETTINGS: Final = b"""select
  set_config('search_path', $1, true), set_config('role', $2, true),
  set_config('request.jwt.claims', $3, true), set_config('request.method', $4, true),
  set_config('request.path', $5, true), set_config('transaction_read_only', $6, true)"""


@dataclass(frozen=True, slots=True)
class Execution:
    """What is left to do for a request that was planned: run SQL as this caller."""

    request: Request
    caller: tokens.Caller
    cache: SchemaCache
    plan: Plan | None
    """None for the root: the API's description."""
    media_type: str


class _Result(NamedTuple):
    """The row that every statement returns."""

    rows: int
    body: bytes
    total: int | None


def decide(
    http: HttpRequest, config: Config, cache: SchemaCache | None, dialect: Dialect
) -> Response | Execution:
    """Everything that needs no connection. Raises ApiError."""
    caller = tokens.caller(
        http.headers.get("authorization"), config.jwt_secret, config.db_anon_role, dialect
    )
    if cache is None:
        raise no_cache()
    request = understand(http, config, dialect)
    if dialect.negotiates_before_plan:
        _negotiate(request.accept, _producible(request, config, dialect), dialect)
    if request.method == "OPTIONS":
        return success(request, dialect, (("Allow", _allowed(request, cache, dialect)),))
    if request.method == "PUT":
        raise ApiError(400, "PGRST127", "Feature not implemented", "The stand-in knows no PUT.")
    if request.target is None:
        if config.openapi_mode == "disabled":
            raise _no_description(dialect)
        _refuse(request, config, dialect, write=False)
        return Execution(request, caller, cache, None, OPENAPI)
    planned = plan(request, request.target, cache, dialect)
    asked = _refuse(request, config, dialect, write=isinstance(planned, Write))
    media_type = asked if asked in {JSON_OBJECT, _PLAN_JSON} else JSON
    return Execution(request, caller, cache, planned, media_type)


async def execute(todo: Execution, pool: Pool, dialect: Dialect, config: Config) -> Response:
    """Run the SQL and answer. Raises ApiError, DatabaseError, ConnectFailed, ConnectionLost."""
    request, planned = todo.request, todo.plan
    if planned and todo.media_type == _PLAN_JSON:
        return await _explained(todo, planned, pool, dialect)
    match planned:
        case None:
            body = await openapi.describe(
                request.schema,
                todo.cache,
                config,
                dialect,
                lambda statement: _row(todo, pool, statement, read_only=True),
            )
            return success(request, dialect, (content_type(OPENAPI),), body)
        case Read():
            statement = sql.read_statement(planned, request)
            result = await _run(todo, pool, statement, read_only=True)
            return _answer_rows(todo, dialect, result, (content_location(request),))
        case Call(function=function):
            statement = sql.call_statement(planned, request)
            read_only = request.body is None or function.volatility != "Volatile"
            result = await _run(todo, pool, statement, read_only=read_only)
            if function.returns_void:
                called = result.rows if dialect.counts_rows_of_void else 1
                return success(request, dialect, (content_range(0, called, None),), status=204)
            return _answer_rows(todo, dialect, result, ())
        case Write():
            statement = sql.write_statement(planned, request)
            result = await _run(todo, pool, statement, read_only=False)
            return _answer_write(todo, dialect, result)


async def _explained(todo: Execution, planned: Plan, pool: Pool, dialect: Dialect) -> Response:
    """The plan in place of a result: PostgreSQL checks privileges, and runs nothing."""
    if isinstance(planned, Read):
        statement = sql.read_statement(planned, todo.request)
    elif isinstance(planned, Call):
        statement = sql.call_statement(planned, todo.request)
    else:
        statement = sql.write_statement(planned, todo.request)
    explain = replace(statement, sql=b"EXPLAIN (FORMAT JSON) " + statement.sql)
    body = (await _rows(todo, pool, explain, read_only=not isinstance(planned, Write))).get_value(
        0, 0
    )
    return success(todo.request, dialect, (content_type(_PLAN_JSON),), body or b"")


async def _run(todo: Execution, pool: Pool, statement: Statement, *, read_only: bool) -> _Result:
    rows, body, total = await _row(todo, pool, statement, read_only=read_only)
    return _Result(int(rows or 0), body or b"", None if total is None else int(total))


async def _row(
    todo: Execution, pool: Pool, statement: Statement, *, read_only: bool
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Run a statement that returns one row of three values, as the caller."""
    row = await _rows(todo, pool, statement, read_only=read_only)
    return row.get_value(0, 0), row.get_value(0, 1), row.get_value(0, 2)


async def _rows(
    todo: Execution, pool: Pool, statement: Statement, *, read_only: bool
) -> abc.PGresult:
    caller, request = todo.caller, todo.request
    settings = (
        f'{quoted(request.schema)}, "public"',
        caller.role,
        caller.claims,
        request.method,
        request.path,
        "on" if read_only else "off",
    )
    setup = Statement(_SETTINGS, tuple(setting.encode() for setting in settings), prepared=True)
    return (await pool.run([setup, statement]))[1]


def _allowed(request: Request, cache: SchemaCache, dialect: Dialect) -> str:
    """The `Allow` header. Raises ApiError PGRST202, 203, 205."""
    if request.target is None:
        return "OPTIONS,GET,HEAD"
    name = Name(request.schema, request.target)
    if request.is_call:
        return _allowed_on_function(find_function(name, frozenset(), None, cache, dialect))
    return _allowed_on_relation(find_relation(name, cache, dialect))


def _allowed_on_function(function: Function) -> str:
    return "OPTIONS,POST" if function.volatility == "Volatile" else "OPTIONS,GET,HEAD,POST"


def _allowed_on_relation(relation: Relation) -> str:
    methods = {
        "OPTIONS,GET,HEAD": True,
        "POST": relation.insertable,
        "PUT": relation.insertable and relation.updatable and bool(relation.primary_key),
        "PATCH": relation.updatable,
        "DELETE": relation.deletable,
    }
    return ",".join(method for method, allowed in methods.items() if allowed)


def _no_description(dialect: Dialect) -> ApiError:
    if not dialect.names_wrong_paths:
        return NotFound()
    return ApiError(404, "PGRST126", "Root endpoint metadata is disabled")


def _producible(request: Request, config: Config, dialect: Dialect) -> frozenset[str]:
    if request.method == "OPTIONS" and dialect.options_are_csv:
        return _CSV
    if request.target is None:
        return _ANYTHING | {OPENAPI}
    return _ANYTHING | {JSON_OBJECT} | ({_PLAN_JSON} if config.db_plan_enabled else set())


def _refuse(request: Request, config: Config, dialect: Dialect, *, write: bool) -> str:
    """The media type to answer with. Raises ApiError PGRST107 and 122, for writes 122 first."""
    if write:
        _refuse_preferences(request, dialect)
    media_type = _negotiate(request.accept, _producible(request, config, dialect), dialect)
    _refuse_preferences(request, dialect)
    return media_type


def _refuse_preferences(request: Request, dialect: Dialect) -> None:
    preferences = request.preferences
    if dialect.knows_strict and preferences.strict and preferences.invalid:
        raise ApiError(
            400,
            "PGRST122",
            "Invalid preferences given with handling=strict",
            f"Invalid preferences: {', '.join(preferences.invalid)}",
        )


def _negotiate(accept: str, producible: frozenset[str], dialect: Dialect) -> str:
    offered = [part.strip() for part in accept.split(",")]
    for part in offered:
        media_type = part.partition(";")[0].strip()
        if media_type in producible:
            return media_type
    shown = ", ".join(
        f'{part}; for="{JSON}"'
        if dialect.plans_are_for and part.startswith(_PLAN) and "for=" not in part
        else part
        for part in offered
    )
    raise ApiError(
        dialect.not_acceptable, "PGRST107", f"None of these media types are available: {shown}"
    )


def _answer_rows(todo: Execution, dialect: Dialect, result: _Result, place: Headers) -> Response:
    request = todo.request
    headers = (
        content_range(request.query.offset or 0, result.rows, result.total),
        *preference_applied(request, dialect),
        *place,
        content_type(todo.media_type),
    )
    partial = result.total is not None and result.rows < result.total
    return success(request, dialect, headers, _body(todo, result), 206 if partial else 200)


def _answer_write(todo: Execution, dialect: Dialect, result: _Result) -> Response:
    request = todo.request
    returned = request.preferences.returns == "representation"
    headers = (
        content_range(0, result.rows if request.method == "PATCH" else 0, None),
        *preference_applied(request, dialect),
    )
    if not returned:
        status = 201 if request.method == "POST" else 204
        return success(request, dialect, headers, status=status)
    headers += (content_type(todo.media_type),)
    status = 201 if request.method == "POST" else 200
    return success(request, dialect, headers, _body(todo, result), status)


def _body(todo: Execution, result: _Result) -> bytes:
    """The rows, or the only one as an object if one was asked for. Raises ApiError PGRST116."""
    if todo.media_type != JSON_OBJECT or not _is_array(todo.plan):
        return result.body
    if result.rows != 1:
        raise ApiError(
            406,
            "PGRST116",
            "Cannot coerce the result to a single JSON object",
            f"The result contains {result.rows} rows",
        )
    return result.body.strip()[1:-1]


def _is_array(planned: Plan | None) -> bool:
    return not isinstance(planned, Call) or planned.function.returns_set
