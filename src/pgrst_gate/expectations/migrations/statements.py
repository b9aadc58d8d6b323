"""Reads SQL text: each statement by what it does to a schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pgrst_gate.expectations.migrations import (
    alterations,
    blocks,
    creations,
    drops,
    renames,
    routines,
    settings,
)
from pgrst_gate.expectations.migrations.model import Col, Name, Type
from pgrst_gate.expectations.migrations.parsing import parsed, starts
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import type_text

if TYPE_CHECKING:
    from postgast import pg_query_pb2 as pg

_HARMLESS: Final = frozenset({
    "array_agg", "array_length", "clock_timestamp", "concat", "count", "current_database",
    "current_schema", "current_setting", "currval", "date_trunc", "format", "gen_random_uuid",
    "generate_series", "jsonb_agg", "jsonb_build_object", "jsonb_object_agg", "json_agg",
    "json_build_object", "lastval", "left", "length", "lower", "max", "min", "nextval", "now",
    "pg_advisory_lock", "pg_advisory_unlock", "pg_advisory_xact_lock", "pg_get_serial_sequence",
    "pg_notify", "pg_sleep", "pg_terminate_backend", "random", "replace", "row_number",
    "set_config", "setval", "string_agg", "substring", "sum", "timezone", "to_char", "to_regclass",
    "to_timestamp", "unnest", "upper", "version",
})  # fmt: skip
"""Functions of PostgreSQL's own that migrations call, and that change no schema."""


def read(session: Session) -> None:
    """Read the session's source. Raises UsageError with line and column where it is no SQL."""
    tree = parsed(session)
    tokens = starts(session.source.text)
    for raw in tree.stmts:
        begin = raw.stmt_location
        session.here = next((start for start in tokens if start >= begin), begin)
        end = begin + raw.stmt_len if raw.stmt_len else len(session.source.text)
        before = session.model.copy() if session.doubt else None
        _statement(session, raw.stmt, session.source.text[session.here : end])
        if before is not None and before != session.model:
            session.note(session.doubt)


def _statement(session: Session, node: pg.Node, text: bytes) -> None:
    kind = node.WhichOneof("node") or ""
    statement = getattr(node, kind, None)
    if session.tolerant:
        _tolerated(session, kind, statement)
    elif kind == "do_stmt":
        with session.forgetful():
            blocks.do(session, node.do_stmt, text, read)
    elif kind in _READ:
        _READ[kind](session, statement)
    elif kind in _CLOSED:
        session.note(_CLOSED[kind])


def _tolerated(session: Session, kind: str, statement: Any) -> None:  # noqa: ANN401 - as parsed
    """Read what fails harmlessly if it is there: where that helps, as if it said IF NOT EXISTS."""
    session.tolerant = False
    if kind in {"create_stmt", "create_table_as_stmt", "create_schema_stmt"}:
        statement.if_not_exists = True
    elif kind == "alter_table_stmt" and not _is_sure_to_be_there(session, statement):
        with session.doubting(blocks.HANDLED):
            if session.perhaps(partial(_READ[kind], session, statement), lambda: None):
                session.note(session.doubt)
        return
    elif kind in {"view_stmt", "create_function_stmt", "rename_stmt", "alter_object_schema_stmt"}:
        if session.perhaps(partial(_READ[kind], session, statement), lambda: None):
            session.note(blocks.HANDLED)
        return
    if kind in _READ:
        _READ[kind](session, statement)
    elif kind in _CLOSED:
        session.note(_CLOSED[kind])


def _is_sure_to_be_there(session: Session, statement: pg.AlterTableStmt) -> bool:
    """Whether what it adds is there afterwards, be it that it was there before."""
    from postgast import pg_query_pb2 as pg

    commands = [one.alter_table_cmd for one in statement.cmds]
    if all(one.subtype == pg.AT_AddColumn for one in commands):
        for one in commands:
            one.missing_ok = True
        return True
    name = session.relation(statement.relation)
    table = session.model.table(name) if name else None
    names = {getattr(one, "def").constraint.conname for one in commands}
    return (
        table is not None
        and table.whole
        and not any(key.table == table.number and key.name in names for key in session.model.keys)
    )


def _select(session: Session, statement: pg.SelectStmt) -> None:
    from postgast import pg_query_pb2 as pg
    from postgast import walk

    found = [message for _, message in walk(statement)]
    if any(isinstance(one, pg.IntoClause) for one in found):
        creations.select_into(session, statement)
        return
    for call in found:
        if isinstance(call, pg.FuncCall):
            _call(session, call)


def _call(session: Session, call: pg.FuncCall) -> None:
    *schema, name = [one.string.sval for one in call.funcname]
    if name == "set_config" and settings.set_config(session, call):
        return
    if schema != ["pg_catalog"] and (schema or name not in _HARMLESS):
        session.dynamic(f"what the function {name} does is not read", call.location)


def _create_schema(session: Session, statement: pg.CreateSchemaStmt) -> None:
    schema = statement.schemaname or statement.authrole.rolename
    if not statement.if_not_exists:
        session.model.schemas |= {schema}
    before = session.search_path
    session.search_path = (schema, *before)
    for one in statement.schema_elts:
        _statement(session, one, b"")
    session.search_path = before


def _create_type(session: Session, names: Any, *, domain: bool = False) -> None:  # noqa: ANN401 - nodes
    *schema, called = [one.string.sval for one in names]
    if name := session.new("".join(schema[-1:]), called):
        session.model.types[name] = Type(domain=domain)


def _composite(session: Session, statement: pg.CompositeTypeStmt) -> None:
    attributes = {
        one.column_def.colname: Col(
            type_text(session, one.column_def.type_name), session.place(one.column_def.location)
        )
        for one in statement.coldeflist
    }
    name = session.new(statement.typevar.schemaname, statement.typevar.relname)
    if name is not None:
        session.model.types[name] = Type(attributes)


def _define(session: Session, statement: pg.DefineStmt) -> None:
    from postgast import pg_query_pb2 as pg

    if statement.kind == pg.OBJECT_TYPE:
        _create_type(session, statement.defnames)
    elif statement.kind == pg.OBJECT_AGGREGATE:
        routines.create_aggregate(session, statement)


def _index(session: Session, statement: pg.IndexStmt) -> None:
    """An index has a name in its table's schema."""
    table = session.relation(statement.relation)
    if table is not None and statement.idxname:
        name = Name(table.schema, statement.idxname)
        creations.put_other(session, name)


_READ: Final[Mapping[str, Callable[[Session, Any], None]]] = {
    "alter_object_schema_stmt": renames.set_schema,
    "alter_table_stmt": alterations.alter_table,
    "call_stmt": lambda session, statement: _call(session, statement.funccall),
    "composite_type_stmt": _composite,
    "create_domain_stmt": lambda session, one: _create_type(session, one.domainname, domain=True),
    "create_enum_stmt": lambda session, one: _create_type(session, one.type_name),
    "create_foreign_table_stmt": lambda session, one: creations.create_table(
        session, one.base_stmt
    ),
    "create_function_stmt": routines.create_function,
    "create_range_stmt": lambda session, one: _create_type(session, one.type_name),
    "create_schema_stmt": _create_schema,
    "create_seq_stmt": lambda session, one: creations.create_other(session, one.sequence),
    "create_stmt": creations.create_table,
    "create_table_as_stmt": creations.create_table_as,
    "define_stmt": _define,
    "discard_stmt": settings.discard,
    "execute_stmt": lambda session, _: session.dynamic("EXECUTE of a prepared statement"),
    "drop_stmt": drops.drop,
    "index_stmt": _index,
    "rename_stmt": renames.rename,
    "select_stmt": _select,
    "transaction_stmt": settings.transaction,
    "variable_set_stmt": settings.set_variable,
    "view_stmt": creations.create_view,
}
_CLOSED: Final = {
    "alter_extension_contents_stmt": "ALTER EXTENSION",
    "alter_extension_stmt": "ALTER EXTENSION may change objects",
    "create_extension_stmt": "CREATE EXTENSION may bring objects along",
    "drop_owned_stmt": "DROP OWNED",
    "import_foreign_schema_stmt": "IMPORT FOREIGN SCHEMA",
    "rule_stmt": "CREATE RULE may make a view of a table",
}
