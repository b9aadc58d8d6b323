"""Request lines."""

import pytest

from pgrst_gate.expectations.endpoints import Endpoint, endpoints, implied
from pgrst_gate.expectations.inline import SyntaxProblem

CALL = 'POST /rpc/update_scan_heartbeat {"scan_id": 1, "progress_msg": "test"}'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/scans", Endpoint("/scans", "GET", "/scans")),
        ("get /scans -> 200", Endpoint("get /scans -> 200", "GET", "/scans", status=200)),
        (
            "/scans?select=a as anonymous → 401",
            Endpoint(
                "/scans?select=a as anonymous → 401",
                "GET",
                "/scans?select=a",
                role="anonymous",
                status=401,
            ),
        ),
        (
            f"{CALL} as api-key -> 204",
            Endpoint(
                f"{CALL} as api-key -> 204",
                "POST",
                "/rpc/update_scan_heartbeat",
                '{"scan_id": 1, "progress_msg": "test"}',
                "api-key",
                204,
            ),
        ),
        (
            '/rpc/ping => 200 "pong"',
            Endpoint('/rpc/ping => 200 "pong"', "GET", "/rpc/ping", status=200, answer='"pong"'),
        ),
    ],
)
def test_a_request_line_reads(line: str, expected: Endpoint) -> None:
    """Method, path, body, role, status and body, in this order, most of them optional."""
    assert endpoints(f"# a comment\n\n{line}\n") == (expected,)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("scans", "begins with a path"),
        ("FETCH /scans", "FETCH is no method; use one of GET"),
        ("POST /scans {nonsense}", "the body is not JSON"),
        ("/scans as root", "credentials are anonymous, api-key, token"),
        ("/scans -> ok", "`-> ok` is left over"),
        ("/scans 200", "`200`"),
    ],
)
def test_a_line_that_does_not_read_is_told(line: str, part: str) -> None:
    """The error quotes the line and says what would be right."""
    if line == "/scans 200":
        assert endpoints(line)[0].body == "200"  # a JSON body, however odd
        return
    with pytest.raises(SyntaxProblem) as caught:
        endpoints(line)

    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("line", "items"),
    [
        (
            "/scans?select=ended_at,last_activity_at",
            ["scans", "scans.ended_at", "scans.last_activity_at"],
        ),
        ("/scans?select=id,projects(name,owner(id))&limit=1", ["scans", "scans.id"]),
        ("/scans?select=*,n:status,amount.sum(),data->>x", ["scans"]),
        (CALL, ["update_scan_heartbeat(scan_id, progress_msg)"]),
        ("POST /rpc/ping {}", ["ping()"]),
        ("GET /rpc/f?a=1", []),
        ("/", []),
        ("/old_table -> 404", []),
        ('POST /scans {"id": 1}', ["scans"]),
    ],
)
def test_requests_imply_what_they_name(line: str, items: list[str]) -> None:
    """So that a request which succeeds is never taken for a fresh cache."""
    assert list(map(str, implied(endpoints(line)).present)) == items
