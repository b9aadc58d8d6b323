"""What makes PostgREST reload by way of its database: who listens, and what notifies."""

from __future__ import annotations

from typing import Final

from pgrst_gate.doctor.looks import HIDDEN, Look, unseen
from pgrst_gate.findings import Finding
from pgrst_gate.health.triggers import covers, notifies
from pgrst_gate.health.values import Health
from pgrst_gate.schema import quoted

FULL: Final = 0.5
"""Of the notification queue; a full one refuses every NOTIFY."""

COMMANDS: Final = (
    "CREATE TABLE",
    "ALTER TABLE",
    "DROP TABLE",
    "CREATE VIEW",
    "CREATE FUNCTION",
    "ALTER FUNCTION",
    "DROP FUNCTION",
    "CREATE TYPE",
)
"""The commands of everyday migrations that change what the schema cache must hold."""


def listener(health: Health, channel: str) -> Look:
    """A reload by NOTIFY arrives only where a session listens."""
    heard = health.listening
    if heard is None:
        return unseen("listener", HIDDEN)
    findings = []
    if heard.queue > FULL:
        text = f"the queue of notifications is {heard.queue:.0%} full, and a full one refuses more"
        stuck = "select pid, usename, xact_start from pg_stat_activity order by xact_start;"
        findings.append(Finding("listener", "risk", text, remedy=stuck))
    listening = sum(one.channel == channel for one in heard.sessions)
    if not listening and any(one.channel is None for one in heard.sessions):
        why = "this user may not see who listens: it takes pg_read_all_stats"
        return Look("listener", why, tuple(findings), looked=bool(findings))
    if not listening:
        connected = sum(one.is_postgrest for one in heard.sessions)
        seen = f"pg_stat_activity: {connected} sessions of PostgREST, none with LISTEN"
        findings.append(
            Finding(
                "listener",
                "risk",
                f"nobody listens on channel {channel}: a reload by NOTIFY is lost",
                (seen,),
                "PGRST_DB_CHANNEL_ENABLED=true, and a db-uri that is no transaction pooler",
            )
        )
    return Look("listener", f"{listening} listening on channel {channel}", tuple(findings))


def event_triggers(health: Health, channel: str) -> Look:
    """Triggers that have PostgREST reload by themselves, and what they do not see.

    Where there are none nobody relies on them.
    """
    if health.triggers is None:
        return unseen("event-triggers", HIDDEN)
    reload = f"notify {quoted(channel)}, 'reload schema';"
    ours = [one for one in health.triggers if notifies(one, channel)]
    if not ours:
        text = f"no event trigger notifies {channel}: after each migration somebody must"
        note = Finding("event-triggers", "note", text, remedy=reload)
        return Look("event-triggers", "none", (note,))
    asleep = [one for one in ours if one.enabled not in {"origin", "always"}]
    findings = [
        Finding(
            "event-triggers",
            "risk",
            f"event trigger {one.name} is {_asleep(one.enabled)}",
            (f"pg_event_trigger: {one.enabled}",),
            f"alter event trigger {quoted(one.name)} enable;",
        )
        for one in asleep
    ]
    drops = any(one.event == "sql_drop" and not one.tags for one in ours if one not in asleep)
    missed = [
        command
        for command in COMMANDS
        if not any(covers(one, command) for one in ours)
        and not (drops and command.startswith("DROP"))
    ]
    if missed and not asleep:
        text = f"no event trigger notifies {channel} after {', '.join(missed)}"
        findings.append(Finding("event-triggers", "risk", text, remedy=reload))
    return Look("event-triggers", ", ".join(one.name for one in ours), tuple(findings))


def _asleep(enabled: str) -> str:
    return "disabled" if enabled == "disabled" else "for replicas only"
