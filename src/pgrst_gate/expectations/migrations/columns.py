"""Columns that come, go and change their names, in a table and in all that inherit from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pgrst_gate.expectations.migrations import keys
from pgrst_gate.expectations.migrations.model import Col, Name
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.schema import Column, Relation


def add_column(session: Session, name: Name, column: str, found: Col) -> None:
    """Let a column be known that was not there before, in the table and all that inherit."""
    relation = Relation(name.schema, name.name)
    table = session.standing(name)
    if column not in table.columns and column not in table.lost:
        session.model.appeared |= {Column(relation, column)}
    set_column(session, name, column, found)
    for child, known in session.model.children(table.number):
        if column not in known.columns:
            add_column(session, child, column, replace(found, local=False))


def set_column(session: Session, name: Name, column: str, found: Col) -> None:
    """Let a column of one table be as found."""
    table = session.standing(name)
    lost = {key: place for key, place in table.lost.items() if key != column}
    session.change(name, columns={**table.columns, column: found}, lost=lost)


def drop_column(session: Session, name: Name, column: str) -> None:
    """Let a column be gone, with the foreign keys that use it."""
    table = session.standing(name)
    columns = {key: one for key, one in table.columns.items() if key != column}
    session.change(name, columns=columns, lost={**table.lost, column: session.place()})
    keys.cut(
        session,
        lambda key: (
            (key.table == table.number and column in key.columns)
            or (key.target == table.number and column in key.target_columns)
        ),
    )


def heirs(session: Session, name: Name, column: str) -> Iterator[Name]:
    """The tables that have this column only because the table has it."""
    number = session.standing(name).number
    for child, known in session.model.children(number):
        others = [
            table for _, table in session.model.tables()
            if table.number in known.parents - {number} and column in table.columns
        ]  # fmt: skip
        if column in known.columns and not known.columns[column].local and not others:
            yield child
            yield from heirs(session, child, column)


def descendants(session: Session, name: Name) -> Iterator[Name]:
    """All tables that inherit from the table, at any depth."""
    for child, _ in session.model.children(session.standing(name).number):
        yield child
        yield from descendants(session, child)


def rename_column(session: Session, name: Name, old: str, new: str) -> None:
    """Let a column be known by another name, in the table and all that inherit it."""
    table = session.standing(name)
    for child in [
        one for one, known in session.model.children(table.number) if old in known.columns
    ]:
        rename_column(session, child, old, new)
    place = session.place()
    # Of a table that is not wholly known, the column may have any type.
    moved = replace(table.columns.get(old, Col("", place)), place=place)
    columns = {new if key == old else key: one for key, one in table.columns.items()}
    lost = {key: one for key, one in table.lost.items() if key != new}
    if old not in table.columns:
        relation = Relation(name.schema, name.name)
        session.model.appeared |= {Column(relation, new)}
        session.model.stood |= {Column(relation, old)}
    session.change(name, columns={**columns, new: moved}, lost={**lost, old: place})
    keys.rename_column(session, table.number, old, new)
