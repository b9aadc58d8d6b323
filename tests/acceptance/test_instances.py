"""Several servers behind one address: one that is stale keeps the gate closed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import pytest
from tests.acceptance.capabilities import each_line
from tests.acceptance.running import causes, gate
from tests.acceptance.world import MIGRATION, World, start_world

from pgrst_sandbox.faults.balancer import balanced, balanced_by_request

THREE = "heartbeats, active_scans, scan_counts"
Balancing = Callable[[Sequence[str]], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def neighbour(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Another server over the same database."""
    home, database = tmp_path_factory.mktemp("bin"), shared.database
    with start_world(shared.cluster, shared.kind, home, database=database) as started:
        yield started


@pytest.fixture
def second(world: World, neighbour: World) -> World:
    """The other server, with a cache as old as the first's."""
    assert neighbour.database == world.database
    neighbour.reload()
    return neighbour


@each_line("which questions a round has is all that it depends on")
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
    world: World, second: World, balancing: Balancing, expected: str, reloaded: int
) -> None:
    """Of two servers over one database, behind a balancer, none, one or both have reloaded.

    However many questions a round has, no item is asked of the same server round after round.
    """
    with balancing([world.url, second.url]) as url:
        world.sql(MIGRATION)
        for server in [world, second][:reloaded]:
            server.reload()

        report = gate(url, timeout="1s", expected_tables=expected, consecutive="4")

        assert report.exit_code == (0 if reloaded == 2 else 1)
        if reloaded == 1:
            assert "stale" in causes(report).values()


def test_a_notification_reaches_all_instances(world: World, second: World) -> None:
    """NOTIFY is heard by every server of the database, so the gate opens."""
    with balanced([world.url, second.url]) as url:
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
    assert "in 6 whole rounds in a row, each on fresh connections" in report.sentence
