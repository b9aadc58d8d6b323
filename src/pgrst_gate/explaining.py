"""Ask the database why items are not as expected, and what anybody can read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pgrst_gate.database import connected
from pgrst_gate.diagnosis import explained, found, role_of
from pgrst_gate.errors import NotObserved
from pgrst_gate.expectations.access import in_schema
from pgrst_gate.expectations.catalog import timed_surface
from pgrst_gate.health import Health, read, settings
from pgrst_gate.health.asking import LIMITS
from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.postgrest.logs import schemas_told
from pgrst_gate.reach import Reach
from pgrst_gate.roles import ANONYMOUS
from pgrst_gate.schema import Column, Relation
from pgrst_gate.unprotected import unprotected
from pgrst_gate.verdicts import Cause, Verdict
from pgrst_gate.watch import counted


def explain(inputs: Inputs, journal: Journal, by: Reach, exposed: Collection[str]) -> Health | None:
    """Explain the journal's verdicts, and find what is wrong with the set-up.

    ``exposed`` are the schemas that the server said it exposes. Gives the state of the database.
    Without `database-url`, or where the database refuses or is slow, that is None, and all stays
    as it is.
    """
    if not inputs.database_url:
        return None
    role = role_of(inputs.token or inputs.api_key)
    shown = {*exposed, *schemas_told(line for one in journal.verdicts for line in one.told)}
    try:
        health = _read(inputs, journal, role, shown)
        shown |= settings.exposed(health.settings)
        seconds = _reading(inputs, health, journal.verdicts)
    except NotObserved as error:
        journal.note("diagnose", f"{error}; nothing more is told", "warning")
        return None
    role = role or settings.anonymous(health.settings)
    channel = inputs.db_channel or "pgrst"
    if any(not verdict.ok for verdict in journal.verdicts):
        journal.findings = found(health, channel, shown, journal.verdicts, seconds)
        journal.verdicts = tuple(
            explained(verdict, health, role, by, journal.findings) for verdict in journal.verdicts
        )
    return health


def warn(inputs: Inputs, journal: Journal, health: Health | None, schema: str) -> str:
    """Find what anybody can read; gives why that closes the gate, empty where it does not.

    ``schema`` is that of names without one.
    """
    allowed = [one for one in in_schema(inputs.access, schema) if one.may and one.verb == "read"]
    meant = {rule.item for rule in allowed if rule.role in ANONYMOUS}
    places = {one: place for one, place in _expected(journal.verdicts) if one not in meant}
    bare = unprotected(health, places) if health else None
    journal.findings += bare or ()
    if not inputs.fail_on_unprotected or bare == ():
        return ""
    if bare is None:
        return "what the anonymous role can read could not be told"
    return f"{counted(len(bare), 'relation')} unprotected"


def _expected(verdicts: Iterable[Verdict]) -> Iterator[tuple[Relation, str]]:
    """The relations that are expected, or columns of, with the line that made each, if one did."""
    for verdict in verdicts:
        item = verdict.item.relation if isinstance(verdict.item, Column) else verdict.item
        if verdict.expected_present and isinstance(item, Relation):
            yield item, verdict.place if verdict.migration else ""


def _read(inputs: Inputs, journal: Journal, role: str, exposed: Collection[str]) -> Health:
    """The state of the database, as far as these schemas and roles are concerned."""
    named = {one.item.schema for one in journal.verdicts} - {""}
    names = [*filter(None, [role]), *dict.fromkeys(rule.role for rule in inputs.access)]
    schemas = named.union(inputs.schema, exposed)
    health = read(inputs.database_url, sorted(schemas), names)
    more = settings.exposed(health.settings) - schemas
    return read(inputs.database_url, sorted(schemas | more), names) if more else health


def _reading(inputs: Inputs, health: Health, verdicts: Iterable[Verdict]) -> float:
    """How many seconds reading the catalog takes, where a load of it fails; else none."""
    if not any(verdict.cause is Cause.RELOAD_FAILING for verdict in verdicts):
        return 0.0
    there = [name for name in health.schemas if name not in (health.missing or ())]
    with (
        connected(inputs.database_url, "examined", NotObserved) as connection,
        connection.transaction(),
    ):
        connection.execute(LIMITS)
        return timed_surface(connection, there)[1]
