"""Turn a plan into one statement. It returns one row: number of rows, their JSON, total or null."""

# ruff: noqa: S608 - to build SQL from strings is what this module is for

from dataclasses import replace
from typing import Final

from pgrst_sandbox.connection import Statement
from pgrst_sandbox.plan import Call, Read, Write
from pgrst_sandbox.query_string import Query
from pgrst_sandbox.request import Body, Request
from pgrst_sandbox.schema_cache import Function
from pgrst_sandbox.selection import Parameters, page, quoted, quoted_name, rows, where

_SOURCE: Final = "pgrst_source"
_ARRAY: Final = "coalesce(json_agg(pgrst_rows), '[]')"


def read_statement(read: Read, request: Request) -> Statement:
    """Read rows; their total number only where a count is preferred."""
    parameters = Parameters()
    table = quoted_name(read.relation)
    text = rows(parameters, read, table, table) + page(request.query, table)
    total = "null"
    if request.preferences.count:
        total = f"(SELECT count(*) FROM {table}{where(parameters, read.filters, table)})"
    text = f"SELECT count(*), {_ARRAY}, {total} FROM ({text}) AS pgrst_rows"
    return Statement(text.encode(), tuple(parameters.values), prepared=True)


def write_statement(write: Write, request: Request) -> Statement:
    """Insert, update or delete, and return the rows written if they were asked for."""
    parameters = Parameters()
    table = quoted_name(write.relation)
    wanted = request.preferences.returns == "representation"
    returning = f"{table}.*" if wanted else "1"
    match request.method:
        case "POST":
            change = f"{_insert(parameters, table, write, request.body)} RETURNING {returning}"
        case "PATCH" if not write.columns:
            change = f"SELECT {returning} FROM {table} WHERE false"
        case "PATCH":
            change = f"{_update(parameters, table, write, request)} RETURNING {returning}"
        case _:
            which = _which(parameters, table, write, request.query)
            change = f"DELETE FROM {table}{which} RETURNING {returning}"
    result = f"SELECT count(*), '[]', null FROM {_SOURCE}"
    if wanted:
        written = rows(parameters, replace(write.returning, filters=()), _SOURCE, _SOURCE)
        result = f"SELECT count(*), {_ARRAY}, null FROM ({written}) AS pgrst_rows"
    text = f"WITH {_SOURCE} AS ({change}) {result}"
    return Statement(text.encode(), tuple(parameters.values))


def call_statement(call: Call, request: Request) -> Statement:
    """Call a function: materialized, so that it runs even if nobody looks at its result."""
    parameters = Parameters()
    function = call.function
    source, invoked = _invocation(parameters, call, request)
    lateral = f"{source}, LATERAL {invoked}" if source else invoked
    selected, result = f"SELECT value FROM {_SOURCE}", "pgrst_rows.value"
    if function.returns_composite:
        produced = f"SELECT pgrst_call.* FROM {lateral} AS pgrst_call"
        selected = rows(parameters, call.returning, _SOURCE, _SOURCE) + page(request.query, _SOURCE)
        result = "pgrst_rows"
    elif function.returns_set:
        produced = f"SELECT pgrst_call AS value FROM {lateral} AS pgrst_call"
    else:
        produced = f"SELECT {invoked} AS value{f' FROM {source}' if source else ''}"
    body = f"coalesce(json_agg({result})->0, 'null')"
    if function.returns_void:
        body = "'null'"
    elif function.returns_set:
        body = f"coalesce(json_agg({result}), '[]')"
    text = (
        f"WITH {_SOURCE} AS MATERIALIZED ({produced})"
        f" SELECT count(*), {body}, null FROM ({selected}) AS pgrst_rows"
    )
    return Statement(text.encode(), tuple(parameters.values))


def _record(
    parameters: Parameters, table: str, write: Write, body: Body | None, *, many: bool
) -> str:
    """A FROM item `_` with the columns of the body."""
    text = body.text if body is not None else b"{}"
    if many and not (body and body.is_array):
        text = b"[" + text + b"]"
    json = f"{parameters.add(text)}::json"
    suffix = "set" if many else ""
    if write.types is None:
        return f"json_populate_record{suffix}(null::{table}, {json}) AS _"
    typed = zip(write.columns, write.types, strict=True)
    types = ", ".join(f"{quoted(column)} {type_}" for column, type_ in typed)
    return f"json_to_record{suffix}({json}) AS _ ({types})"


def _insert(parameters: Parameters, table: str, write: Write, body: Body | None) -> str:
    if not write.columns:
        if body is not None and body.text.strip() in {b"[]", b""}:
            return f"INSERT INTO {table} SELECT null WHERE false"
        return f"INSERT INTO {table} DEFAULT VALUES"
    names = ", ".join(map(quoted, write.columns))
    values = ", ".join(f"_.{quoted(column)}" for column in write.columns)
    source = _record(parameters, table, write, body, many=True)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {source}"


def _update(parameters: Parameters, table: str, write: Write, request: Request) -> str:
    source = _record(parameters, table, write, request.body, many=False)
    columns = [quoted(column) for column in write.columns]
    which = _which(parameters, table, write, request.query)
    if write.limited:
        settings = ", ".join(f"{column} = (SELECT {column} FROM {source})" for column in columns)
        return f"UPDATE {table} SET {settings}{which}"
    settings = ", ".join(f"{column} = _.{column}" for column in columns)
    return f"UPDATE {table} SET {settings} FROM {source}{which}"


def _which(parameters: Parameters, table: str, write: Write, query: Query) -> str:
    """The WHERE of rows to be written."""
    condition = where(parameters, write.returning.filters, table)
    if not write.limited:
        return condition
    chosen = f"SELECT tableoid, ctid FROM {table}{condition}{page(query, table)}"
    return f" WHERE ({table}.tableoid, {table}.ctid) IN ({chosen})"


def _invocation(parameters: Parameters, call: Call, request: Request) -> tuple[str, str]:
    """The FROM item that the arguments come from, if any, and the call."""
    function, body = call.function, request.body
    name = quoted_name(function.name)
    if function.sole_unnamed_type is not None and body is not None:
        return "", f"{name}({parameters.add(body.text)}::{function.sole_unnamed_type})"
    used = [parameter for parameter in function.parameters if parameter.name in call.arguments]
    if not used:
        return "", f"{name}()"
    if body is None:
        return "", f"{name}({_from_query(parameters, function, request.query)})"
    types = ", ".join(f"{quoted(parameter.name)} {parameter.type}" for parameter in used)
    text = body.text if body.is_array else b"[" + body.text + b"]"
    record = f"json_to_recordset({parameters.add(text)}::json) AS _ ({types})"
    source, before, after = f"(SELECT * FROM {record} LIMIT 1) AS pgrst_body", "pgrst_body.", ""
    if call.nulls_for_no_rows:
        source, before, after = "", "(SELECT ", f" FROM {record} LIMIT 1)"
    passed = ", ".join(
        f"{'VARIADIC ' if parameter.variadic else ''}{quoted(parameter.name)}"
        f" := {before}{quoted(parameter.name)}{after}"
        for parameter in used
    )
    return source, f"{name}({passed})"


def _from_query(parameters: Parameters, function: Function, query: Query) -> str:
    types = {parameter.name: parameter for parameter in function.parameters}
    given: dict[str, list[str]] = {}
    for name, value in query.arguments:
        given.setdefault(name, []).append(value)
    passed: list[str] = []
    for name, values in given.items():
        parameter = types[name]
        if parameter.variadic and not values[-1].startswith("{"):
            value = f"ARRAY[{', '.join(map(parameters.add, values))}]"
        else:
            value = parameters.add(values[-1])
        variadic = "VARIADIC " if parameter.variadic else ""
        passed.append(f"{variadic}{quoted(name)} := {value}::{parameter.type}")
    return ", ".join(passed)
