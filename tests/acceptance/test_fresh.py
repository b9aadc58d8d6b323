"""With the migration loaded: what is served opens the gate, what is not is told apart."""

import time
from typing import Final

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import GONE, NEW, World, token


@pytest.mark.parametrize(("kind_of_item", "item"), NEW)
def test_what_was_loaded_opens_the_gate(fresh: World, kind_of_item: str, item: str) -> None:
    """Every kind of item is served: exit 0, at the first look."""
    report = gate(fresh.url, **{kind_of_item: item})

    assert (report.exit_code, set(causes(report).values())) == (0, {"served"})
    assert (report.attempts, report.evidence.value) == (1, "unproven")


@pytest.mark.parametrize("item", GONE)
def test_what_was_dropped_is_gone(fresh: World, item: str) -> None:
    """Neither cache nor database has it: exit 0."""
    report = gate(fresh.url, expected_absent=item)

    assert (report.exit_code, set(causes(report).values())) == (0, {"gone"})


_SHOWN: Final = needs("counts loads")
TYPES: Final = (
    ("expected_columns", "scans: ended_at timestamptz, retyped text", "", "served"),
    ("expected_columns", "scans: retyped int", "", "type-drift"),
    ("expected_columns", "scans: ended_at timestamptz, retyped text", "admin", "served"),
    ("expected_columns", "scans: retyped int", "admin", "type-drift"),
    pytest.param(
        *("expected_functions", "overloaded(a int, b integer)", "admin", "served"), marks=_SHOWN
    ),
    pytest.param(
        *("expected_functions", "overloaded(a int, b text)", "admin", "type-drift"), marks=_SHOWN
    ),
    ("expected_functions", "overloaded(a int, b int)", "", "unproven"),
)


@pytest.mark.parametrize(("kind_of_item", "item", "admin", "cause"), TYPES)
def test_a_named_type_is_checked(
    fresh: World, kind_of_item: str, item: str, admin: str, cause: str
) -> None:
    """Types are those of the cache, by the API's description or the admin server.

    Where neither shows them, as with arguments without the admin server, nothing is taken for
    granted.
    """
    admin_url = fresh.admin_url if admin else ""

    report = gate(fresh.url, timeout=BRIEF, admin_url=admin_url, **{kind_of_item: item})

    assert set(causes(report).values()) == {cause}
    assert report.exit_code == (0 if cause == "served" else 1)


@needs("tells calls")
def test_a_missing_grant_is_told_at_once(fresh: World) -> None:
    """No reload can help, so the gate does not wait; it says what to grant."""
    began = time.monotonic()

    report = gate(
        fresh.url,
        timeout="30s",
        token=token("stranger"),
        expected_tables="heartbeats",
        expected_columns="scans: ended_at",
        expected_functions="guarded(a)",
        expected_relationships="scans -> projects",
    )

    assert report.exit_code == 1
    assert causes(report) == {
        "heartbeats": "not-granted",
        "scans.ended_at": "not-granted",
        "guarded(a)": "not-granted",
        "scans -> projects": "not-granted",
    }
    assert all(verdict.remedy.startswith("grant ") for verdict in report.verdicts)
    assert time.monotonic() - began < 5


def test_a_grant_on_one_column_is_none_on_another(fresh: World) -> None:
    """Columns that the role may read are served, those that it may not are told, at once."""
    began = time.monotonic()

    report = gate(
        fresh.url,
        timeout="30s",
        token=token("stranger"),
        expected_columns="scans: id, status, ended_at",
    )

    assert (report.exit_code, causes(report)) == (
        1,
        {"scans.id": "served", "scans.status": "served", "scans.ended_at": "not-granted"},
    )
    assert time.monotonic() - began < 5


@needs("tells calls")
def test_a_schema_that_may_not_be_used_is_not_granted(fresh: World) -> None:
    """Without USAGE on the schema nothing in it can be used."""
    report = gate(
        fresh.url,
        token=token("outsider"),
        expected_columns="scans: ended_at",
        expected_functions="overloaded(a, b)",
    )

    assert (report.exit_code, set(causes(report).values())) == (1, {"not-granted"})


@needs("tells calls")
def test_a_grant_to_another_role_does_not_count(fresh: World) -> None:
    """Each role has its own verdict: `root` may call what `stranger` may not."""
    report = gate(fresh.url, token=token("root"), expected_functions="guarded(a)")

    assert (report.exit_code, causes(report)) == (0, {"guarded(a)": "served"})


@needs("tells calls")
def test_functions_that_differ_in_types_only_are_ambiguous(fresh: World) -> None:
    """No client can call them by names, so they are not served."""
    report = gate(fresh.url, timeout=BRIEF, expected_functions="same_names(a)")

    assert (report.exit_code, causes(report)) == (1, {"same_names(a)": "ambiguous"})


@pytest.mark.parametrize("item", ["overloaded(a)", "overloaded(a, b)"])
@needs("tells calls")
def test_each_overload_stands_for_itself(fresh: World, item: str) -> None:
    """Only the overload that must be gone closes the gate, although both are of one name."""
    assert gate(fresh.url, expected_functions=item).exit_code == 0
    assert gate(fresh.url, timeout=BRIEF, expected_absent=item).exit_code == 1


@needs("tells calls")
def test_optional_arguments_must_be_named(fresh: World) -> None:
    """A call without the optional argument is a call of the same function, and is served."""
    report = gate(fresh.url, expected_functions="update_scan_heartbeat(scan_id)")

    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("required", "exit_code"), [("unproven", 0), ("inferred", 1), ("confirmed", 1)]
)
def test_the_required_evidence_is_required(fresh: World, required: str, exit_code: int) -> None:
    """Where all was served before and no load was seen, stronger evidence is not made up."""
    report = gate(
        fresh.url,
        timeout=BRIEF,
        expected_columns="scans: ended_at",
        admin_url=fresh.admin_url,
        require_evidence=required,
    )

    assert (report.exit_code, report.evidence.value) == (exit_code, "unproven")
    assert set(causes(report).values()) == {"served"}


def test_a_schema_that_is_not_exposed_is_told(fresh: World) -> None:
    """It is a matter of the server's configuration, which waiting does not change."""
    report = gate(fresh.url, expected_columns="hidden.secrets: id")

    assert (report.exit_code, set(causes(report).values())) == (1, {"not-exposed"})
    assert "db-schemas" in report.verdicts[0].remedy


def test_a_dry_run_asks_and_sends_nothing(fresh: World) -> None:
    """Not one request, and no notification: the plan is told, exit 0."""
    before = fresh.requests()

    report = gate(
        fresh.url,
        dry_run="true",
        runtime="notify",
        database_url=fresh.database_url,
        expected_columns="scans: ended_at",
    )

    assert (report.exit_code, report.conclusion.value) == (0, "planned")
    assert any("column scans.ended_at" in event.text for event in report.events)
    assert fresh.requests() == before
    assert report.receipts == ()
