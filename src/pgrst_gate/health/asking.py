"""One question to the database, whose refusal leaves the others standing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, LiteralString

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

Rows = list["TupleRow"]

LIMITS: Final[LiteralString] = """
set transaction read only;
set local statement_timeout = '5s';
set local lock_timeout = '200ms';
set local search_path = '';
"""
"""For the whole transaction. Types are named with their schema then, unless they are PostgreSQL's
own."""


def asked(
    connection: Connection[TupleRow], query: LiteralString, about: Mapping[str, Any]
) -> Rows | None:
    """The rows; None where this user may not see them, or they took too long."""
    from psycopg import errors

    try:
        with connection.transaction():  # a savepoint within the reader's own
            return connection.execute(query, about).fetchall()
    except (errors.InsufficientPrivilege, errors.QueryCanceled, errors.LockNotAvailable):
        return None
