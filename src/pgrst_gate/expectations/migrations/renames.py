"""ALTER ... RENAME and ALTER ... SET SCHEMA: the same things by other names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pgrst_gate.expectations.migrations import keys, routines
from pgrst_gate.expectations.migrations.alterations import IF_EXISTS, rename_attribute
from pgrst_gate.expectations.migrations.columns import rename_column
from pgrst_gate.expectations.migrations.model import Gone, Name, Routine, Table
from pgrst_gate.expectations.migrations.places import Place
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import qualified
from pgrst_gate.schema import Argument, Function, Relation

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import (
        AlterObjectSchemaStmt,
        Node,
        ObjectWithArgs,
        RangeVar,
        RenameStmt,
    )


def rename(session: Session, statement: RenameStmt) -> None:
    """Read ALTER ... RENAME."""
    from postgast import pg_query_pb2 as pg

    def renamed(name: Name) -> Name:
        return name.renamed(statement.newname)

    match statement.rename_type:
        case pg.OBJECT_TABLE | pg.OBJECT_VIEW | pg.OBJECT_MATVIEW | pg.OBJECT_FOREIGN_TABLE:
            _relation(session, statement, renamed)
        case pg.OBJECT_INDEX | pg.OBJECT_SEQUENCE:
            _other(session, statement.relation, renamed)
        case pg.OBJECT_COLUMN:
            _column(session, statement)
        case pg.OBJECT_TABCONSTRAINT:
            _constraint(session, statement)
        case pg.OBJECT_FUNCTION | pg.OBJECT_ROUTINE | pg.OBJECT_PROCEDURE | pg.OBJECT_AGGREGATE:
            _routine(session, statement.object.object_with_args, renamed)
        case pg.OBJECT_TYPE | pg.OBJECT_DOMAIN:
            _type(session, statement.object, renamed)
        case pg.OBJECT_ATTRIBUTE:
            _attribute(session, statement)
        case pg.OBJECT_SCHEMA:
            _schema(session, statement.subname, statement.newname)
        case _:
            pass


def set_schema(session: Session, statement: AlterObjectSchemaStmt) -> None:
    """Read ALTER ... SET SCHEMA."""
    from postgast import pg_query_pb2 as pg

    def moved(name: Name) -> Name:
        return replace(name, schema=statement.newschema)

    match statement.object_type:
        case pg.OBJECT_TABLE | pg.OBJECT_VIEW | pg.OBJECT_MATVIEW | pg.OBJECT_FOREIGN_TABLE:
            _relation(session, statement, moved)
        case pg.OBJECT_FUNCTION | pg.OBJECT_ROUTINE | pg.OBJECT_PROCEDURE | pg.OBJECT_AGGREGATE:
            _routine(session, statement.object.object_with_args, moved)
        case pg.OBJECT_TYPE | pg.OBJECT_DOMAIN:
            _type(session, statement.object, moved)
        case pg.OBJECT_EXTENSION:
            session.note("an extension's objects move to another schema")
        case _:
            pass


def _relation(
    session: Session, statement: RenameStmt | AlterObjectSchemaStmt, move: Callable[[Name], Name]
) -> None:
    old = session.relation(statement.relation)
    if old is None:
        return
    known = session.model.relations.get(old)
    if isinstance(known, Table) or (known is None and _is_of_view(statement)):
        _move(session, old, move(old))
    elif known is None:
        # ALTER TABLE renames indexes and sequences too, those that nobody named as well.
        session.note(IF_EXISTS if statement.missing_ok else f"what {old.name} is was not read")
        session.model.relations[old] = Gone(session.place(), Relation(old.schema, old.name))
        session.model.relations.pop(move(old), None)


def _other(session: Session, written: RangeVar, move: Callable[[Name], Name]) -> None:
    name = session.relation(written)
    if name is not None and session.model.table(name):
        _move(session, name, move(name))


def _constraint(session: Session, statement: RenameStmt) -> None:
    if name := session.relation(statement.relation):
        keys.rename(session, name, statement.subname, statement.newname)


def _is_of_view(statement: RenameStmt | AlterObjectSchemaStmt) -> bool:
    """Whether the statement fails for anything but a view or a foreign table."""
    from postgast import pg_query_pb2 as pg

    views = {pg.OBJECT_VIEW, pg.OBJECT_MATVIEW, pg.OBJECT_FOREIGN_TABLE}
    is_rename = isinstance(statement, pg.RenameStmt)
    kind = statement.rename_type if is_rename else statement.object_type
    return kind in views and not statement.missing_ok


def _move(session: Session, old: Name, new: Name) -> None:
    table = session.standing(old)
    place = session.place()
    if table.kind == "relation" and not table.whole:
        session.note(f"the columns of {old.name} are not all known")
    if table.kind == "relation" and new not in session.model.relations:
        session.model.appeared |= {Relation(new.schema, new.name)}
    session.model.relations[old] = Gone(place, Relation(old.schema, old.name))
    session.put(new, replace(table, place=place, lost={}))
    _retype(session, old, new)


def _column(session: Session, statement: RenameStmt) -> None:
    from postgast import pg_query_pb2 as pg

    if statement.relation_type not in {
        pg.OBJECT_TABLE, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW, pg.OBJECT_FOREIGN_TABLE
    }:  # fmt: skip
        return
    name = session.relation(statement.relation)
    if name is None:
        return
    if statement.missing_ok and session.model.table(name) is None:
        session.perhaps(
            lambda: rename_column(session, name, statement.subname, statement.newname),
            lambda: None,
        )
        session.note(IF_EXISTS)
    else:
        rename_column(session, name, statement.subname, statement.newname)


def _attribute(session: Session, statement: RenameStmt) -> None:
    written = statement.relation
    name = session.found(written.schemaname, written.relname, session.model.types)
    if name is not None:
        rename_attribute(session, name, statement.subname, statement.newname)


def _routine(session: Session, written: ObjectWithArgs, move: Callable[[Name], Name]) -> None:
    found = routines.named(session, written)
    if found is None:
        return
    name, signature = found
    routine = session.model.routines[name, signature]
    if isinstance(routine, Routine):
        _move_routine(session, (name, signature), (move(name), signature), routine)


def _move_routine(
    session: Session,
    old: tuple[Name, tuple[str, ...]],
    new: tuple[Name, tuple[str, ...]],
    routine: Routine,
) -> None:
    place = session.place()
    name = old[0]
    item = Function(name.schema, name.name, routine.arguments) if routine.callable else None
    session.model.routines[old] = Gone(place, item)
    session.model.routines[new] = replace(routine, place=place)


def _type(session: Session, written: Node, move: Callable[[Name], Name]) -> None:
    *schema, called = [one.string.sval for one in written.list.items]
    old = session.found("".join(schema[-1:]), called, session.model.types)
    if old is None:
        return
    if known := session.model.types.get(old):
        session.model.types[old], session.model.types[move(old)] = Gone(session.place()), known
    session.note(f"what was not read may be of the type {called}")
    _retype(session, old, move(old))


def _retype(session: Session, old: Name, new: Name) -> None:
    """Let what has a type go on having it by its new name."""
    before, after, place = qualified(old), qualified(new), session.place()

    def renamed(text: str) -> str:
        return {before: after, f"{before}[]": f"{after}[]"}.get(text, text)

    for name, table in session.model.tables():
        columns = {
            key: one
            if renamed(one.type) == one.type
            else replace(one, type=renamed(one.type), place=place)
            for key, one in table.columns.items()
        }
        if columns != table.columns:
            session.change(name, columns=columns)
    for (name, signature), routine in list(session.model.routines.items()):
        if isinstance(routine, Routine):
            _retype_routine(session, name, signature, routine, renamed, place)


def _retype_routine(
    session: Session,
    name: Name,
    signature: tuple[str, ...],
    routine: Routine,
    renamed: Callable[[str], str],
    place: Place,
) -> None:
    arguments = tuple(Argument(one.name, renamed(one.type)) for one in routine.arguments)
    returns = renamed(routine.returns)
    if (arguments, returns) == (routine.arguments, routine.returns):
        return
    del session.model.routines[name, signature]
    changed = replace(routine, arguments=arguments, returns=returns, place=place)
    session.model.routines[name, tuple(map(renamed, signature))] = changed


def _schema(session: Session, old: str, new: str) -> None:
    """All that is in the schema goes along, known or not."""
    if old not in session.model.schemas:
        session.note(f"what else is in schema {old} is not known")
    session.model.schemas = frozenset(new if one == old else one for one in session.model.schemas)
    for name, _ in session.model.tables():
        if name.schema == old:
            _move(session, name, replace(name, schema=new))
    for (name, signature), routine in list(session.model.routines.items()):
        if name.schema == old and isinstance(routine, Routine):
            moved = replace(name, schema=new)
            _move_routine(session, (name, signature), (moved, signature), routine)
    for name in [one for one in session.model.types if one.schema == old]:
        moved = replace(name, schema=new)
        session.model.types[moved] = session.model.types.pop(name)
        _retype(session, name, moved)
