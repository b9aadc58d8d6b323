"""Which relations anybody can read whole."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from pgrst_gate.health.values import Health, Rights, Role, Setting, Table
from pgrst_gate.schema import Relation
from pgrst_gate.unprotected import unprotected

SCANS: Final = Relation("public", "scans")
PLACE: Final = "migrations/1_scans.sql:3"
READS: Final = Rights(frozenset({"select"}))
TABLE: Final = Table(
    SCANS,
    "table",
    "owner",
    row_security=False,
    forced=False,
    policies=(),
    security_invoker=False,
    rights={"anon": READS},
    owners=frozenset(),
    sequences=(),
)
VIEW: Final = replace(TABLE, kind="view")


def health(table: Table, role: str = "anon") -> Health:
    """A database with this relation, as the role sees it."""
    return Health(
        schemas=("public",),
        missing=frozenset(),
        usage={"public": frozenset({role})},
        roles={role: Role(role, superuser=False, bypasses_policies=False)},
        tables={SCANS: table},
        routines=(),
        listening=None,
        settings=(),
        unhandled=(),
        triggers=(),
    )


OPEN: Final[Mapping[str, tuple[Table, str]]] = {
    "table": (TABLE, "alter table public.scans enable row level security;"),
    "one column": (
        replace(TABLE, rights={"anon": Rights(columns={"select": frozenset({"id"})})}),
        "alter table public.scans enable row level security;",
    ),
    "view": (
        replace(VIEW, unguarded=(Relation("private", "base"),)),
        "alter view public.scans set (security_invoker = true);",
    ),
    "materialized view": (
        replace(TABLE, kind="materialized view"),
        "revoke select on public.scans from public, anon;",
    ),
    "foreign table": (
        replace(TABLE, kind="foreign table"),
        "revoke select on public.scans from public, anon;",
    ),
}


@pytest.mark.parametrize(("table", "remedy"), OPEN.values(), ids=OPEN)
def test_what_no_policy_can_hide_is_found(table: Table, remedy: str) -> None:
    """With what closes it, at the line that made it."""
    found = unprotected(health(table), {SCANS: PLACE})

    assert found is not None
    [finding] = found
    assert finding.text.startswith("anon can read every row of public.scans: ")
    assert (finding.subject, finding.severity) == ("unprotected", "risk")
    assert (finding.remedy, finding.place) == (remedy, PLACE)


@pytest.mark.parametrize(
    "table",
    [
        replace(TABLE, row_security=True),
        replace(TABLE, rights={"anon": Rights(frozenset({"insert"}))}),
        replace(TABLE, rights={}),
        VIEW,
        replace(VIEW, security_invoker=True),
    ],
    ids=["row-level security", "written only", "not granted", "guarded view", "view as who asks"],
)
def test_what_a_policy_or_a_privilege_hides_is_not_found(table: Table) -> None:
    """Nobody without a key reads all of it."""
    assert unprotected(health(table), {SCANS: ""}) == ()


def test_what_was_not_asked_about_or_may_not_be_reached_is_not_found() -> None:
    """Another relation; and one in a schema that the role may not use."""
    shut = replace(health(TABLE), usage={"public": frozenset()})

    assert unprotected(health(TABLE), {Relation("public", "other"): ""}) == ()
    assert unprotected(shut, {SCANS: ""}) == ()


def test_the_anonymous_role_is_the_one_that_is_set() -> None:
    """In the database; and `anon` where none is."""
    named = (Setting("pgrst.db_anon_role", "web", "authenticator", database=""),)
    table = replace(TABLE, rights={"web": READS})

    found = unprotected(replace(health(table, "web"), settings=named), {SCANS: ""})

    assert found is not None
    assert [one.text.partition(" ")[0] for one in found] == ["web"]


@pytest.mark.parametrize("unseen", ["tables", "usage", "roles"])
def test_what_may_not_be_seen_is_not_called_protected(unseen: str) -> None:
    """Silence would open a gate that is to fail on it."""
    assert unprotected(replace(health(TABLE), **{unseen: None}), {SCANS: ""}) is None  # type: ignore[arg-type]


def test_an_anonymous_role_that_is_not_known_is_not_called_harmless() -> None:
    """It has another name, which the database does not hold."""
    assert unprotected(health(TABLE, "web"), {SCANS: ""}) is None
