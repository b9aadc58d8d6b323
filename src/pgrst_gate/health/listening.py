"""Who would hear a notification.

Everybody sees the users and the application names of pg_stat_activity; its statements are for the
same user, superusers and pg_read_all_stats, and so is the kind of a session.
"""

from __future__ import annotations

from typing import Final, LiteralString

from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Listening, Session
from pgrst_gate.runtimes.notify import HIDDEN, listens_on

QUERY: Final[LiteralString] = """
select coalesce(usename, ''), coalesce(application_name, ''), coalesce(query, ''),
  pid = pg_backend_pid(), pg_notification_queue_usage()
from pg_stat_activity
where datname = current_database() and coalesce(backend_type, 'client backend') = 'client backend'
"""
"""This connection is among them, so that there is a row to hold the queue's figure."""


def listening(rows: Rows) -> Listening:
    """The other sessions, and how full the queue is."""
    sessions = tuple(
        Session(user, application, None if said == HIDDEN else listens_on(said))
        for user, application, said, own, _ in rows
        if not own
    )
    return Listening(sessions, float(rows[0][4]) if rows else 0.0)
