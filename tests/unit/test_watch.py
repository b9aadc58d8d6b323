"""What counts as a load since the refresh."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.client import Client
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.runtimes.interface import Instance, Mark, Runtime
from pgrst_gate.watch import Watch

ONE, TWO = Instance("1", "container one"), Instance("2", "container two")
LOADED = ("Successfully connected to PostgreSQL 15", "Schema cache loaded in 7 milliseconds")
FAILED = ("Successfully connected to PostgreSQL 15", "Failed to load the schema cache. {}")


@dataclass
class World:
    """Counters, processes and logs, to be changed between two looks."""

    now: float = 0.0
    finished: float = 1.0
    failed: float = 0.0
    metrics: bool = True
    started: dict[str, str] = field(default_factory=lambda: {"1": "then", "2": "then"})
    log: dict[str, tuple[str, ...]] = field(default_factory=dict)
    logged: bool = True

    # the admin server
    def ask(self, question: Question) -> Answer:
        assert question.target == "/metrics"
        lines = f'pgrst_schema_cache_loads_total{{status="SUCCESS"}} {self.finished:.1f}\n'
        if self.failed:
            lines += f'pgrst_schema_cache_loads_total{{status="FAIL"}} {self.failed:.1f}\n'
        return Answer(200, {}, lines.encode()) if self.metrics else Answer(404)

    # the runtime
    def mark(self, instance: Instance) -> Mark:
        return Mark(self.started[instance.key], "position" if self.logged else "")

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        del mark
        return self.log.get(instance.key, ())


def watch(world: World, *instances: Instance, admin: bool = False) -> Watch:
    """A watch that has begun."""
    found = Watch(
        cast("Runtime", world),
        instances,
        cast("Client", world) if admin else None,
        lambda: world.now,
    )
    found.begin()
    return found


def test_nothing_seen_is_nothing_told() -> None:
    """A load from before the refresh does not count."""
    loads = watch(World(), ONE, admin=True).look()

    assert (loads.finished, loads.failing, loads.told) == (False, False, "")


def test_a_counter_that_rises_is_a_load() -> None:
    """And it says how many were counted."""
    world = World()
    seen = watch(world, admin=True)
    world.finished = 3

    loads = seen.look()

    assert (loads.finished, loads.told) == (True, "2 loads counted since the first look")


def test_a_counter_that_begins_anew_is_a_new_process() -> None:
    """Counters restart at 0 with the process."""
    world = World(finished=7)
    seen = watch(world, admin=True)
    world.finished = 1

    assert seen.look().told == "1 load counted since the first look"


def test_a_failed_load_is_failing_until_one_succeeds() -> None:
    """Retries are counted, too."""
    world = World()
    seen = watch(world, admin=True)
    world.failed = 2
    failing = seen.look()
    world.finished = 2
    recovered = seen.look()

    assert (failing.failing, failing.finished) == (True, False)
    assert (recovered.failing, recovered.finished) == (False, True)


def test_a_new_process_is_a_load() -> None:
    """It read the schema when it started."""
    world = World()
    seen = watch(world, ONE)
    world.started["1"] = "now"

    assert seen.look().told == "container one is a new process"


def test_log_lines_are_a_load() -> None:
    """Begin and end after the baseline."""
    world = World()
    seen = watch(world, ONE)
    world.log["1"] = LOADED

    assert (seen.look().finished, seen.look().told) == (True, "container one logged 1 load")


def test_a_failure_in_the_log_is_quoted() -> None:
    """The line says why, better than any guess."""
    world = World()
    seen = watch(world, ONE)
    world.log["1"] = FAILED

    loads = seen.look()

    assert loads.failing
    assert "Failed to load the schema cache. {}" in loads.told


def test_one_replica_does_not_stand_for_two() -> None:
    """Evidence of one instance says nothing of the other, nor do the counters of one."""
    world = World()
    seen = watch(world, ONE, TWO, admin=True)
    world.log["1"] = LOADED
    world.finished = 2
    one = seen.look()
    world.log["2"] = LOADED
    both = seen.look()

    assert (one.finished, both.finished) == (False, True)


@pytest.mark.parametrize(
    ("metrics", "logged", "countable"),
    [(True, False, True), (False, True, True), (False, False, False)],
)
def test_it_knows_whether_a_load_could_be_seen(
    metrics: bool,  # noqa: FBT001 - a column of the table
    logged: bool,  # noqa: FBT001
    *,
    countable: bool,
) -> None:
    """Where nothing counts loads, nobody waits for one to be counted."""
    seen = watch(World(metrics=metrics, logged=logged), ONE, admin=True)

    assert seen.look().countable is countable


def test_a_load_settles_when_no_further_one_shows() -> None:
    """A queued load begins within 100 ms of the first; only then is what is missing not there."""
    world = World()
    seen = watch(world, admin=True)
    world.now, world.finished = 0.2, 2
    first = seen.look()
    world.now, world.finished = 1.1, 3
    second = seen.look()
    world.now = 2.5
    early = seen.look()
    world.now = 3.5
    late = seen.look()

    assert [one.settled for one in (first, second, early, late)] == [False, False, False, True]


def test_a_recent_look_will_do() -> None:
    """While the cache is stale, logs and counters are not read at every glance."""
    world = World()
    seen = watch(world, admin=True)
    seen.look()
    world.finished = 2
    world.now = 0.2

    assert not seen.look(max_age=0.25).finished
    assert seen.look().finished


def test_a_further_refresh_begins_a_new_baseline() -> None:
    """What the first rung did is no evidence for the second."""
    world = World()
    seen = watch(world, admin=True)
    world.finished = 2
    seen.begin()

    assert not seen.look().finished
