"""Ask the database why items are not as expected, and what anybody can read."""

from __future__ import annotations

from pgrst_gate.diagnosis import anonymous, explained, found, role_of
from pgrst_gate.errors import NotObserved
from pgrst_gate.expectations.access import in_schema
from pgrst_gate.health import Health, read
from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.roles import ANONYMOUS
from pgrst_gate.schema import Relation
from pgrst_gate.unprotected import unprotected
from pgrst_gate.watch import counted


def explain(inputs: Inputs, journal: Journal) -> Health | None:
    """Explain the journal's verdicts, and find what is wrong with the set-up.

    Gives the state of the database. Without `database-url`, or where the database refuses or is
    slow, that is None, and all stays as it is.
    """
    if not inputs.database_url:
        return None
    role = role_of(inputs.token or inputs.api_key)
    try:
        health = _read(inputs, journal, role)
    except NotObserved as error:
        journal.note("diagnose", f"{error}; nothing more is told", "warning")
        return None
    causes = frozenset(verdict.cause for verdict in journal.verdicts if not verdict.ok)
    if causes:
        role = role or anonymous(health)
        journal.findings = found(health, inputs.db_channel or "pgrst", causes)
        journal.verdicts = tuple(
            explained(verdict, health, role, journal.findings) for verdict in journal.verdicts
        )
    return health


def warn(inputs: Inputs, journal: Journal, health: Health | None, schema: str) -> str:
    """Find what anybody can read; gives why that closes the gate, empty where it does not.

    ``schema`` is that of names without one.
    """
    allowed = [one for one in in_schema(inputs.access, schema) if one.may and one.verb == "read"]
    meant = {
        rule.item for rule in allowed if rule.role in ANONYMOUS and isinstance(rule.item, Relation)
    }
    bare = unprotected(health, journal.verdicts, meant) if health else None
    journal.findings += bare or ()
    if not inputs.fail_on_unprotected or bare == ():
        return ""
    if bare is None:
        return "what the anonymous role can read could not be told"
    return f"{counted(len(bare), 'relation')} unprotected"


def _read(inputs: Inputs, journal: Journal, role: str) -> Health:
    """The state of the database, as far as these roles are concerned, and the anonymous one."""
    schemas = sorted({one.item.schema for one in journal.verdicts} - {""} | set(inputs.schema))
    names = [*filter(None, [role]), *dict.fromkeys(rule.role for rule in inputs.access)]
    health = read(inputs.database_url, schemas, names)
    unnamed = anonymous(health)
    if unnamed and unnamed not in (health.roles or {}):
        return read(inputs.database_url, schemas, [*names, unnamed])
    return health
