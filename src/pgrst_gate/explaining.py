"""Ask the database why items are not as expected, once the gate is closed."""

from __future__ import annotations

from pgrst_gate.diagnosis import anonymous, explained, found, role_of
from pgrst_gate.errors import NotObserved
from pgrst_gate.health import read
from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal


def explain(inputs: Inputs, journal: Journal) -> None:
    """Explain the journal's verdicts, and find what is wrong with the set-up.

    Without `database-url`, or where the database refuses or is slow, they stay as they are.
    """
    causes = frozenset(verdict.cause for verdict in journal.verdicts if not verdict.ok)
    if not (causes and inputs.database_url):
        return
    schemas = sorted({one.item.schema for one in journal.verdicts} - {""} | set(inputs.schema))
    role = role_of(inputs.token or inputs.api_key)
    try:
        health = read(inputs.database_url, schemas, [role] if role else [])
        if not role and (role := anonymous(health)):
            health = read(inputs.database_url, schemas, [role])
    except NotObserved as error:
        journal.note("diagnose", f"{error}; nothing more is told", "warning")
        return
    journal.findings = found(health, inputs.db_channel or "pgrst", causes)
    journal.verdicts = tuple(
        explained(verdict, health, role, journal.findings) for verdict in journal.verdicts
    )
