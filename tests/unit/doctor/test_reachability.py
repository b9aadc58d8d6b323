"""What a name alone tells."""

import pytest

from pgrst_gate.doctor.looks import State
from pgrst_gate.doctor.reachability import examined


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (["192.0.2.1"], "ok"),
        (["2001:db8::1", "192.0.2.1"], "ok"),
        (["2001:db8::1"], "risk"),
        (["fe80::1%eth0"], "risk"),
        ([], "broken"),
    ],
)
def test_a_host_is_judged_by_its_addresses(found: list[str], state: State) -> None:
    """IPv6 alone is a risk, for GitHub's runners have none; an unknown name reaches nobody."""
    look = examined({"database-url": "postgresql://u:hunter2@db.test:5432/d"}, lambda _: found)

    assert look.state == state
    assert "db.test" in look.text
    assert "hunter2" not in str(look)


@pytest.mark.parametrize("found", [["2001:db8::1"], []])
def test_the_direct_host_of_a_supabase_project_has_ways_around_it(found: list[str]) -> None:
    """The session pooler and the Management API are named, for this project."""
    host = "db.abcdefghijklmnopqrst.supabase.co"

    look = examined({"database-url": f"postgresql://postgres:hunter2@{host}/d"}, lambda _: found)

    (finding,) = look.findings
    assert "postgres.abcdefghijklmnopqrst:<password>@aws-<n>-<region>.pooler" in finding.remedy
    assert "`project-ref: abcdefghijklmnopqrst`" in finding.remedy
    assert "hunter2" not in str(look)
