"""Which statements of a migration fail, or act twice, when the file is run again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pgrst_gate.expectations.migrations.model import Model
from pgrst_gate.expectations.migrations.parsing import parsed, starts
from pgrst_gate.expectations.migrations.places import Place
from pgrst_gate.expectations.migrations.session import Session, Source

_GUARDED: Final = {
    "create_stmt": "CREATE TABLE",
    "create_table_as_stmt": "CREATE TABLE AS",
    "index_stmt": "CREATE INDEX",
    "create_schema_stmt": "CREATE SCHEMA",
    "create_extension_stmt": "CREATE EXTENSION",
    "create_seq_stmt": "CREATE SEQUENCE",
}
"""Those that know IF NOT EXISTS."""
_REPLACED: Final = {
    "view_stmt": "CREATE VIEW",
    "create_function_stmt": "CREATE FUNCTION",
    "create_trig_stmt": "CREATE TRIGGER",
}
"""Those that know OR REPLACE."""
_BARE: Final = {
    "create_policy_stmt": "CREATE POLICY",
    "create_enum_stmt": "CREATE TYPE",
    "composite_type_stmt": "CREATE TYPE",
    "create_range_stmt": "CREATE TYPE",
    "create_domain_stmt": "CREATE DOMAIN",
    "create_role_stmt": "CREATE ROLE",
    "create_event_trig_stmt": "CREATE EVENT TRIGGER",
    "rename_stmt": "RENAME",
}
"""Those that know neither."""
_ALONE: Final = {
    "drop_stmt": ("missing_ok", "DROP without IF EXISTS"),
    "alter_enum_stmt": (
        "skip_if_new_val_exists",
        "ALTER TYPE ... ADD VALUE without IF NOT EXISTS",
    ),
    "insert_stmt": ("on_conflict_clause", "INSERT without ON CONFLICT"),
}
"""Those that must say so themselves, and by which part."""


def once_only(path: str, text: str) -> tuple[tuple[Place, str], ...]:
    """Each such statement, and why. A DO block is not judged. Raises UsageError where it is no SQL.

    What an earlier DROP ... IF EXISTS of the file takes away may be made without a guard.
    """
    session = Session(Model(), Source(path, text.encode()))
    tree = parsed(session)
    tokens = starts(session.source.text)
    dropped: set[str] = set()
    found = []
    for raw in tree.stmts:
        begin = next((one for one in tokens if one >= raw.stmt_location), raw.stmt_location)
        kind = raw.stmt.WhichOneof("node") or ""
        statement = getattr(raw.stmt, kind, None)
        found += [(session.source.place(begin), why) for why in _why(kind, statement, dropped)]
        if kind == "drop_stmt":
            dropped |= set(_dropped(statement))
    return tuple(found)


def _why(kind: str, statement: Any, dropped: set[str]) -> Iterator[str]:  # noqa: ANN401 - as parsed
    if kind == "alter_table_stmt":
        for one in statement.cmds:
            yield from _why_command(one.alter_table_cmd, dropped)
    elif kind in _ALONE:
        flag, why = _ALONE[kind]
        if not _says(statement, flag):
            yield why
    elif _made(kind, statement) not in dropped:
        yield from _why_made(kind, statement)


def _says(statement: Any, flag: str) -> bool:  # noqa: ANN401 - as parsed
    value = getattr(statement, flag)
    return value if isinstance(value, bool) else bool(statement.HasField(flag))


def _why_made(kind: str, statement: Any) -> Iterator[str]:  # noqa: ANN401 - as parsed
    if kind in _GUARDED and not statement.if_not_exists:
        yield f"{_GUARDED[kind]} without IF NOT EXISTS"
    elif kind in _REPLACED and not statement.replace:
        yield f"{_REPLACED[kind]} without OR REPLACE"
    elif kind in _BARE:
        yield f"{_BARE[kind]} without DROP IF EXISTS before it"


def _why_command(command: Any, dropped: set[str]) -> Iterator[str]:  # noqa: ANN401 - as parsed
    from postgast import pg_query_pb2 as pg

    match command.subtype:
        case pg.AT_AddColumn if not command.missing_ok:
            yield "ADD COLUMN without IF NOT EXISTS"
        case pg.AT_DropColumn if not command.missing_ok:
            yield "DROP COLUMN without IF EXISTS"
        case pg.AT_DropConstraint if not command.missing_ok:
            yield "DROP CONSTRAINT without IF EXISTS"
        case pg.AT_DropConstraint:
            dropped.add(command.name)
        case pg.AT_AddConstraint if getattr(command, "def").constraint.conname not in dropped:
            yield "ADD CONSTRAINT without DROP CONSTRAINT IF EXISTS before it"
        case _:
            pass


def _made(kind: str, statement: Any) -> str:  # noqa: ANN401 - as parsed
    """The last part of the name of what a statement makes; empty where it is not needed."""
    match kind:
        case "create_stmt":
            return str(statement.relation.relname)
        case "view_stmt":
            return str(statement.view.relname)
        case "index_stmt":
            return str(statement.idxname)
        case "create_policy_stmt":
            return str(statement.policy_name)
        case "create_trig_stmt" | "create_event_trig_stmt":
            return str(statement.trigname)
        case "create_function_stmt":
            return str(statement.funcname[-1].string.sval)
        case "create_enum_stmt" | "create_range_stmt":
            return str(statement.type_name[-1].string.sval)
        case "composite_type_stmt":
            return str(statement.typevar.relname)
        case "create_domain_stmt":
            return str(statement.domainname[-1].string.sval)
        case _:
            return ""


def _dropped(statement: Any) -> Iterator[str]:  # noqa: ANN401 - as parsed
    """The last part of the names of what a DROP takes away."""
    for one in statement.objects:
        match one.WhichOneof("node"):
            case "list":
                yield one.list.items[-1].string.sval
            case "object_with_args":
                yield one.object_with_args.objname[-1].string.sval
            case "type_name":
                yield one.type_name.names[-1].string.sval
            case "string":
                yield one.string.sval
            case _:
                pass
