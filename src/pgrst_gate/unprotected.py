"""Which relations anybody can read whole, by the state of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pgrst_gate.findings import Finding
from pgrst_gate.health.settings import anonymous
from pgrst_gate.health.values import Health, Table
from pgrst_gate.remedies import permission
from pgrst_gate.schema import Relation

SUBJECT: Final = "unprotected"


def unprotected(health: Health, places: Mapping[Relation, str]) -> tuple[Finding, ...] | None:
    """A finding for each of these relations of which no policy hides a row from the anonymous role.

    ``places`` is where each was made, `file:line`, or empty. None where it is not known which role
    that is, or what it may do.
    """
    role = anonymous(health.settings) or "anon"
    if health.tables is None or health.usage is None or role not in (health.roles or {}):
        return None
    read = {
        one: table
        for one in places
        if (table := health.tables.get(one))
        and role in health.usage.get(one.schema, ())
        and _reads(table, role)
    }
    return tuple(
        Finding(
            SUBJECT,
            "risk",
            f"{role} can read every row of {one}: {why}",
            (f"database: {role} has select on {one}",),
            remedy,
            places[one],
        )
        for one, table in read.items()
        for why, remedy in _open(table, role)
    )


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
