"""Foreign keys: what makes relations embeddable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, count
from typing import TYPE_CHECKING, Final

from pgrst_gate.expectations.migrations.model import ForeignKey, Name
from pgrst_gate.expectations.migrations.session import Session

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import ColumnDef, Constraint, Node

_LONGEST_NAME: Final = 63
"""NAMEDATALEN - 1, in bytes."""


def of_element(session: Session, table: Name, element: Node) -> None:
    """Read the foreign keys of a part of CREATE TABLE, if it has any."""
    of_column(session, table, element.column_def)
    if element.HasField("constraint"):
        add(session, table, element.constraint)


def of_column(session: Session, table: Name, column: ColumnDef) -> None:
    """Read the foreign keys that stand beside a column."""
    for one in column.constraints:
        add(session, table, one.constraint, column.colname)


def add(session: Session, table: Name, constraint: Constraint, *column: str) -> None:
    """Let a constraint be known, if it is a foreign key."""
    if not constraint.HasField("pktable"):
        return
    target = session.relation(constraint.pktable)
    if target is None:
        return
    columns = column or tuple(one.string.sval for one in constraint.fk_attrs)
    key = ForeignKey(
        constraint.conname or _default_name(session, table, columns),
        session.standing(table).number,
        session.standing(target).number,
        columns,
        tuple(one.string.sval for one in constraint.pk_attrs),
        session.place(constraint.location),
    )
    session.model.keys |= {key}


def drop(session: Session, table: Name, name: str) -> bool:
    """Let the constraint of that name be gone. False if it is not known as a foreign key."""
    number = session.standing(table).number
    return cut(session, lambda key: key.table == number and key.name == name)


def cut(session: Session, which: Callable[[ForeignKey], bool]) -> bool:
    """Let some keys be gone. False if there were none."""
    gone = {key for key in session.model.keys if which(key)}
    for key in gone:
        session.model.cut[frozenset((key.table, key.target))] = session.place()
    session.model.keys -= gone
    return bool(gone)


def forget(session: Session, which: Callable[[ForeignKey], bool]) -> None:
    """Let it be unknown whether some keys are still there."""
    session.model.keys = frozenset(key for key in session.model.keys if not which(key))


def copy(session: Session, number: int, partition: int) -> None:
    """Let a former partition keep the keys that it had from its parent."""
    session.model.keys |= {
        replace(key, table=partition, place=session.place())
        for key in session.model.keys
        if key.table == number
    }


def rename(session: Session, table: Name, old: str, new: str) -> None:
    """Let a constraint be known by another name."""
    number = session.standing(table).number
    session.model.keys = frozenset(
        replace(key, name=new) if (key.table, key.name) == (number, old) else key
        for key in session.model.keys
    )


def rename_column(session: Session, number: int, old: str, new: str) -> None:
    """Let the keys of a table know a column by its new name."""

    def renamed(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in columns)

    session.model.keys = frozenset(
        replace(
            key,
            columns=renamed(key.columns) if key.table == number else key.columns,
            target_columns=renamed(key.target_columns)
            if key.target == number
            else key.target_columns,
        )
        for key in session.model.keys
    )


def _default_name(session: Session, table: Name, columns: tuple[str, ...]) -> str:
    """As ChooseConstraintName of src/backend/catalog/pg_constraint.c, among what was read."""
    namespace = {
        known.number for name, known in session.model.tables() if name.schema == table.schema
    }
    taken = {key.name for key in session.model.keys if key.table in namespace}
    labels = chain(["fkey"], (f"fkey{number}" for number in count(1)))
    names = (_object_name(table.name, "_".join(columns), label) for label in labels)
    return next(name for name in names if name not in taken)


def _object_name(table: str, columns: str, label: str) -> str:
    """As makeObjectName of src/backend/commands/indexcmds.c: the longer part is cut first."""
    first, second = table.encode(), columns.encode()[:_LONGEST_NAME]
    while len(first) + len(second) + len(label) + len("__") > _LONGEST_NAME:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    return "_".join((first.decode(errors="ignore"), second.decode(errors="ignore"), label))
