"""Why a closed gate is closed, by the state of the database: pure rules, no question is put here.

A verdict keeps its cause: `pgrst_gate.verdicts.judge` alone judges. What it gains is how the
database explains it, and what to type with the names that are there.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final

from pgrst_gate import set_up
from pgrst_gate.findings import Finding
from pgrst_gate.health.settings import altered, in_force
from pgrst_gate.health.values import Health, Role, Routine
from pgrst_gate.reach import Reach
from pgrst_gate.remedies import grant, remedy
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship, quoted
from pgrst_gate.verdicts import Cause, Verdict

_PARTS: Final = 3
_TIMED_OUT: Final = "57014"
"""PostgreSQL's query_canceled, in the server's own line of a load that failed."""
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


def explained(
    verdict: Verdict, health: Health, role: str, by: Reach, findings: Iterable[Finding]
) -> Verdict:
    """The verdict with what the database says of it, and what to type with the names it has.

    ``role`` is the key's, empty if it is not known.
    """
    item = verdict.item
    told: tuple[str, ...] = ()
    typed = ""
    match verdict.cause:
        case Cause.NOT_GRANTED if role:
            told = tuple(_rights_told(item, health, role))
            missing = "\n".join(_missing_grants(item, health, role))
            typed = missing or grant(_with_types(item, health), role)
        case Cause.RELOAD_FAILING:
            breaking = [one for one in findings if one.subject in set_up.BREAK_LOADS]
            told = tuple(one.text for one in breaking)
            typed = "\n".join(one.remedy for one in breaking)
        case Cause.NOT_EXPOSED:
            typed = "\n".join(_exposing(item.schema, health, by))
        case Cause.WRONG_SIGNATURE | Cause.AMBIGUOUS if isinstance(item, Function):
            told = tuple(f"database: there is {one}" for one in _named_as(item, health))
            typed = _renaming(item, health, by) if verdict.cause is Cause.AMBIGUOUS else ""
        case Cause.STILL_SERVED:
            exact = replace(verdict, item=_with_types(item, health))
            typed = remedy(exact, by, role, kind=_kind(item, health))
        case _:
            pass
    return replace(verdict, told=verdict.told + told, remedy=typed or verdict.remedy)


def found(
    health: Health,
    channel: str,
    exposed: Collection[str],
    verdicts: Iterable[Verdict],
    seconds: float,
) -> tuple[Finding, ...]:
    """What of the whole set-up explains the verdicts that close the gate.

    ``exposed`` are the schemas that the server is known to expose; ``seconds`` is what reading the
    catalog took, where a load fails.
    """
    red = [one for one in verdicts if not one.ok]
    behind = [one for one in red if one.cause in {Cause.STALE, Cause.STILL_SERVED}]
    failing = [one for one in red if one.cause is Cause.RELOAD_FAILING]
    findings = [*set_up.schemas(health, exposed)]
    if failing:
        met = any(_TIMED_OUT in line for one in failing for line in one.told)
        findings += [*set_up.foreign_tables(health), *set_up.timeouts(health, seconds, met=met)]
    if behind:
        commands = dict.fromkeys(_command(one, health) for one in behind)
        findings += set_up.listener(health, channel)
        findings += set_up.event_triggers(health, channel, commands)
    return tuple(findings)


def _command(verdict: Verdict, health: Health) -> str:
    """The statement that made the item, or took it away, as an event trigger calls it."""
    item = verdict.item
    there = verdict.expected_present
    match item:
        case Function():
            return "CREATE FUNCTION" if there else "DROP FUNCTION"
        case Relation():
            return f"{'CREATE' if there else 'DROP'} {_kind(item, health).upper()}"
        case Column(relation=relation):
            kind = _kind(relation, health)
            return "CREATE VIEW" if kind == "view" else f"ALTER {kind.upper()}"
        case Relationship():
            return "ALTER TABLE"


def _kind(item: Item, health: Health) -> str:
    """What kind of relation it is; `table` where that is not known."""
    table = (health.tables or {}).get(item) if isinstance(item, Relation) else None
    return table.kind if table else "table"


def _exposing(schema: str, health: Health, by: Reach) -> Iterator[str]:
    """The statements that expose a schema, where the database holds that setting."""
    for user in set_up.loaders(health):
        setting = in_force(health.settings or (), "pgrst.db_schemas", user)
        if setting is None or not setting.role:
            continue
        value = f"{setting.value}, {schema}".replace("'", "''")
        if schema in (health.missing or ()):
            yield f"create schema {quoted(schema)};"
        yield f"{altered(user, setting)} set pgrst.db_schemas = '{value}';"
        yield f"NOTIFY {by.channel}, 'reload config';"
        yield by.reload


def _renaming(item: Function, health: Health, by: Reach) -> str:
    """The statements that leave one function of these arguments; empty where there are not two."""
    alike = overloads(item, health)
    if len(alike) < 2:  # noqa: PLR2004 - two
        return ""
    name = quoted(f"{item.name}_{len(alike)}")
    return f"alter function {alike[-1].signature} rename to {name};\n{by.reload}"


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
    return [one for one in _named_as(item, health) if set(one.arguments) == names]


def _named_as(item: Function, health: Health) -> list[Routine]:
    """The functions of the database with this name, whatever their arguments."""
    return [
        one for one in health.routines or () if (one.schema, one.name) == (item.schema, item.name)
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
        if known and (line := policies_told(relation, health, known)):
            yield line


def policies_told(relation: Relation, health: Health, role: Role) -> str:
    """What row-level security of the relation means for the role; empty where it has none."""
    table = (health.tables or {}).get(relation)
    if table is None or not table.row_security:
        return ""
    if table.bypassed_by(role):
        return f"database: {role.name} bypasses row-level security of {relation}"
    names = [one.name for one in table.read_by(role)]
    if table.hides_all(role):
        names.append("no policy shows it a row")
    return f"database: row-level security of {relation} applies to {role.name}: {', '.join(names)}"
