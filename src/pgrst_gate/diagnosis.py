"""Why a closed gate is closed, by the state of the database: pure rules, no question is put here.

A verdict keeps its cause: `pgrst_gate.verdicts.judge` alone judges. What it gains is how the
database explains it, and what to type with the names that are there.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from pgrst_gate.findings import Finding
from pgrst_gate.health.settings import altered, in_force
from pgrst_gate.health.triggers import notifies
from pgrst_gate.health.values import Health, Routine
from pgrst_gate.remedies import grant
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship, quoted
from pgrst_gate.verdicts import Cause, Verdict

_BREAKS_LOADS: Final = frozenset({"schema", "foreign-table", "statement-timeout"})
_PARTS: Final = 3
_STUCK: Final = 0.5
"""How full the queue of notifications is when PostgreSQL itself begins to warn."""
_LONGEST: Final = 16 * 1024
"""A JWT longer than so many characters is none that a role is read from."""


def role_of(key: str) -> str:
    """The role that a JWT claims; empty where it is none. Nothing is verified: PostgREST does."""
    parts = key.split(".")
    if len(parts) != _PARTS or len(key) > _LONGEST:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return ""
    role = claims.get("role") if isinstance(claims, dict) else None
    return role if isinstance(role, str) else ""


def anonymous(health: Health) -> str:
    """The role of requests without a token, where the database holds that setting; else empty."""
    named = {one.value for one in health.settings or () if one.name == "pgrst.db_anon_role"}
    return named.pop() if len(named) == 1 else ""


def explained(verdict: Verdict, health: Health, role: str, findings: Iterable[Finding]) -> Verdict:
    """The verdict with what the database says of it; ``role`` is the key's, empty if not known."""
    if verdict.cause is Cause.NOT_GRANTED and role:
        told = tuple(_rights_told(verdict.item, health, role))
        missing = "\n".join(_missing_grants(verdict.item, health, role))
        remedy = missing or grant(_with_types(verdict.item, health), role)
    elif verdict.cause is Cause.RELOAD_FAILING:
        breaking = [one for one in findings if one.subject in _BREAKS_LOADS]
        told = tuple(one.text for one in breaking)
        remedy = "\n".join(one.remedy for one in breaking) or verdict.remedy
    else:
        return verdict
    return replace(verdict, told=verdict.told + told, remedy=remedy)


def found(health: Health, channel: str, causes: frozenset[Cause]) -> tuple[Finding, ...]:
    """What of the whole set-up explains the causes that close the gate."""
    findings = [*_missing_schemas(health)]
    if Cause.RELOAD_FAILING in causes:
        findings += [*_unhandled(health), *_timeouts(health)]
    if causes & {Cause.STALE, Cause.STILL_SERVED}:
        findings += [*_listeners(health, channel), *_triggers(health, channel)]
    return tuple(findings)


def _with_types(item: Item, health: Health) -> Item:
    """A function with the types of the one overload that has these names."""
    if not isinstance(item, Function):
        return item
    found = overloads(item, health)
    if len(found) != 1:
        return item
    pairs = zip(found[0].arguments, found[0].types, strict=False)
    return Function(item.schema, item.name, tuple(Argument(*pair) for pair in pairs))


def overloads(item: Function, health: Health) -> list[Routine]:
    """The functions of the database with this name and these names of arguments."""
    names = {one.name for one in item.arguments}
    return [
        one
        for one in health.routines or ()
        if (one.schema, one.name, set(one.arguments)) == (item.schema, item.name, names)
    ]


def _missing_grants(item: Item, health: Health, role: str) -> Iterator[str]:
    """Each statement that is missing, in the order to run them."""
    users = (health.usage or {}).get(item.schema)
    if users is not None and role not in users:
        yield f"grant usage on schema {quoted(item.schema)} to {quoted(role)};"
    if isinstance(item, Function):
        if any(role not in one.callers for one in overloads(item, health)):
            yield grant(_with_types(item, health), role)
    else:
        for relation, column in _read(item):
            table = (health.tables or {}).get(relation)
            rights = table.rights.get(role) if table else None
            if rights is not None and not rights.allow("select", column):
                yield grant(Column(relation, column) if column else relation, role)


def _read(item: Relation | Column | Relationship) -> tuple[tuple[Relation, str], ...]:
    """The relations, and the column if it is one, that a role must be allowed to read."""
    match item:
        case Relation():
            return ((item, ""),)
        case Column(relation=relation, name=name):
            return ((relation, name),)
        case Relationship(origin=origin, target=target):
            return ((origin, ""), (Relation(origin.schema, target), ""))


def _rights_told(item: Item, health: Health, role: str) -> Iterator[str]:
    known = (health.roles or {}).get(role)
    if isinstance(item, Function):
        for one in overloads(item, health):
            whose = f"its owner {one.owner}" if one.definer else "the role that calls it"
            path = (
                f"search_path {one.search_path}" if one.search_path else "no search_path of its own"
            )
            yield f"database: the function runs as {whose}, with {path}"
        return
    for relation, _ in _read(item):
        table = (health.tables or {}).get(relation)
        if table is None or known is None or not table.row_security:
            continue
        if table.bypassed_by(known):
            yield f"database: {role} bypasses row-level security of {relation}"
        else:
            names = ", ".join(one.name for one in table.policies) or "no policy, so it shows no row"
            yield f"database: row-level security of {relation} applies to {role}: {names}"


def _missing_schemas(health: Health) -> Iterator[Finding]:
    for name in sorted(health.missing or ()):
        yield Finding(
            "schema",
            "broken",
            f"schema {name} does not exist in this database",
            ("database: no such row in pg_namespace",),
            f"create schema {quoted(name)};",
        )


def _unhandled(health: Health) -> Iterator[Finding]:
    for one in health.unhandled or ():
        yield Finding(
            "foreign-table",
            "broken",
            f"foreign table {one.relation} breaks the load: wrapper {one.wrapper} has no handler",
            (f"database: server {one.server}, wrapper {one.wrapper}, fdwhandler 0",),
            f"drop foreign table {one.relation};",
        )


def _timeouts(health: Health) -> Iterator[Finding]:
    """The limits of those that load: the users of PostgREST's sessions, or else `authenticator`."""
    sessions = health.listening.sessions if health.listening else ()
    users = {one.user for one in sessions if one.is_postgrest} or {"authenticator"}
    for user in sorted(users & (health.roles or {}).keys()):
        limit = in_force(health.settings or (), "statement_timeout", user)
        if limit is None or limit.value in {"0", "0s"} or not limit.role:
            continue
        literal = "'" + user.replace("'", "''") + "'"
        yield Finding(
            "statement-timeout",
            "risk",
            f"{user}, as whom PostgREST loads, has a statement_timeout of {limit.value}",
            (f"database: pg_db_role_setting of {user}: statement_timeout={limit.value}",),
            f"{altered(user, limit)} reset statement_timeout;\n"
            f"select pg_terminate_backend(pid) from pg_stat_activity where usename = {literal};",
        )


def _listeners(health: Health, channel: str) -> Iterator[Finding]:
    heard = health.listening
    if heard is None:
        return
    if heard.queue > _STUCK:
        text = f"the queue of notifications is {heard.queue:.0%} full: a listener does not read it"
        yield Finding("queue", "broken", text, ("database: pg_notification_queue_usage()",))
    channels = {one.channel for one in heard.sessions}
    if channel in channels or None in channels:
        return
    yield Finding(
        "listener",
        "risk",
        f"no session is seen to listen on channel {channel}: a NOTIFY may reach nobody",
        (f"database: {len(heard.sessions)} other sessions in pg_stat_activity, none with LISTEN",),
    )


def _triggers(health: Health, channel: str) -> Iterator[Finding]:
    for one in health.triggers or ():
        if notifies(one, channel) and one.enabled in {"disabled", "replica"}:
            yield Finding(
                "event-trigger",
                "risk",
                f"event trigger {one.name} would have PostgREST reload, but is {one.enabled}",
                (f"database: pg_event_trigger {one.name}, enabled {one.enabled}",),
                f"alter event trigger {quoted(one.name)} enable;",
            )
