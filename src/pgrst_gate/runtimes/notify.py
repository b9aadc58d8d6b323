"""PostgREST by way of its database: `NOTIFY pgrst, 'reload schema'`, for whoever listens.

A notification is not acknowledged, and is lost when nobody listens. So the listeners are looked for
first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pgrst_gate.database import connected
from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.interface import (
    Action,
    Instance,
    ReloadSignal,
    RuntimeName,
)
from pgrst_gate.runtimes.unseen import Unseen

PAYLOAD: Final = "reload schema"

_LIMITED: Final = "SET LOCAL statement_timeout = '10s'"

_ABOUT: Final = "SELECT pg_is_in_recovery(), current_database()"
_SESSIONS: Final = """
    SELECT coalesce(application_name, ''), coalesce(query, '')
      FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
HIDDEN: Final = "<insufficient privilege>"
"""What PostgreSQL shows of a statement that is not for this user's eyes."""

# A channel is an identifier: PostgREST quotes it, other listeners may not.
_LISTEN: Final = re.compile(
    r'\s*LISTEN\s+(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>\w+))', re.IGNORECASE
)


class Notify(Unseen):
    """All PostgREST servers that listen on a channel of a database.

    ``channel`` is their `db-channel`; empty is PostgREST's default, `pgrst`.
    """

    name: Final[RuntimeName] = "notify"

    def __init__(self, database_url: str, channel: str = "") -> None:
        self._url = database_url
        self._channel = channel or "pgrst"

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`; warns where nobody seems to listen."""
        if action == "restart":
            raise NotRefreshed(
                "a server cannot be restarted through its database",
                hint="name the `container`, `unit` or process, or use `method: reload`",
            )
        with connected(self._url, "notified", NotRefreshed) as connection:
            [(standby, database)] = connection.execute(_ABOUT).fetchall()
            sessions = connection.execute(_SESSIONS).fetchall()
        if standby:
            raise NotRefreshed(
                f"database {database} is a standby, and NOTIFY works on the primary only",
                hint="put the primary's address into `database-url`, or all of them and "
                "target_session_attrs=read-write",
            )
        name = f"channel {self._channel} of database {database}"
        listeners, warning = who_hears(sessions, self._channel)
        if warning:
            return (Instance(self._channel, name, (f"{name}: {warning}",)),)
        return (Instance(self._channel, f"{name}, {listeners} listening"),)

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`; a notification stands for the signal."""
        del signal
        statement = notification(instance.key)
        with connected(self._url, "notified", NotRefreshed) as connection:
            # In one message, and so in one transaction: it is delivered when this returns.
            connection.execute(f"{_LIMITED}; {statement}".encode())
        return statement


def notification(channel: str) -> str:
    """The statement that makes every PostgREST on this channel reload its schema cache."""
    name = channel.replace('"', '""')
    return f"NOTIFY \"{name}\", '{PAYLOAD}'"


def who_hears(sessions: Sequence[tuple[str, str]], channel: str) -> tuple[int, str]:
    """How many of the sessions listen on the channel, and a warning where none is seen to.

    A session is its application name and its last statement, as in pg_stat_activity.
    """
    listeners = sum(listens_on(statement) == channel for _, statement in sessions)
    if listeners:
        return listeners, ""
    hidden = any(statement == HIDDEN for _, statement in sessions)
    connected = any(name.startswith("PostgREST") for name, _ in sessions)
    if connected and hidden:
        return 0, "PostgREST is connected, but this user may not see whether it listens"
    if connected:
        return 0, (
            "PostgREST is connected but does not show that it listens: check db-channel and "
            "db-channel-enabled (versions before 14.11 may listen without showing it)"
        )
    return 0, (
        "nobody may hear it: no session is known to be PostgREST's; is it this database, and does "
        "PostgREST reach it without a transaction pooler?"
    )


def listens_on(query: str) -> str:
    """The channel of a LISTEN statement as PostgreSQL reads it; empty for another statement."""
    listen = _LISTEN.match(query)
    if listen is None:
        return ""
    quoted, plain = listen["quoted"], listen["plain"]
    return quoted.replace('""', '"') if quoted else plain.lower()
