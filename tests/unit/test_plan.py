"""What a run will do, decided from the inputs alone."""

import pytest

from pgrst_gate.errors import MissingInput, UsageError
from pgrst_gate.inputs import Given, read_inputs
from pgrst_gate.plan import Plan, described, make_plan

REF = "abcdefghijklmnopqrst"


def plan(**texts: str) -> Plan:
    """The plan of inputs by attribute names; a table is expected unless they say otherwise."""
    texts = {"url": "http://localhost:3000", "expected_tables": "scans", **texts}
    return make_plan(
        read_inputs({name.replace("_", "-"): Given(text, name) for name, text in texts.items()})
    )


@pytest.mark.parametrize(
    ("texts", "ladder"),
    [
        ({}, ("reload",)),
        ({"method": "reload"}, ("reload",)),
        ({"method": "sighup"}, ("reload",)),
        ({"method": "restart"}, ("restart",)),
        ({"escalate": "true"}, ("reload", "restart")),
        ({"escalate": "true", "database_url": "postgres://x"}, ("reload", "notify", "restart")),
        (
            {"runtime": "notify", "database_url": "postgres://x", "escalate": "true"},
            ("reload", "notify"),
        ),
    ],
)
def test_the_mildest_refresh_comes_first(texts: dict[str, str], ladder: tuple[str, ...]) -> None:
    """A restart is only planned where it is asked for."""
    assert plan(**texts).ladder == ladder


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"expected_tables": ""}, "nothing is expected"),
        ({"expected_tables": "", "endpoints": "GET /rpc/f?a=1"}, "nothing is expected"),
        ({"expected_absent": "scans"}, "expected both present and absent: scans"),
        ({"runtime": "docker"}, "runtime docker needs `container`"),
        ({"runtime": "compose", "project": "app"}, "runtime compose needs `service`"),
        ({"runtime": "swarm"}, "runtime swarm needs `service`"),
        ({"runtime": "none", "log_file": "x"}, "`log-file` does not go with runtime none"),
        ({"runtime": "systemd"}, "runtime systemd needs `unit`"),
        ({"runtime": "kubernetes"}, "runtime kubernetes needs `workload`"),
        (
            {"workload": "pods/app=rest", "method": "restart"},
            "`method: restart` needs a deployment or a statefulset in `workload`",
        ),
        ({"workload": "pods/app=rest", "escalate": "true"}, "`escalate` needs a deployment or"),
        ({"runtime": "notify"}, "runtime notify needs `database-url`"),
        ({"pid": "1", "pid_file": "a"}, "only one of `pid`, `pid-file`"),
        ({"runtime": "none", "method": "restart"}, "does not go with runtime none"),
        ({"runtime": "none", "method": "reload"}, "does not go with runtime none"),
        (
            {"runtime": "notify", "database_url": "postgres://x", "method": "restart"},
            "which cannot restart a server",
        ),
        ({"runtime": "none", "escalate": "true"}, "`escalate` does not go with runtime none"),
        (
            {"runtime": "notify", "database_url": "postgres://x", "method": "sighup"},
            "there is no process to signal",
        ),
        ({"runtime": "supabase", "access_token": "sbp_x"}, "supabase needs `project-ref`"),
        ({"runtime": "supabase", "project_ref": REF}, "needs `access-token`, or SUPABASE_ACCESS"),
        (
            {"runtime": "supabase", "project_ref": REF, "access_token": "x", "method": "sighup"},
            "there is no process to signal",
        ),
        (
            {"runtime": "supabase", "project_ref": REF, "access_token": "x", "escalate": "true"},
            "`escalate` does not go with runtime supabase",
        ),
        (
            {"url": f"https://{'z' * 20}.supabase.co/rest/v1", "project_ref": REF},
            f"`project-ref` is {REF}, and `url` is of the project {'z' * 20}",
        ),
        ({"project_ref": REF, "access_token": "x"}, "hosted project, and `url` is of this machine"),
        ({"runtime": "process", "method": "restart"}, "needs `restart-command`"),
        ({"method": "restart", "escalate": "true"}, "nothing to climb to"),
        ({"mode": "verify", "require_evidence": "inferred"}, "mode verify sends none"),
        ({"expect_from": "config", "expected_tables": ""}, "nothing is typed in any input"),
        ({"expect_from": "database"}, "`expect-from: database` needs `database-url`"),
        ({"reach_host": "true", "host": "ssh://a"}, "`reach-host` and `host` name two machines"),
        (
            {"reach_host": "true", "process_name": "postgrest", "restart_command": "x"},
            "`restart-command` does not go with `reach-host`",
        ),
        ({"ssh_key": "~/.ssh/key"}, "`ssh-key` is given, and no `host` to use it for"),
        ({"ssh_known_hosts": "hosts"}, "`ssh-known-hosts` is given, and no `host`"),
    ],
)
def test_inputs_that_do_not_go_together_are_refused(texts: dict[str, str], message: str) -> None:
    """A gate that could not keep its word says so before it touches anything."""
    with pytest.raises(UsageError) as caught:
        plan(**texts)

    assert message in str(caught.value)


def test_a_key_that_a_fork_is_not_given_is_what_is_missing() -> None:
    """A pull request from a fork gets no key: that is told apart from a wrong input."""
    inputs = read_inputs(
        {
            "url": Given("http://localhost:3000", ""),
            "expected-tables": Given("scans", ""),
            "host": Given("ssh://deploy@staging", ""),
        }
    )

    assert make_plan(inputs).excuse == ""
    with pytest.raises(MissingInput, match="`host` needs `ssh-key`"):
        make_plan(inputs, no_secrets="it is from a fork")


def test_endpoints_alone_expect_what_they_name() -> None:
    """The guide's own check, alone, must not open the gate on a stale cache."""
    found = plan(expected_tables="", endpoints="/scans?select=ended_at,last_activity_at")

    assert [str(item) for item in found.expectation.present] == [
        "scans",
        "scans.ended_at",
        "scans.last_activity_at",
    ]


def test_endpoints_add_nothing_to_named_expectations() -> None:
    """Who says what is expected knows better than a URL, which may name a computed field."""
    found = plan(endpoints="/people?select=full_name")

    assert [str(item) for item in found.expectation.present] == ["scans"]


def test_a_plan_can_be_read() -> None:
    """What `dry-run` prints names the server, the refresh and every expectation."""
    lines = described(plan(expected_absent="old: legacy", endpoints="/scans", runtime="none"))

    assert "refresh nothing (runtime none)" in lines
    assert {"expect relation scans", "expect no column old.legacy", "then request /scans"} <= {
        *lines
    }
