"""The user's own requests: made once the cache is proven, and as binding as the items."""

from typing import Final

import pytest
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import World, token

CALL: Final = 'POST /rpc/update_scan_heartbeat {"scan_id": 1, "progress_msg": "test"} -> 204'

PASSED: Final = (
    "/scans?select=ended_at,last_activity_at",
    "GET /scans?select=id,projects(name)&id=eq.1 -> 200",
    'GET /scans?select=id,ended_at -> 200 [{"id": 1, "ended_at": null}]',
    "/rpc/tick -> 200 1",
    'POST /rpc/overloaded {"a": 1, "b": 2} -> 200 3',
    "GET /heartbeats?scan_id=eq.7 as anonymous -> 200 []",
    "DELETE /heartbeats?scan_id=eq.7 -> 204",
    "GET /never -> 404",
    CALL,
)
FAILED: Final = (
    ("GET /scans?select=id -> 404", "200"),
    ("GET /scans?select=id -> 200 []", "200"),
    ("GET /scans?select=never", "42703"),
    ('POST /rpc/update_scan_heartbeat {"scan_id": 7, "progress_msg": "x"} -> 204', "23503"),
)


@pytest.mark.parametrize("line", PASSED)
def test_an_endpoint_that_answers_as_expected_opens_the_gate(fresh: World, line: str) -> None:
    """Status and body are as the line says, or any status of the 200s."""
    report = gate(fresh.url, expected_columns="scans: ended_at", endpoints=line)

    assert [(result.line, result.passed) for result in report.endpoints] == [(line, True)]
    assert report.exit_code == 0


@pytest.mark.parametrize(("line", "answered"), FAILED)
def test_an_endpoint_that_does_not_closes_the_gate(fresh: World, line: str, answered: str) -> None:
    """All items are served, and yet the gate is closed; what was answered is said."""
    report = gate(
        fresh.url, expected_columns="scans: ended_at", endpoints=f"/projects\n{line}\n/heartbeats"
    )

    assert set(causes(report).values()) == {"served"}
    assert [result.passed for result in report.endpoints] == [True, False, True]
    assert answered in report.endpoints[1].answered
    assert report.exit_code == 1
    assert "1 of 3 endpoints did not answer as expected" in report.sentence


def test_an_endpoint_is_not_requested_behind_a_closed_gate(fresh: World) -> None:
    """One item is not served, so no request of the user's is made."""
    before = fresh.rows("select * from heartbeats")

    report = gate(fresh.url, timeout=BRIEF, expected_columns="scans: never", endpoints=CALL)

    assert [result.passed for result in report.endpoints] == [None]
    assert fresh.rows("select * from heartbeats") == before


def test_an_endpoint_is_requested_as_whom_it_says(fresh: World) -> None:
    """With all credentials, with the API key alone, or with none."""
    report = gate(
        fresh.url,
        api_key="sb_publishable_0123456789",
        token=token("member"),
        expected_functions="me()",
        endpoints="""
            /rpc/me -> 200 "member"
            /rpc/me as token -> 200 "member"
            /rpc/me as api-key -> 200 "anon"
            /rpc/me as anonymous -> 200 "anon"
        """,
    )

    assert [result.passed for result in report.endpoints] == [True] * 4
    assert report.exit_code == 0
