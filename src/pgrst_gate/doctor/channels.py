"""What makes PostgREST reload by way of its database: who listens, and what notifies."""

from __future__ import annotations

from typing import Final

from pgrst_gate import set_up
from pgrst_gate.doctor.looks import HIDDEN, Look, unseen
from pgrst_gate.findings import Finding
from pgrst_gate.health.triggers import notifies
from pgrst_gate.health.values import Health
from pgrst_gate.schema import quoted

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
    """Whether a NOTIFY would be heard."""
    heard = health.listening
    if heard is None:
        return unseen("listener", HIDDEN)
    findings = tuple(set_up.listener(health, channel))
    listening = sum(one.channel == channel for one in heard.sessions)
    if not listening and any(one.channel is None for one in heard.sessions):
        why = "this user may not see who listens: it takes pg_read_all_stats"
        return Look("listener", why, findings, looked=bool(findings))
    return Look("listener", f"{listening} listening on channel {channel}", findings)


def event_triggers(health: Health, channel: str) -> Look:
    """Triggers that have PostgREST reload by themselves, and what they do not see."""
    if health.triggers is None:
        return unseen("event-triggers", HIDDEN)
    names = ", ".join(one.name for one in health.triggers if notifies(one, channel))
    if not names:
        text = f"no event trigger notifies {channel}: after each migration somebody must"
        reload = f"notify {quoted(channel)}, 'reload schema';"
        note = Finding("event-triggers", "note", text, remedy=reload)
        return Look("event-triggers", "none", (note,))
    return Look("event-triggers", names, tuple(set_up.event_triggers(health, channel, COMMANDS)))
