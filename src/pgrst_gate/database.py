"""A connection to the user's PostgreSQL, with limits of time and errors that name the fix.

The text of the connection's errors may repeat parts of a broken URL: those are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pgrst_gate.errors import GateError
from pgrst_gate.supabase.addresses import instead_of_direct, ref_of_database

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

CONNECT_SECONDS: Final = 10
"""For each host of the URL, unless the URL has a `connect_timeout`."""
SILENCE_SECONDS: Final = 10
"""How long the database may be silent before the connection counts as broken."""

_PERCENT: Final = "in a password write `@` as %40, `/` as %2F and `%` as %25"

_REMEDIES: Final = {
    "password authentication failed": "check user and password of `database-url`; " + _PERCENT,
    "no password supplied": "`database-url` needs a password: postgresql://user:password@host/db",
    "no pg_hba.conf entry": "the database does not let this user in from here: see pg_hba.conf",
    "does not exist": "check the names in `database-url`",
    "failed to resolve host": "check the host in `database-url`; " + _PERCENT,
    "could not translate host name": "check the host in `database-url`; " + _PERCENT,
    # Supavisor's words, Supabase's pooler
    "Tenant or user not found": "the user of Supabase's pooler is <role>.<project ref>, as in "
    "postgres.abcdefghijklmnopqrst, and its host that of the project's own pooler: copy both from "
    "Connect in the dashboard",
    "Connection refused": "is it the right host and port, and reachable from here? In a container "
    "localhost is the container itself",
    "timeout": "is it the right host and port, and reachable from here? A firewall may be silent",
    "SSL": "check `sslmode` in `database-url`",
    "too many connections": "the database is full: wait, or raise max_connections",
}

_UNREACHED: Final = (
    "failed to resolve host",
    "could not translate host name",
    "Network is unreachable",
    "No route to host",
    "Cannot assign requested address",
    "timeout",
)
"""What is said on a machine without IPv6 of a host that has no other address."""


@contextmanager
def connected(url: str, done: str, failure: type[GateError]) -> Iterator[Connection[TupleRow]]:
    """A connection in autocommit mode, to have something ``done`` to the database: `notified`.

    Raises ``failure``, also for what psycopg raises while the connection is in use.
    """
    import psycopg

    conninfo = _conninfo(url, failure)
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise failure(
            f"the database cannot be {done}: {said}", hint=_remedy(said, conninfo)
        ) from error


def _remedy(said: str, conninfo: str) -> str:
    """What to do about a failure of the connection."""
    from psycopg.conninfo import conninfo_to_dict

    hosts = str(conninfo_to_dict(conninfo).get("host") or "").split(",")
    refs = [ref for ref in map(ref_of_database, hosts) if ref]
    if refs and any(sign in said for sign in _UNREACHED):
        return instead_of_direct(refs[0])
    fitting = (remedy for sign, remedy in _REMEDIES.items() if sign in said)
    return next(fitting, "check `database-url`")


def _conninfo(url: str, failure: type[GateError]) -> str:
    """The URL with limits of time; refused without repeating it when it is not well-formed."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    malformed = failure(
        "`database-url` is not a valid connection URL (not repeated here: it may hold a password)",
        hint=f"postgresql://user:password@host:5432/database; {_PERCENT}",
    )
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise malformed from None  # its message repeats parts of the URL
    # An @ or / in a password makes a part of it the host, the port or the database. An abstract
    # socket's name begins with @.
    host, port, database = (str(given.get(key) or "") for key in ("host", "port", "dbname"))
    if "@" in host[1:] + database or re.search(r"[^\d,]", port):
        raise malformed
    limits: dict[str, str | int | None] = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": SILENCE_SECONDS * 1000,
        "fallback_application_name": "pgrst-gate",
    }
    return make_conninfo("", **{**limits, **given})
