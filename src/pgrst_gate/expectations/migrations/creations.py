"""CREATE TABLE, VIEW, ... : relations that a statement makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pgrst_gate.expectations.migrations import keys
from pgrst_gate.expectations.migrations.mentions import mentions
from pgrst_gate.expectations.migrations.model import TEMPORARY, Col, Mentions, Name, Table, Type
from pgrst_gate.expectations.migrations.queries import UNKNOWN, Rows, rows
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import type_text
from pgrst_gate.schema import Relation

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import (
        ColumnDef,
        CreateStmt,
        CreateTableAsStmt,
        IntoClause,
        RangeVar,
        SelectStmt,
        TypeName,
        ViewStmt,
    )

IF_NOT_EXISTS = "IF NOT EXISTS: it may have been there, with other columns"


def create_table(session: Session, statement: CreateStmt) -> None:
    """CREATE TABLE, CREATE FOREIGN TABLE, and what PARTITION OF, INHERITS, LIKE and OF bring."""
    name = session.made(statement.relation)
    if name is None:
        return
    if statement.if_not_exists and session.model.table(name):
        return
    parents = [one.range_var for one in statement.inh_relations]
    columns, whole, numbers = _inherited(session, parents)
    defined = [one for one in statement.table_elts if one.HasField("column_def")]
    for one in statement.table_elts:
        if one.HasField("table_like_clause"):
            source = one.table_like_clause.relation
            liked = _columns_of(session, source, f"the columns of {source.relname} are not known")
            columns |= {
                column: replace(known, place=session.place(source.location), local=True)
                for column, known in liked.columns.items()
            }
            whole = whole and liked.whole
    of = None
    if statement.HasField("of_typename"):
        of, attributes = _composite(session, statement.of_typename)
        whole = whole and attributes is not None
        columns |= attributes or {}
    for one in defined:
        column = column_of(session, one.column_def)
        # Merged with a parent's, or given options (OF, PARTITION OF), a column keeps its type.
        merged = columns.get(one.column_def.colname)
        columns[one.column_def.colname] = (
            replace(column, type=column.type or merged.type) if merged else column
        )
    is_partition = statement.HasField("partbound")
    table = Table(
        "partition" if is_partition else "relation",
        session.place(),
        columns,
        whole,
        parents=numbers,
        of=of,
    )
    if appear(session, name, table, if_not_exists=statement.if_not_exists):
        for one in statement.table_elts:
            keys.of_element(session, name, one)


def create_view(session: Session, statement: ViewStmt) -> None:
    """CREATE VIEW, also with OR REPLACE."""
    mentioned = mentions(session, statement.query)
    name = _of_view(session, statement.view, mentioned)
    if name is None:
        return
    found = rows(session, statement.query.select_stmt)
    named = found.named(one.string.sval for one in statement.aliases)
    _derived(session, name, named, mentioned, replaces=statement.replace)


def create_table_as(session: Session, statement: CreateTableAsStmt) -> None:
    """CREATE TABLE AS and CREATE MATERIALIZED VIEW."""
    from postgast import pg_query_pb2 as pg

    if statement.query.HasField("execute_stmt"):
        session.note("EXECUTE of a prepared statement")
        found = UNKNOWN
    else:
        found = rows(session, statement.query.select_stmt)
    is_view = statement.objtype == pg.OBJECT_MATVIEW
    mentioned = mentions(session, statement.query) if is_view else None
    _filled(session, statement.into, found, mentioned, if_not_exists=statement.if_not_exists)


def select_into(session: Session, select: SelectStmt) -> None:
    """SELECT ... INTO, which stands in the first query of a union."""
    first = select
    while first.HasField("larg"):
        first = first.larg
    _filled(session, first.into_clause, rows(session, select))


def create_other(session: Session, relation: RangeVar) -> None:
    """A sequence: it has a name among the relations, and is none."""
    if name := session.made(relation):
        put_other(session, name)


def put_other(session: Session, name: Name) -> None:
    """Let a name be known that no relation has."""
    if session.model.table(name) is None:
        session.put(name, Table("other", session.place(), whole=False))


def column_of(session: Session, written: ColumnDef) -> Col:
    """A column as it is defined."""
    from postgast import pg_query_pb2 as pg
    from postgast import walk

    kind = type_text(session, written.type_name, serial=True) if written.type_name.names else ""
    generated = (one.constraint for one in written.constraints)
    uses = {
        part.string.sval
        for constraint in generated
        if constraint.contype == pg.CONSTR_GENERATED
        for _, message in walk(constraint.raw_expr)
        if isinstance(message, pg.ColumnRef | pg.FuncCall)
        for part in (message.fields if isinstance(message, pg.ColumnRef) else message.funcname)
    }
    return Col(kind, session.place(written.location), uses=frozenset(uses))


def appear(session: Session, name: Name, table: Table, *, if_not_exists: bool) -> bool:
    """Let a new relation be known. False if it was there already, or its columns are not known."""
    known = session.model.relations.get(name)
    if if_not_exists and isinstance(known, Table):
        return False
    if if_not_exists and known is None and name.schema not in (*session.model.schemas, TEMPORARY):
        session.note(IF_NOT_EXISTS)
        session.put(name, replace(table, columns={}, whole=False, parents=frozenset()))
        return False
    if known is None:
        session.model.appeared |= {Relation(name.schema, name.name)}
    session.put(name, table)
    return True


def _inherited(
    session: Session, parents: Iterable[RangeVar]
) -> tuple[dict[str, Col], bool, frozenset[int]]:
    columns: dict[str, Col] = {}
    whole, numbers = True, set()
    for parent in parents:
        found = _columns_of(session, parent, f"the columns of {parent.relname} are not known")
        here = session.place(parent.location)
        columns |= {
            name: replace(known, place=here, local=False)
            for name, known in found.columns.items()
            if name not in columns
        }
        whole = whole and found.whole
        numbers.add(found.number)
    return columns, whole, frozenset(numbers)


def _columns_of(session: Session, relation: RangeVar, why: str) -> Table:
    name = session.relation(relation)
    found = session.standing(name) if name else Table("relation", None, whole=False)
    if not found.whole:
        session.note(why, relation.location)
    return found


def _composite(session: Session, written: TypeName) -> tuple[Name | None, dict[str, Col] | None]:
    """The type that a table is of, and its attributes where they are known."""
    *schema, called = [one.string.sval for one in written.names]
    name = session.found("".join(schema[-1:]), called, session.model.types)
    known = session.model.types.get(name) if name else None
    if not isinstance(known, Type) or known.attributes is None:
        session.note(f"the attributes of {called} are not known", written.location)
        return name, None
    here = session.place(written.location)
    return name, {column: replace(one, place=here) for column, one in known.attributes.items()}


def _of_view(session: Session, view: RangeVar, mentioned: Mentions) -> Name | None:
    """A view that reads a temporary relation is temporary too."""
    temporary = any(
        called.schema == TEMPORARY and table.number in mentioned.relations
        for called, table in session.model.tables()
    )
    return Name(TEMPORARY, view.relname) if temporary else session.made(view)


def _filled(
    session: Session,
    into: IntoClause,
    found: Rows,
    mentioned: Mentions | None = None,
    *,
    if_not_exists: bool = False,
) -> None:
    name = session.made(into.rel)
    if name is not None and not (if_not_exists and session.model.table(name)):
        named = found.named(one.string.sval for one in into.col_names)
        _derived(session, name, named, mentioned, if_not_exists=if_not_exists)


def _derived(
    session: Session,
    name: Name,
    found: Rows,
    mentioned: Mentions | None,
    *,
    replaces: bool = False,
    if_not_exists: bool = False,
) -> None:
    """Let a relation be known that has the columns of a query."""
    for location, why in found.why:
        session.note(why, location)
    columns = {
        out.name: Col(out.type, session.place(out.location)) for out in found.columns if out.name
    }
    table = Table("relation", session.place(), columns, found.whole, mentions=mentioned)
    before = session.model.table(name) if replaces else None
    if before is not None:
        # What is replaced keeps its columns, name and type, and may only get more.
        kept = {**columns, **before.columns}
        session.change(name, columns=kept, whole=found.whole, mentions=mentioned)
    elif replaces and name not in session.model.relations:
        session.put(name, table)
    else:
        appear(session, name, table, if_not_exists=if_not_exists)
