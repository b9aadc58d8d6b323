"""ALTER TABLE, VIEW, FOREIGN TABLE and TYPE: what becomes of columns, parents and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgrst_gate.expectations.migrations import cascades, columns, keys
from pgrst_gate.expectations.migrations.creations import column_of
from pgrst_gate.expectations.migrations.model import Col, Name, Type
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import type_text

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import AlterTableCmd, AlterTableStmt

IF_EXISTS = "IF EXISTS: whether it was there is not known"


def alter_table(session: Session, statement: AlterTableStmt) -> None:
    """Read each command of the statement, in their order."""
    from postgast import pg_query_pb2 as pg

    if statement.objtype == pg.OBJECT_TYPE:
        _alter_type(session, statement)
        return
    if statement.objtype not in {
        pg.OBJECT_TABLE,
        pg.OBJECT_VIEW,
        pg.OBJECT_MATVIEW,
        pg.OBJECT_FOREIGN_TABLE,
    }:
        return
    name = session.relation(statement.relation)
    if name is None:
        return

    def alter() -> None:
        for one in statement.cmds:
            _command(session, name, one.alter_table_cmd, only=not statement.relation.inh)

    if statement.missing_ok and session.model.table(name) is None:
        session.perhaps(alter, lambda: None)
        session.note(IF_EXISTS)
    else:
        session.standing(name)
        alter()


def _command(session: Session, name: Name, command: AlterTableCmd, *, only: bool) -> None:
    from postgast import pg_query_pb2 as pg

    match command.subtype:
        case pg.AT_AddColumn:
            _add_column(session, name, command)
        case pg.AT_DropColumn:
            _drop_column(session, name, command, only=only)
        case pg.AT_AlterColumnType:
            kind = type_text(session, getattr(command, "def").column_def.type_name)
            place = session.place(getattr(command, "def").column_def.location)
            for one in (name, *columns.heirs(session, name, command.name)):
                columns.set_column(session, one, command.name, Col(kind, place))
        case pg.AT_AddConstraint:
            keys.add(session, name, getattr(command, "def").constraint)
        case pg.AT_DropConstraint:
            _drop_constraint(session, name, command)
        case pg.AT_AddInherit | pg.AT_AttachPartition:
            _adopt(session, name, command)
        case pg.AT_DropInherit | pg.AT_DetachPartition:
            _release(session, name, command)
        case pg.AT_AddOf:
            session.note("ALTER TABLE ... OF")
        case _:
            pass


def _add_column(session: Session, name: Name, command: AlterTableCmd) -> None:
    written = getattr(command, "def").column_def
    table = session.standing(name)
    if command.missing_ok and written.colname in table.columns:
        return
    found = column_of(session, written)
    if command.missing_ok and not table.whole and written.colname not in table.lost:
        session.note(
            "IF NOT EXISTS: it may have been there, with another type or key", written.location
        )
        for one in (name, *columns.descendants(session, name)):
            columns.set_column(session, one, written.colname, replace(found, type=""))
        return
    columns.add_column(session, name, written.colname, found)
    keys.of_column(session, name, written)


def _drop_column(session: Session, name: Name, command: AlterTableCmd, *, only: bool) -> None:
    from postgast import pg_query_pb2 as pg

    known = session.model.table(name)
    if command.missing_ok and known and known.whole and command.name not in known.columns:
        return
    heirs = list(columns.heirs(session, name, command.name))
    for one in (name, *([] if only else heirs)):
        columns.drop_column(session, one, command.name)
    for one in heirs if only else []:
        column = session.standing(one).columns[command.name]
        columns.set_column(session, one, command.name, replace(column, local=True))
    if command.behavior == pg.DROP_CASCADE:
        session.note(cascades.WHY)
        with session.forgetful():
            cascades.of_column(session, name, command.name)


def _drop_constraint(session: Session, name: Name, command: AlterTableCmd) -> None:
    from postgast import pg_query_pb2 as pg

    table = session.standing(name)
    if not keys.drop(session, name, command.name) and not table.whole:
        session.note(f"constraint {command.name} was not read: it may be a foreign key")
    if command.behavior == pg.DROP_CASCADE:
        session.note(cascades.WHY)
        keys.forget(session, lambda key: key.target == table.number)


def _adopt(session: Session, name: Name, command: AlterTableCmd) -> None:
    """INHERIT, said of the child, and ATTACH PARTITION, said of the parent."""
    from postgast import pg_query_pb2 as pg

    is_partition = command.subtype == pg.AT_AttachPartition
    written = getattr(command, "def")
    relation = written.partition_cmd.name if is_partition else written.range_var
    other = session.relation(relation)
    if other is None:
        return
    child, parent = (other, name) if is_partition else (name, other)
    known = session.standing(child)
    session.change(child, parents=known.parents | {session.standing(parent).number})
    if is_partition:
        columns = {key: replace(one, local=False) for key, one in known.columns.items()}
        session.change(child, kind="partition", place=session.place(), columns=columns)


def _release(session: Session, name: Name, command: AlterTableCmd) -> None:
    """NO INHERIT and DETACH PARTITION."""
    from postgast import pg_query_pb2 as pg

    is_partition = command.subtype == pg.AT_DetachPartition
    written = getattr(command, "def")
    relation = written.partition_cmd.name if is_partition else written.range_var
    other = session.relation(relation)
    if other is None:
        return
    child, parent = (other, name) if is_partition else (name, other)
    known = session.standing(child)
    columns = {key: replace(one, local=True) for key, one in known.columns.items()}
    rest = known.parents - {session.standing(parent).number}
    session.change(child, parents=rest, columns=columns)
    if is_partition:
        session.change(child, kind="relation", place=session.place())
        keys.copy(session, session.standing(parent).number, known.number)
        if not known.whole:
            session.note(f"the columns of {child.name} are not known")


def _alter_type(session: Session, statement: AlterTableStmt) -> None:
    """ALTER TYPE of a composite type; the tables of that type follow."""
    from postgast import pg_query_pb2 as pg

    written = statement.relation
    name = session.found(written.schemaname, written.relname, session.model.types)
    if name is None:
        return
    for command in (one.alter_table_cmd for one in statement.cmds):
        attribute = getattr(command, "def").column_def
        match command.subtype:
            case pg.AT_AddColumn:
                set_attribute(session, name, attribute.colname, column_of(session, attribute))
            case pg.AT_DropColumn:
                set_attribute(session, name, command.name, None)
            case pg.AT_AlterColumnType:
                set_attribute(session, name, command.name, column_of(session, attribute))
            case _:
                pass


def set_attribute(session: Session, name: Name, attribute: str, found: Col | None) -> None:
    """Let a composite type have an attribute, or have it no more."""
    known = session.model.types.get(name)
    if isinstance(known, Type) and known.attributes is not None:
        rest = {key: one for key, one in known.attributes.items() if key != attribute}
        session.model.types[name] = Type(rest if found is None else {**rest, attribute: found})
    for called, table in session.model.tables():
        if table.of == name and found is None:
            columns.drop_column(session, called, attribute)
        elif table.of == name and found is not None:
            columns.add_column(session, called, attribute, found)


def rename_attribute(session: Session, name: Name, old: str, new: str) -> None:
    """Let an attribute of a composite type be known by another name."""
    known = session.model.types.get(name)
    attributes = known.attributes if isinstance(known, Type) else None
    for called, table in session.model.tables():
        if table.of == name:
            columns.rename_column(session, called, old, new)
    if attributes is not None:
        renamed = {new if key == old else key: one for key, one in attributes.items()}
        session.model.types[name] = Type(renamed)
