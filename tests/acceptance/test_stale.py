"""A cache that is older than the migration never opens the gate, whatever is asked for."""

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import GONE, NEW, World


@pytest.mark.parametrize(("kind_of_item", "item"), NEW)
def test_what_was_not_loaded_closes_the_gate(stale: World, kind_of_item: str, item: str) -> None:
    """Every kind of item is told stale: exit 1, and nothing was sent."""
    report = gate(stale.url, timeout=BRIEF, **{kind_of_item: item})

    assert (report.exit_code, set(causes(report).values())) == (1, {"stale"})
    assert "stale" in report.sentence
    assert report.receipts == ()


@pytest.mark.parametrize("item", GONE)
def test_what_was_dropped_is_still_served(stale: World, item: str) -> None:
    """The cache still has it, so it is not gone."""
    report = gate(stale.url, timeout=BRIEF, expected_absent=item)

    assert (report.exit_code, causes(report)) == (1, {item.replace(": ", "."): "still-served"})


@pytest.mark.parametrize("present", ["", "scans: status"])
def test_one_column_that_is_gone_does_not_speak_for_another(stale: World, present: str) -> None:
    """A refusal names one missing column of many: each is told by itself."""
    report = gate(
        stale.url,
        timeout=BRIEF,
        expected_absent="scans: never, legacy",
        **({"expected_columns": present} if present else {}),
    )

    assert report.exit_code == 1
    assert causes(report) == {"scans.never": "gone", "scans.legacy": "still-served"} | (
        {"scans.status": "served"} if present else {}
    )


@pytest.mark.parametrize("admin", [True, False])
def test_a_function_that_takes_any_keys_hides_no_stale_overload(
    stale: World, *, admin: bool
) -> None:
    """`greedy(json)` is cached and accepts a call of `greedy(a, b)`, which is not."""
    report = gate(
        stale.url,
        timeout=BRIEF,
        expected_functions="greedy(a, b)",
        admin_url=stale.admin_url if admin else "",
    )

    assert (report.exit_code, causes(report)) == (1, {"greedy(a, b)": "unproven"})


@needs("hides columns")
def test_an_endpoint_is_expected_before_it_is_requested(stale: World) -> None:
    """The usual check passes on a stale cache; the gate expects what it names, and does not ask."""
    path = "/scans?select=ended_at,last_activity_at"
    before = len(stale.requests())

    report = gate(stale.url, timeout=BRIEF, endpoints=path)

    assert report.exit_code == 1
    assert causes(report) == {
        "scans": "served",
        "scans.ended_at": "stale",
        "scans.last_activity_at": "stale",
    }
    assert [result.passed for result in report.endpoints] == [None]
    assert not any(f"{path} HTTP" in line for line in stale.requests()[before:])


@needs("tells calls")
def test_a_call_is_not_made_before_its_function_is_proven(stale: World) -> None:
    """The keys of a request's body are the function's arguments; while stale it is not called."""
    call = 'POST /rpc/update_scan_heartbeat {"scan_id": 1, "progress_msg": "x"} -> 204'

    report = gate(stale.url, timeout=BRIEF, endpoints=call)

    assert causes(report) == {"update_scan_heartbeat(scan_id, progress_msg)": "stale"}
    assert [result.passed for result in report.endpoints] == [None]
    assert stale.rows("select * from heartbeats") == []


@needs("tells calls")
def test_the_database_has_what_the_cache_lacks(stale: World) -> None:
    """Items that are there all along, and those that nobody made, are told from the stale ones."""
    report = gate(
        stale.url,
        timeout=BRIEF,
        expected_columns="scans: status, ended_at, never",
        expected_functions="ping()\nupdate_scan_heartbeat(scan_id, progress_msg)",
    )

    assert report.exit_code == 1
    assert causes(report) == {
        "scans.status": "served",
        "scans.ended_at": "stale",
        "scans.never": "not-applied",
        "ping()": "served",
        "update_scan_heartbeat(scan_id, progress_msg)": "stale",
    }


@needs("hides columns")
def test_a_remedy_is_named(stale: World) -> None:
    """What to type is said for each item that closes the gate."""
    report = gate(stale.url, timeout=BRIEF, expected_columns="scans: ended_at")

    assert "NOTIFY pgrst, 'reload schema'" in report.verdicts[0].remedy
