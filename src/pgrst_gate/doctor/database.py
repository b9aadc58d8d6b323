"""What the state of a database means for the PostgREST in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgrst_gate import set_up
from pgrst_gate.doctor import channels
from pgrst_gate.doctor.looks import HIDDEN, Look, unseen
from pgrst_gate.findings import Finding
from pgrst_gate.health.settings import in_force
from pgrst_gate.health.values import Health, Table
from pgrst_gate.schema import quoted
from pgrst_gate.unprotected import unprotected as bare
from pgrst_gate.watch import counted

CLIENTS: Final = ("anon", "authenticated", "service_role")
"""The roles of clients: Supabase's names, and those of PostgREST's own documentation."""
NOBODY: Final = "it is not known which role is the anonymous one"


def examined(health: Health, channel: str, read_seconds: float) -> tuple[Look, ...]:
    """A look at each subject; ``read_seconds`` is what `read_surface` took."""
    return (
        schemas(health),
        channels.listener(health, channel),
        channels.event_triggers(health, channel),
        grants(health),
        unprotected(health),
        timeouts(health, read_seconds),
        foreign_tables(health),
    )


def schemas(health: Health) -> Look:
    """Whether all that is exposed exists."""
    if health.missing is None:
        return unseen("schemas", HIDDEN)
    text = f"exposed: {', '.join(health.schemas)}"
    return Look("schemas", text, tuple(set_up.schemas(health, health.schemas)))


def grants(health: Health) -> Look:
    """What each role of clients may do; and what is exposed for none of them."""
    if health.tables is None or health.roles is None or health.usage is None:
        return unseen("grants", HIDDEN)
    clients = [name for name in CLIENTS if name in health.roles]
    if not clients:
        return unseen("grants", f"no role is called {' or '.join(CLIENTS)}")
    findings = [
        *_schemas_without_usage(health, clients),
        *_for_nobody(health, clients),
    ]
    return Look("grants", "; ".join(_summed(health, role) for role in clients), tuple(findings))


def _schemas_without_usage(health: Health, clients: list[str]) -> Iterator[Finding]:
    for schema, users in (health.usage or {}).items():
        tables = [one for one in (health.tables or {}).values() if one.relation.schema == schema]
        for role in clients:
            granted = [one for one in tables if _does_anything(one, role)]
            if granted and role not in users:
                yield Finding(
                    "grants",
                    "broken",
                    f"{role} was granted {granted[0].relation}, and may not use schema {schema}",
                    (f"has_schema_privilege({role}, {schema}, usage): false",),
                    f"grant usage on schema {quoted(schema)} to {quoted(role)};",
                )


def _for_nobody(health: Health, clients: list[str]) -> Iterator[Finding]:
    roles = ", nor ".join(clients)
    for table in (health.tables or {}).values():
        if not any(_does_anything(table, role) for role in clients):
            text = f"{table.relation} is exposed, and no client may use it: not {roles}"
            told = (f"has_table_privilege: none, on {table.relation}",)
            remedy = f"grant select on {table.relation} to {clients[0]};"
            yield Finding("grants", "risk", text, told, remedy)
    for routine in health.routines or ():
        if not routine.callers.intersection(clients):
            name = routine.signature
            text = f"function {name} is exposed, and no client may call it: not {roles}"
            remedy = f"grant execute on function {name} to {clients[0]};"
            yield Finding("grants", "note", text, remedy=remedy)


def _does_anything(table: Table, role: str) -> bool:
    rights = table.rights.get(role)
    return bool(rights and (rights.whole or rights.columns))


def _summed(health: Health, role: str) -> str:
    tables = (health.tables or {}).values()
    rights = [one.rights[role] for one in tables if role in one.rights]
    reads = sum("select" in (one.whole | one.columns.keys()) for one in rights)
    writes = sum(bool((one.whole | one.columns.keys()) - {"select"}) for one in rights)
    routines = health.routines or ()
    calls = sum(role in one.callers for one in routines)
    return (
        f"{role} may read {reads} and write {writes} of {len(tables)} relations, and call {calls}"
        f" of {len(routines)} functions"
    )


def unprotected(health: Health) -> Look:
    """Relations that anybody may read whole, without a key."""
    found = bare(health, dict.fromkeys(health.tables or (), ""))
    if found is None:
        known = health.tables is not None and health.roles is not None
        return unseen("unprotected", NOBODY if known else HIDDEN)
    tables = [one for one in (health.tables or {}).values() if one.kind == "table"]
    protected = sum(one.row_security for one in tables)
    text = f"row-level security is on for {protected} of {counted(len(tables), 'table')}"
    return Look("unprotected", text, found)


def timeouts(health: Health, read_seconds: float) -> Look:
    """What bounds a load of the schema cache.

    A load asks the catalog as `read_surface` does, which is taken as the measure, for that needs no
    admin server.
    """
    if health.settings is None or health.listening is None:
        return unseen("timeouts", HIDDEN)
    limits = (
        (user, in_force(health.settings, "statement_timeout", user))
        for user in set_up.loaders(health)
    )
    texts = ", ".join(f"{user}: {found.value if found else 'none set'}" for user, found in limits)
    text = f"statement_timeout of {texts}; reading the catalog took {read_seconds:.3g} s"
    return Look("timeouts", text, tuple(set_up.timeouts(health, read_seconds)))


def foreign_tables(health: Health) -> Look:
    """Whether one breaks the load."""
    if health.unhandled is None:
        return unseen("foreign-tables", HIDDEN)
    text = f"{counted(len(health.unhandled), 'foreign table')} without a handler"
    return Look("foreign-tables", text, tuple(set_up.foreign_tables(health)))
