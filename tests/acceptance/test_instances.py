"""Several servers behind one address: one that is stale keeps the gate closed."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from tests.acceptance.conftest import Start
from tests.acceptance.running import causes, gate
from tests.acceptance.world import MIGRATION, World

from pgrst_sandbox.faults.balancer import balanced, balanced_by_request

THREE = "heartbeats, active_scans, scan_counts"
Balancing = Callable[[Sequence[str]], AbstractContextManager[str]]


@pytest.mark.parametrize(
    ("balancing", "expected", "reloaded"),
    [
        (balanced, "heartbeats", 0),
        (balanced, "heartbeats", 1),
        (balanced, "heartbeats", 2),
        (balanced, THREE, 1),
        (balanced_by_request, "heartbeats", 1),
        (balanced_by_request, THREE, 1),
        (balanced_by_request, THREE, 2),
    ],
)
def test_the_gate_opens_only_when_all_instances_are_fresh(
    world: World, start: Start, balancing: Balancing, expected: str, reloaded: int
) -> None:
    """Of two servers over one database, behind a balancer, none, one or both have reloaded.

    However many questions a round has, no item is asked of the same server round after round.
    """
    with (
        start(database=world.database) as second,
        balancing([world.url, second.url]) as url,
    ):
        world.sql(MIGRATION)
        for server in [world, second][:reloaded]:
            server.reload()

        report = gate(url, timeout="1s", expected_tables=expected, consecutive="4")

        assert report.exit_code == (0 if reloaded == 2 else 1)
        if reloaded == 1:
            assert "stale" in causes(report).values()


def test_a_notification_reaches_all_instances(world: World, start: Start) -> None:
    """NOTIFY is heard by every server of the database, so the gate opens."""
    with (
        start(database=world.database) as second,
        balanced([world.url, second.url]) as url,
    ):
        world.sql(MIGRATION)

        report = gate(
            url,
            runtime="notify",
            database_url=world.database_url,
            expected_tables="heartbeats",
            expected_functions="tick()",
            consecutive="6",
        )

    assert (report.exit_code, report.evidence.value) == (0, "inferred")
    assert "2 listening" in report.runtime
