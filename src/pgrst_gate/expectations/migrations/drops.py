"""DROP statements."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from pgrst_gate.expectations.migrations import cascades, routines
from pgrst_gate.expectations.migrations.model import Gone
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import qualified

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import DropStmt, Node


def drop(session: Session, statement: DropStmt) -> None:
    """Read the drop of whatever shows in an API, or takes along what does."""
    from postgast import pg_query_pb2 as pg

    cascade = statement.behavior == pg.DROP_CASCADE
    with session.forgetful() if cascade else nullcontext():
        _drop(session, statement, cascade=cascade)
    if cascade and statement.remove_type not in {pg.OBJECT_TRIGGER, pg.OBJECT_POLICY}:
        session.note(cascades.WHY)


def _drop(session: Session, statement: DropStmt, *, cascade: bool) -> None:
    from postgast import pg_query_pb2 as pg

    for one in statement.objects:
        match statement.remove_type:
            case (
                pg.OBJECT_TABLE
                | pg.OBJECT_VIEW
                | pg.OBJECT_MATVIEW
                | pg.OBJECT_FOREIGN_TABLE
                | pg.OBJECT_SEQUENCE
                | pg.OBJECT_INDEX
            ):
                _relation(session, one, cascade=cascade)
            case pg.OBJECT_FUNCTION | pg.OBJECT_ROUTINE | pg.OBJECT_PROCEDURE | pg.OBJECT_AGGREGATE:
                _routine(session, one, cascade=cascade, missing_ok=statement.missing_ok)
            case pg.OBJECT_TYPE | pg.OBJECT_DOMAIN:
                _type(session, one, cascade=cascade)
            case pg.OBJECT_SCHEMA:
                _schema(session, one.string.sval, cascade=cascade)
            case pg.OBJECT_EXTENSION:
                _extension(session, cascade=cascade)
            case _:
                pass


def _routine(session: Session, written: Node, *, cascade: bool, missing_ok: bool) -> None:
    named = written.object_with_args
    routines.drop(session, named, missing_ok=missing_ok)
    if cascade:
        cascades.of_function(session, named.objname[-1].string.sval)


def _extension(session: Session, *, cascade: bool) -> None:
    session.note("DROP EXTENSION takes its objects along")
    if cascade:
        cascades.of_extension(session)


def _relation(session: Session, written: Node, *, cascade: bool) -> None:
    *schema, relation = [one.string.sval for one in written.list.items]
    name = session.found("".join(schema[-1:]), relation, session.model.relations)
    if name is not None:
        cascades.drop_relation(session, name, cascade=cascade)


def _type(session: Session, written: Node, *, cascade: bool) -> None:
    *schema, called = [one.string.sval for one in written.type_name.names]
    name = session.found("".join(schema[-1:]), called, session.model.types)
    if name is None:
        return
    session.model.types[name] = Gone(session.place())
    if cascade:
        cascades.of_type(session, qualified(name))


def _schema(session: Session, schema: str, *, cascade: bool) -> None:
    """Without CASCADE nothing is in it, and no more is known than that."""
    session.model.schemas -= {schema}
    if not cascade:
        return
    inside = [name for name, _ in session.model.tables() if name.schema == schema]
    for name in inside:
        cascades.drop_relation(session, name, cascade=True)
    for name, signature in list(session.model.routines):
        if name.schema == schema:
            cascades.drop_routine(session, name, signature)
            cascades.of_function(session, name.name)
    for name in [one for one in session.model.types if one.schema == schema]:
        session.model.types[name] = Gone(session.place())
        cascades.of_type(session, qualified(name))
