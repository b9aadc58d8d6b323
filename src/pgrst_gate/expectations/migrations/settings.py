"""The search path, and transactions: what a session remembers between statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pgrst_gate.expectations.migrations.session import DEFAULT_PATH, Session

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import DiscardStmt, FuncCall, TransactionStmt, VariableSetStmt

_NEVER_FIRST: Final = {"$user", "pg_catalog", "pg_temp"}
"""On a search path, yet not where unqualified names of the application are."""


def set_variable(session: Session, statement: VariableSetStmt) -> None:
    """SET and RESET."""
    from postgast import pg_query_pb2 as pg

    if statement.kind == pg.VAR_RESET_ALL:
        session.search_path = DEFAULT_PATH
    if statement.name.lower() != "search_path":
        return
    if statement.kind == pg.VAR_SET_VALUE:
        names = (one.a_const.sval.sval for one in statement.args)
        _set(session, names, local=statement.is_local)
    elif statement.kind in {pg.VAR_RESET, pg.VAR_SET_DEFAULT}:
        session.search_path = DEFAULT_PATH
    else:
        session.note("SET search_path FROM CURRENT")


def set_config(session: Session, call: FuncCall) -> bool:
    """`set_config('search_path', ...)`; False if its arguments cannot be read."""
    texts = [one.a_const.sval.sval for one in call.args if one.a_const.HasField("sval")]
    if not texts:
        return False
    if texts[0].lower() == "search_path":
        if len(texts) == 1:
            return False
        _set(session, _names(texts[1]), local=call.args[-1].a_const.boolval.boolval)
    return True


def discard(session: Session, statement: DiscardStmt) -> None:
    """DISCARD ALL forgets the search path."""
    from postgast import pg_query_pb2 as pg

    if statement.target == pg.DISCARD_ALL:
        session.search_path = DEFAULT_PATH


def transaction(session: Session, statement: TransactionStmt) -> None:
    """A ROLLBACK undoes what was read since BEGIN."""
    from postgast import pg_query_pb2 as pg

    match statement.kind:
        case pg.TRANS_STMT_BEGIN | pg.TRANS_STMT_START:
            session.begun = [("", session.model.copy())]
        case pg.TRANS_STMT_SAVEPOINT:
            session.begun.append((statement.savepoint_name, session.model.copy()))
        case pg.TRANS_STMT_COMMIT:
            _end(session)
        case pg.TRANS_STMT_ROLLBACK:
            _roll_back(session, "")
            _end(session)
        case pg.TRANS_STMT_ROLLBACK_TO:
            _roll_back(session, statement.savepoint_name)
        case _:
            pass


def leave_block(session: Session) -> None:
    """SET LOCAL lasts to the end of the transaction, which a file may or may not be."""
    if session.outer_path is not None and not session.begun:
        session.search_path = ()


def _roll_back(session: Session, savepoint: str) -> None:
    named = [model for name, model in session.begun if name == savepoint]
    if named:
        session.model.restore(named[-1].copy())
    else:
        session.dynamic("ROLLBACK: what it undoes is not known")


def _end(session: Session) -> None:
    session.begun = []
    if session.outer_path is not None:
        session.search_path, session.outer_path = session.outer_path, None


def _set(session: Session, names: Iterable[str], *, local: bool) -> None:
    path = tuple(name for name in names if name and name not in _NEVER_FIRST)
    if local and session.outer_path is None:
        session.outer_path = session.search_path
    if local and not session.begun and not session.nested:
        session.note("SET LOCAL outside a transaction: whether it lasts is the tool's choice")
        path = ()
    session.search_path = path


def _names(text: str) -> list[str]:
    """The names of a list as SplitIdentifierString reads it."""
    from postgast import parse

    if not text.strip():
        return []
    [raw] = parse(f"SET search_path TO {text}").stmts
    return [one.a_const.sval.sval for one in raw.stmt.variable_set_stmt.args]
