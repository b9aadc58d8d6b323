"""What the state of a database means for the PostgREST in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Final

from pgrst_gate.doctor import channels
from pgrst_gate.doctor.looks import HIDDEN, Look, unseen
from pgrst_gate.findings import Finding
from pgrst_gate.health.settings import altered, in_force, seconds
from pgrst_gate.health.values import Health, Table
from pgrst_gate.schema import quoted

CLIENTS: Final = ("anon", "authenticated", "service_role")
"""The roles of clients: Supabase's names, and those of PostgREST's own documentation."""


def examined(health: Health, channel: str, read_seconds: float) -> tuple[Look, ...]:
    """A look at each subject; ``read_seconds`` is what `read_surface` took."""
    return (
        schemas(health),
        channels.listener(health, channel),
        channels.event_triggers(health, channel),
        grants(health),
        row_security(health),
        timeouts(health, read_seconds),
        foreign_tables(health),
    )


def schemas(health: Health) -> Look:
    """Exposed schemas must exist: from 13 on no load succeeds without (PostgREST #3644)."""
    if health.missing is None:
        return unseen("schemas", HIDDEN)
    findings = tuple(
        Finding(
            "schemas",
            "broken",
            f"schema {name} is exposed and does not exist",
            (f"pg_namespace has no {name}",),
            f"create schema {quoted(name)};",
        )
        for name in sorted(health.missing)
    )
    return Look("schemas", f"exposed: {', '.join(health.schemas)}", findings)


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
            name = f"{quoted(routine.schema)}.{quoted(routine.name)}({', '.join(routine.types)})"
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


def row_security(health: Health) -> Look:
    """Tables that anybody may use whole, without a key."""
    if health.tables is None or health.roles is None:
        return unseen("row-security", HIDDEN)
    if "anon" not in health.roles:
        return unseen("row-security", "no role is called anon")
    tables = [one for one in health.tables.values() if one.kind == "table"]
    open_to_all = [one for one in tables if _does_anything(one, "anon") and not one.row_security]
    findings = tuple(
        Finding(
            "row-security",
            "risk",
            f"anon may use {one.relation}, which has no row-level security",
            (f"pg_class.relrowsecurity of {one.relation}: false",),
            f"alter table {one.relation} enable row level security;",
        )
        for one in open_to_all
    )
    protected = sum(one.row_security for one in tables)
    return Look("row-security", f"enabled on {protected} of {len(tables)} tables", findings)


def timeouts(health: Health, read_seconds: float) -> Look:
    """The statement_timeout of PostgREST's own role bounds the load of the schema cache too.

    A load asks the catalog as `read_surface` does, which is taken as the measure, for that needs no
    admin server.
    """
    if health.settings is None or health.listening is None:
        return unseen("timeouts", HIDDEN)
    users = sorted({one.user for one in health.listening.sessions if one.is_postgrest})
    texts, findings = [], []
    for user in users or ["authenticator"]:
        found = in_force(health.settings, "statement_timeout", user)
        limit = seconds(found.value) if found else None
        enough = f"{ceil(4 * read_seconds)}s"
        texts.append(f"{user}: {found.value if found else 'none set'}")
        if found and limit and read_seconds >= limit:
            findings.append(
                Finding(
                    "timeouts",
                    "risk",
                    f"the next load of the schema cache may fail: {user} has {limit:g} s for a"
                    f" statement, and reading the catalog took {read_seconds:.3g} s from here",
                    (f"pg_db_role_setting of {user}: statement_timeout={found.value}",),
                    f"{altered(user, found)} set statement_timeout = '{enough}';",
                )
            )
    told = f"; reading the catalog took {read_seconds:.3g} s"
    return Look("timeouts", f"statement_timeout of {', '.join(texts)}{told}", tuple(findings))


def foreign_tables(health: Health) -> Look:
    """One whose wrapper has no handler makes every load fail."""
    if health.unhandled is None:
        return unseen("foreign-tables", HIDDEN)
    findings = tuple(
        Finding(
            "foreign-tables",
            "broken",
            f"no load of the schema cache succeeds: the wrapper {one.wrapper} of {one.relation}"
            " has no handler",
            (f"pg_foreign_data_wrapper.fdwhandler of {one.wrapper}: 0",),
            f"drop foreign table {one.relation};",
        )
        for one in health.unhandled
    )
    return Look("foreign-tables", "no wrapper lacks a handler" if not findings else "", findings)
