"""Refreshes that seem to work and do not: a load counted is no schema served."""

from typing import Final

import pytest
from tests.acceptance.capabilities import any_version, each_line, needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import MIGRATION, World

from pgrst_sandbox.faults.deafness import deaf
from pgrst_sandbox.faults.gateway import Gateway, serving
from pgrst_sandbox.faults.lag import replica

EXPECTED: Final = {
    "expected_columns": "scans: ended_at",
    "expected_functions": "update_scan_heartbeat(scan_id, progress_msg)",
}


@each_line("the lag is PostgreSQL's")
@needs("tells calls")
def test_a_load_from_an_old_snapshot_opens_no_gate(world: World, start: Start) -> None:
    """A replica that lags is loaded without error, and what it lacks is not there."""
    with (
        replica(world.cluster) as lagging,
        start(
            database=world.database,
            dsn=lagging.standby.dsn(world.database, "authenticator"),
            environment={"PGRST_DB_CHANNEL_ENABLED": "false"},  # a standby refuses LISTEN
        ) as follower,
    ):
        refreshed = {"runtime": "process", "pid": str(follower.server.pid)}
        lagging.hold_back()
        world.sql(MIGRATION)
        behind = gate(follower.url, timeout="3s", **refreshed, **EXPECTED)
        lagging.catch_up()
        loaded_too_early = gate(follower.url, timeout=BRIEF, **EXPECTED)
        loaded_again = gate(follower.url, **refreshed, **EXPECTED)

    assert behind.exit_code == 1
    assert causes(behind)["scans.ended_at"] == "not-applied"
    assert len(behind.receipts) == 1
    assert (loaded_too_early.exit_code, set(causes(loaded_too_early).values())) == (1, {"stale"})
    assert (loaded_again.exit_code, set(causes(loaded_again).values())) == (0, {"served"})


@each_line("the loss is the pooler's")
@needs("counts loads")
def test_a_listener_that_hears_nothing_opens_no_gate(world: World, start: Start) -> None:
    """It is connected, the notification is sent, and no load follows: only a signal helps."""
    with (
        deaf(world.cluster.dsn(world.database, "authenticator")) as dsn,
        start(database=world.database, dsn=dsn) as unhearing,
    ):
        world.sql(MIGRATION)
        notified = gate(
            unhearing.url,
            timeout="1s",
            runtime="notify",
            database_url=world.database_url,
            admin_url=unhearing.admin_url,
            **EXPECTED,
        )
        signalled = gate(
            unhearing.url,
            runtime="process",
            pid=str(unhearing.server.pid),
            admin_url=unhearing.admin_url,
            **EXPECTED,
        )

    assert (notified.exit_code, set(causes(notified).values())) == (1, {"stale"})
    assert (len(notified.receipts), notified.evidence.value) == (1, "unproven")
    assert (signalled.exit_code, signalled.evidence.value) == (0, "confirmed")


@any_version("the gateway alone answers")
@pytest.mark.parametrize("status", [401, 404, 429, 502, 503])
def test_a_gateway_that_refuses_gives_no_verdict(world: World, status: int) -> None:
    """Its own answers are none of PostgREST's, and nothing was sent: exit 4."""
    with serving(Gateway(world.url, refuses=status)) as url:
        report = gate(
            url,
            timeout="500ms",
            runtime="notify",
            database_url=world.database_url,
            **EXPECTED,
        )

    assert (report.exit_code, report.conclusion.value) == (4, "not-observed")
    assert report.receipts == ()


@pytest.mark.parametrize("status", [502, 503])
@needs("tells calls")
def test_a_gateway_that_is_coming_up_is_waited_for(world: World, status: int) -> None:
    """As it answers for a server that is only just starting."""
    world.sql(MIGRATION)
    world.reload()
    with serving(Gateway(world.url, refuses=status, passes_after=5)) as url:
        report = gate(url, **EXPECTED)

    assert (report.exit_code, set(causes(report).values())) == (0, {"served"})
