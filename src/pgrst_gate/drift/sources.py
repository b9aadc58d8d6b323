"""Where a surface is read from, by how the source is written.

api.snapshot.yml                a snapshot
git:main:api.snapshot.yml       a snapshot as it was committed
https://api.example.org         a running API
postgresql://user@host/db       a database
migrations:supabase/migrations  a folder of migrations, applied to an embedded PostgreSQL
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pgrst_gate import files, readers
from pgrst_gate.commits import committed
from pgrst_gate.drift import snapshot
from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.surface import Surface

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

    from pgrst_gate.expectations.migrations.layouts import Layout

SNAPSHOT_BYTES: Final = 64 * 1024 * 1024
_DEFAULT_SCHEMAS: Final = ("public",)
"""PostgREST's own default of `db-schemas`."""
_API: Final = re.compile(r"https?://")
_DATABASE: Final = re.compile(r"postgres(ql)?://")


@dataclass(frozen=True, slots=True)
class Access:
    """How a running API is asked."""

    api_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    admin_url: str = ""


def read_source(
    text: str,
    access: Access,
    schemas: Sequence[str] = (),
    otherwise: Sequence[str] = _DEFAULT_SCHEMAS,
    layout: Layout = "supabase",
) -> Surface:
    """The surface of these schemas, or of all that the source says are exposed.

    ``otherwise`` are the schemas of a database in which nobody said, ``layout`` is that of
    migrations. Raises `UsageError` for what
    does not read, `NotObserved` for what cannot be reached.
    """
    if _API.match(text):
        return _live(text, access, schemas)
    if _DATABASE.match(text):
        return _database(text, schemas, otherwise)
    kind, _, rest = text.partition(":")
    if kind == "migrations":
        from pgrst_gate.drift.applied import read_applied

        return read_applied(Path(rest), layout, lambda one: _catalog(one, schemas, otherwise))
    if kind == "git":
        return _limited(_committed(text, rest), schemas)
    found = snapshot.read(files.read(Path(text), most=SNAPSHOT_BYTES), text)
    return _limited(found, schemas)


def knows_schemas(text: str) -> bool:
    """Whether a source always says which schemas are exposed; a database may not."""
    return not (_DATABASE.match(text) or text.startswith("migrations:"))


def snapshot_path(text: str) -> str:
    """The path of the snapshot that a source is, committed or not; empty for any other source."""
    if text.startswith("git:"):
        return text.split(":", 2)[-1]
    return text if knows_schemas(text) and not _API.match(text) else ""


def _live(url: str, access: Access, schemas: Sequence[str]) -> Surface:
    from pgrst_gate import localhost
    from pgrst_gate.postgrest import live
    from pgrst_gate.postgrest.client import Client, Credentials

    try:
        address = readers.http_url(url)
    except ValueError as error:
        raise UsageError(f"the address of the API is not valid: {error}") from error
    credentials = Credentials(access.api_key, access.token, access.headers)
    with Client(localhost.from_inside(address) or address, credentials) as client:
        if not access.admin_url:
            return live.read_surface(client, None, schemas)
        with Client(access.admin_url, Credentials()) as admin:
            return live.read_surface(client, admin, schemas)


def _database(url: str, schemas: Sequence[str], otherwise: Sequence[str]) -> Surface:
    from pgrst_gate.database import connected

    with connected(url, "read", NotObserved) as connection:
        return _catalog(connection, schemas, otherwise)


def _catalog(
    connection: Connection[TupleRow], schemas: Sequence[str], otherwise: Sequence[str]
) -> Surface:
    from pgrst_gate.expectations.catalog import configured_schemas, read_surface

    found = schemas or configured_schemas(connection)
    if not found:
        rows = connection.execute("select nspname from pg_namespace").fetchall()
        found = tuple(name for name in otherwise if (name,) in rows)
    return read_surface(connection, found or otherwise)


def _committed(text: str, rest: str) -> Surface:
    ref, colon, path = rest.partition(":")
    if not (ref and colon and path):
        raise UsageError(f"`{text}`: expected git:<ref>:<path>, as in git:main:api.snapshot.yml")
    with committed(ref, Path.cwd(), text) as commit:
        content = commit.content(path)
    if content is None:
        raise UsageError(
            f"{text}: there is no such file in that commit",
            hint="the path begins at the repository's root; is the file committed there?",
        )
    return snapshot.read(files.decoded(content, text, most=SNAPSHOT_BYTES), text)


def _limited(surface: Surface, schemas: Sequence[str]) -> Surface:
    """The surface in those of the schemas that it has."""
    if not schemas:
        return surface
    shared = tuple(one for one in schemas if one in surface.schemas)
    return replace(
        surface,
        schemas=shared,
        relations={one: a for one, a in surface.relations.items() if one.schema in shared},
        functions=tuple(one for one in surface.functions if one.schema in shared),
        relationships=None
        if surface.relationships is None
        else {one: n for one, n in surface.relationships.items() if one.schema in shared},
    )
