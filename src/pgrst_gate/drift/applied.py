"""The surface that a folder of migrations makes: applied to an embedded PostgreSQL, then read.

The files run as a superuser on this machine, so they can do what their author can. Each is one
transaction, unless it holds a statement that cannot be in one (`create index concurrently`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pgrst_gate import embedded
from pgrst_gate.database import connected
from pgrst_gate.drift import supabase
from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.expectations.migrations import layouts
from pgrst_gate.expectations.migrations.layouts import Layout
from pgrst_gate.surface import Surface

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

Read = Callable[["Connection[TupleRow]"], Surface]
Statement = tuple[int, str]
"""Its line in the file, and its text."""

_INSTALL: Final = "pip install 'pgrst-gate[embedded]'; the image of the action does not have it"


def read_applied(folder: Path, layout: Layout, read: Read) -> Surface:
    """What ``read`` finds in a database with all migrations of the folder.

    For the layout `supabase` the database is first made what a Supabase project is. Raises
    `UsageError` when there are none, when one fails, with its file and line, or when the embedded
    PostgreSQL is not installed.
    """
    found = layouts.migrations(folder, layout)
    scripts = [(one.path, statements(one.path, layouts.text(one, layout))) for one in found]
    with embedded.home() as directory:
        supabase.stand_ins(directory)
        settings = {
            "unix_socket_directories": str(directory),
            "extension_control_path": f"$system:{directory}",
        }
        conninfo = f"host={directory} user=postgres dbname=postgres"
        with embedded.running(directory, conninfo, settings):
            if layout == "supabase":
                with connected(conninfo, "prepared", NotObserved) as connection:
                    connection.execute(supabase.PRELUDE)
            with connected(conninfo, "migrated", NotObserved) as connection:
                for path, script in scripts:
                    _apply(connection, path, script)
                return read(connection)


def statements(path: Path, sql: str) -> Sequence[Statement]:
    """The statements of a file, as PostgreSQL's parser parts them. Raises `UsageError`."""
    try:
        import postgast
    except ImportError as error:
        raise UsageError("PostgreSQL's parser is not installed", hint=_INSTALL) from error
    try:
        parsed = postgast.parse(sql)
    except postgast.PgQueryError as error:
        line = sql.count("\n", 0, max(error.cursorpos - 1, 0)) + 1
        raise UsageError(f"{path}:{line}: not SQL: {error.message}") from error
    return tuple(_parts(sql.encode(), parsed.stmts))


def _parts(sql: bytes, found: Iterable[Any]) -> Iterator[Statement]:
    for one in found:
        start, length = one.stmt_location, one.stmt_len  # in bytes; the last one has no length
        text = sql[start : start + length if length else None]
        start += len(text) - len(text.lstrip())
        yield sql.count(b"\n", 0, start) + 1, text.strip().decode()


def _apply(connection: Connection[TupleRow], path: Path, found: Sequence[Statement]) -> None:
    from psycopg import errors

    try:
        connection.execute("begin")
        _run(connection, path, found)
        connection.execute("commit")
    except errors.ActiveSqlTransaction:  # a statement that must be alone: all were rolled back
        connection.execute("rollback")
        _run(connection, path, found)
    connection.execute("discard all")


def _run(connection: Connection[TupleRow], path: Path, found: Sequence[Statement]) -> None:
    from psycopg import Error, errors

    for line, text in found:
        try:
            connection.execute(text.encode())
        except errors.ActiveSqlTransaction:
            raise
        except Error as error:
            position = int(error.diag.statement_position or 1)
            at = line + text.count("\n", 0, position - 1)
            said = error.diag.message_primary or str(error)
            raise UsageError(f"{path}:{at}: {said}", hint=_hint(error)) from error


def _hint(error: Exception) -> str:
    """What to do about a migration that fails here, and perhaps nowhere else."""
    if "extension" in str(error):
        return (
            "the embedded PostgreSQL has no extensions but those that come with PostgreSQL, and"
            " pgvector: compare a database that has them, by its postgresql:// address"
        )
    return "the migrations run one after another on an empty database; is one of them missing?"
