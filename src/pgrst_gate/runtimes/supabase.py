"""PostgREST of a hosted Supabase project: NOTIFY by way of Supabase's Management API.

No endpoint of it reloads or restarts the REST service (none of its description's paths), so its
query endpoint runs the NOTIFY; no database password is needed, and IPv4 will do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.interface import (
    Action,
    Condition,
    Instance,
    ReloadSignal,
    RuntimeName,
)
from pgrst_gate.runtimes.notify import notification, who_hears
from pgrst_gate.runtimes.unseen import Unseen

if TYPE_CHECKING:
    from pgrst_gate.supabase.management import Management

_SESSIONS: Final = """
    SELECT current_setting('transaction_read_only') AS read_only,
           coalesce(application_name, '') AS application,
           left(coalesce(query, ''), 200) AS statement
      FROM (SELECT 1) AS always
      LEFT JOIN pg_stat_activity
        ON datname = current_database() AND pid <> pg_backend_pid()
"""
"""At least one row."""
_ONLY_READS: Final = (
    "statements run in a transaction that may only read, and a notification sent in one may be"
    " lost: has the token the permission `database_write`, and the project's disk some space?"
)

CONDITION_SECONDS: Final = 5.0
"""How old a condition may be: the wait asks for it several times a second."""


class Supabase(Unseen):
    """All PostgREST servers of a hosted project, as listeners on a channel of its database."""

    name: Final[RuntimeName] = "supabase"

    def __init__(
        self,
        management: Management,
        channel: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._management = management
        self._clock = clock
        self._channel = channel or "pgrst"
        self._condition = Condition()
        self._condition_until = 0.0

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`; what a SELECT is refused for, a NOTIFY would be, too.

        It is run as one that may write: a token that may only read is refused now.
        """
        ref = self._management.ref
        if action == "restart":
            raise NotRefreshed(
                "Supabase's Management API cannot restart the REST service of a project",
                hint="use `method: reload`, without `escalate`",
            )
        rows = self._management.run(_SESSIONS).rows
        if not rows:
            raise NotRefreshed(
                "what answers in place of Supabase's Management API sends no rows",
                hint="is `supabase-api-url` right? By default it need not be given",
            )
        name = f"channel {self._channel} of project {ref}"
        sessions = [(str(row.get("application")), str(row.get("statement"))) for row in rows]
        listeners, unheard = who_hears(sessions, self._channel)
        only_reads = _ONLY_READS if rows[0].get("read_only") == "on" else ""
        warnings = tuple(f"{name}: {text}" for text in (unheard, only_reads) if text)
        shown = name if unheard else f"{name}, {listeners} listening"
        return (Instance(self._channel, shown, warnings),)

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`; a notification stands for the signal."""
        del signal
        statement = notification(instance.key)
        tries = self._management.run(statement).tries
        return statement if tries == 1 else f"{statement} (sent {tries} times)"

    def condition(self, instance: Instance) -> Condition:
        """As `Runtime.condition`; not asked anew for some seconds, to spare the rate limit."""
        from pgrst_gate.supabase.management import revival

        del instance
        if self._clock() >= self._condition_until:
            state = self._management.state()
            remedy = revival(self._management.ref) if state.lasting else ""
            self._condition = Condition(state.text, hopeless=state.lasting, remedy=remedy)
            self._condition_until = self._clock() + CONDITION_SECONDS
        return self._condition

    def close(self) -> None:
        """Drop the connection."""
        self._management.close()
