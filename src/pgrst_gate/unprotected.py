"""Which of the expected relations anybody can read whole, by the state of the database."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from pgrst_gate.diagnosis import anonymous
from pgrst_gate.findings import Finding
from pgrst_gate.health.values import Health, Table
from pgrst_gate.remedies import permission
from pgrst_gate.schema import Column, Relation
from pgrst_gate.verdicts import Verdict

SUBJECT: Final = "unprotected"

_PLACE: Final = re.compile(r".+:\d+")


def unprotected(
    health: Health, verdicts: Iterable[Verdict], meant: Collection[Relation]
) -> tuple[Finding, ...] | None:
    """A finding for each expected relation of which no policy hides a row from the anonymous role.

    ``meant`` are those that somebody said it may read. None where it is not known which role that
    is, or what it may do.
    """
    role = anonymous(health) or "anon"
    if health.tables is None or health.usage is None or role not in (health.roles or {}):
        return None
    found: dict[Relation, Finding] = {}
    for verdict in verdicts:
        item = verdict.item.relation if isinstance(verdict.item, Column) else verdict.item
        if not (verdict.expected_present and isinstance(item, Relation)) or item in meant:
            continue
        table = health.tables.get(item)
        if table and role in health.usage.get(item.schema, ()) and _reads(table, role):
            place = verdict.place if _PLACE.fullmatch(verdict.place) else ""
            for why, remedy in _open(table, role):
                text = f"{role} can read every row of {item}: {why}"
                told = f"database: {role} has select on {item}"
                found.setdefault(item, Finding(SUBJECT, "risk", text, (told,), remedy, place))
    return tuple(found.values())


def _reads(table: Table, role: str) -> bool:
    rights = table.rights.get(role)
    return bool(rights and ("select" in rights.whole or rights.columns.get("select")))


def _open(table: Table, role: str) -> Iterator[tuple[str, str]]:
    """Why no policy applies, and what to type, where that is so.

    Row-level security is of ordinary and partitioned tables only. A view has that of the tables in
    it, as its owner or as who asks; what is deeper than one view is not looked at.
    """
    name = table.relation
    match table.kind:
        case "table" if not table.row_security:
            yield "row-level security is off", f"alter table {name} enable row level security;"
        case "view" if table.unguarded:
            read = ", ".join(map(str, table.unguarded))
            yield (
                f"it reads {read} as {table.owner}, to whom no policy applies",
                f"alter view {name} set (security_invoker = true);",
            )
        case "materialized view" | "foreign table":
            why = f"a {table.kind} has no row-level security"
            yield why, permission(role, "read", name, give=False)
        case _:
            pass
