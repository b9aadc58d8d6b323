"""SQL text to a parse tree, by PostgreSQL's own parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.migrations.session import Session

if TYPE_CHECKING:
    from postgast import pg_query_pb2 as pg

_BACKSLASH: Final = "\\"


def parsed(session: Session) -> pg.ParseResult:
    """The parse tree; psql's own commands, which are no SQL, are put down and left out."""
    from postgast import PgQueryError, parse

    source = session.source
    while True:
        text = source.text.decode()
        try:
            return parse(text)
        except PgQueryError as error:
            # In characters, from 1: parser_errposition of src/backend/parser/parse_node.c.
            at = max(error.cursorpos - 1, 0)
            line = text.rfind("\n", 0, at) + 1
            if not text[line:].lstrip().startswith(_BACKSLASH):
                raise _syntax(session, text, at, error.message) from error
            end = (text + "\n").find("\n", line)
            command = text[line:end].strip().partition(" ")[0]
            location = len(text[:line].encode())
            session.dynamic(f"psql's `{command}`", location or 1)
            length = len(text[line:end].encode())
            source = type(source)(
                source.path,
                source.text[:location] + b" " * length + source.text[location + length :],
                source.line,
            )
            session.source = source


def _syntax(session: Session, text: str, at: int, message: str) -> UsageError:
    place = session.source.place(len(text[:at].encode()))
    column = at - text.rfind("\n", 0, at)
    return UsageError(
        f"{place}:{column}: {message}",
        hint="the file must be SQL as PostgreSQL reads it, without a tool's placeholders",
    )


def starts(text: bytes) -> list[int]:
    """Where tokens begin, comments left out."""
    from postgast import pg_query_pb2 as pg
    from postgast import scan

    comments = {pg.SQL_COMMENT, pg.C_COMMENT}
    return [token.start for token in scan(text.decode()).tokens if token.token not in comments]
