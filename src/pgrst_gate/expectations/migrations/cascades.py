"""DROP, and what goes along: by itself, or by CASCADE as far as it was read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pgrst_gate.expectations.migrations import keys
from pgrst_gate.expectations.migrations.model import Gone, Name, Routine, Signature, Table
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import qualified
from pgrst_gate.schema import Function, Relation

WHY: Final = "CASCADE: what else it drops is not known"


def drop_relation(session: Session, name: Name, *, cascade: bool = False) -> None:
    """Let a relation be gone, with its partitions and foreign keys."""
    table = session.model.table(name)
    session.model.relations[name] = Gone(session.place(), Relation(name.schema, name.name))
    if table is None:
        return
    keys.cut(session, lambda key: table.number in {key.table, key.target})
    for child, known in list(session.model.children(table.number)):
        if known.kind == "partition" or cascade:
            drop_relation(session, child, cascade=cascade)
    if cascade:
        _drop_views(session, table)
        of_type(session, qualified(name))


def of_column(session: Session, name: Name, column: str) -> None:
    """CASCADE of a column: views that name it, and columns generated from it."""
    _forget_atomic(session)
    table = session.standing(name)
    for other in [key for key, one in table.columns.items() if column in one.uses]:
        now = session.standing(name)
        columns = {key: kept for key, kept in now.columns.items() if key != other}
        session.change(name, columns=columns, lost={**now.lost, other: session.place()})
        of_column(session, name, other)
    for called, view in session.model.tables():
        named = view.mentions
        if named and table.number in named.relations and (named.star or column in named.columns):
            forget(session, called)


def of_function(session: Session, name: str) -> None:
    """CASCADE of a function: views and generated columns that name one that is called so."""
    _forget_atomic(session)
    for called, table in session.model.tables():
        if table.mentions and name in table.mentions.functions:
            forget(session, called)
        elif any(name in one.uses for one in table.columns.values()):
            kept = {key: one for key, one in table.columns.items() if name not in one.uses}
            session.change(called, columns=kept, whole=False)


def of_type(session: Session, text: str) -> None:
    """CASCADE of a type: columns and functions of it go, and views that name it may."""
    _forget_atomic(session)
    for name, table in session.model.tables():
        if table.mentions and text in table.mentions.types:
            forget(session, name)
            continue
        gone = [column for column, one in table.columns.items() if _base(one.type) == text]
        for column in gone:
            now = session.standing(name)
            columns = {key: one for key, one in now.columns.items() if key != column}
            session.change(name, columns=columns, lost={**now.lost, column: session.place()})
            of_column(session, name, column)
    for (name, signature), routine in list(session.model.routines.items()):
        if isinstance(routine, Routine) and text in {
            *map(_base, signature),
            _base(routine.returns),
        }:
            drop_routine(session, name, signature)


def of_extension(session: Session) -> None:
    """CASCADE of an extension: nothing is sure of what may have used it."""
    _forget_atomic(session)
    for name, table in session.model.tables():
        unsure = {key for key, one in table.columns.items() if not _is_sure(session, one.type)}
        named = table.mentions
        if named and (unsure or named.functions or not _all_sure(session, named.types)):
            forget(session, name)
        elif unsure and not named:
            kept = {key: one for key, one in table.columns.items() if key not in unsure}
            session.change(name, columns=kept, whole=False)
            for column in unsure:
                of_column(session, name, column)
    for (name, signature), routine in list(session.model.routines.items()):
        if isinstance(routine, Routine) and not _all_sure(session, (*signature, routine.returns)):
            del session.model.routines[name, signature]


def _all_sure(session: Session, types: Iterable[str]) -> bool:
    return all(_is_sure(session, one) for one in types)


def drop_routine(session: Session, name: Name, signature: Signature) -> None:
    """Let a routine be gone."""
    known = session.model.routines.get((name, signature))
    item = (
        Function(name.schema, name.name, known.arguments)
        if isinstance(known, Routine) and known.callable
        else None
    )
    session.model.routines[name, signature] = Gone(session.place(), item)


def forget(session: Session, name: Name) -> None:
    """Let it be unknown whether a relation is there, and all that reads it."""
    table = session.model.table(name)
    session.model.relations.pop(name, None)
    if table is None:
        return
    keys.forget(session, lambda key: table.number in {key.table, key.target})
    for called, view in session.model.tables():
        if view.mentions and table.number in view.mentions.relations:
            forget(session, called)


def _drop_views(session: Session, table: Table) -> None:
    _forget_atomic(session)
    for called, view in session.model.tables():
        if view.mentions and table.number in view.mentions.relations:
            drop_relation(session, called, cascade=True)


def _forget_atomic(session: Session) -> None:
    for key, routine in list(session.model.routines.items()):
        if isinstance(routine, Routine) and routine.atomic:
            del session.model.routines[key]


def _base(text: str) -> str:
    return text.removeprefix("setof ").removesuffix("[]")


def _is_sure(session: Session, text: str) -> bool:
    """A type that no extension can take away: PostgreSQL's own, or one that was read."""
    base = _base(text)
    if "." not in base and not base.startswith("?"):
        return bool(base)
    return base in {qualified(name) for name in (*session.model.types, *session.model.relations)}
