"""The wait: what it makes of a server that changes while it is asked. Time is made up."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, cast

import pytest

from pgrst_gate.errors import NotObserved, NotRefreshed
from pgrst_gate.inputs import Given, Inputs, read_inputs
from pgrst_gate.journal import Journal
from pgrst_gate.looking import Waited
from pgrst_gate.postgrest.survey import Round, Survey
from pgrst_gate.replicas import Replica
from pgrst_gate.report import Event
from pgrst_gate.runtimes.interface import Instance
from pgrst_gate.schema import Expectation, Item, Relation
from pgrst_gate.verdicts import Cause, Facts, Loads
from pgrst_gate.wait import Wait
from pgrst_gate.watch import Watch

A, B = Relation("public", "a"), Relation("public", "b")
FRESH = Facts(cached=True, exists=True, allowed=True)
STALE = Facts(cached=False)
NOT_GRANTED = Facts(cached=True, exists=True, allowed=False)
DOWN = Facts(obstacle=Cause.UNREACHABLE)

World = Callable[[float, Item], Facts]


@dataclass
class Clock:
    """Seconds that pass only while somebody sleeps or asks."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class ScriptedSurvey:
    """A server that is, at each moment, as the world says. Every question takes 1 ms."""

    clock: Clock
    world: World
    expectation: Expectation = field(default_factory=lambda: Expectation((A, B)))
    nonsense: str = ""
    renewed: int = 0

    @property
    def client(self) -> "ScriptedSurvey":
        return self

    def next_round(self) -> None:
        self.renewed += 1

    def ask(self, item: Item) -> Facts:
        self.clock.now += 0.001
        return self.world(self.clock.now, item)

    def asked_with(self, item: Item) -> tuple[Item, ...]:
        return (item,)

    def glance(self, item: Item) -> Round:
        return Round({item: self.ask(item)}, complete=False)

    def look(self) -> Round:
        facts = {item: self.ask(item) for item in self.expectation.items}
        return Round(facts, not self.any_blocks(facts), self.nonsense)

    def only(self, item: Item) -> "ScriptedSurvey":
        present = item in self.expectation.present
        alone = Expectation((item,), ()) if present else Expectation((), (item,))
        return replace(self, expectation=alone)

    def diagnose(self) -> Round:
        return Round({item: self.ask(item) for item in self.expectation.items}, complete=True)

    def any_blocks(self, facts: Mapping[Item, Facts]) -> bool:
        return any(self.blocks(item, seen) for item, seen in facts.items())

    def blocks(self, item: Item, facts: Facts) -> bool:
        return Survey.blocks(cast("Any", self._as_survey()), item, facts)

    def _as_survey(self) -> object:
        return type("S", (), {"_present": frozenset(self.expectation.present)})()


@dataclass
class ScriptedWatch:
    """Loads as the world says."""

    clock: Clock
    loads: Callable[[float], Loads]

    def look(self, *, max_age: float = 0.0) -> Loads:
        del max_age
        return self.loads(self.clock.now)


def uncountable(_now: float) -> Loads:
    """Nothing that counts loads."""
    return Loads(countable=False)


@dataclass
class Waiting:
    """One wait, with all that can be asked of it afterwards."""

    world: World
    loads: Callable[[float], Loads] = uncountable
    texts: dict[str, str] = field(default_factory=dict)
    alive: Callable[[], None] = lambda: None
    refreshed: bool = True
    changes: bool = True
    nonsense: str = ""
    clock: Clock = field(default_factory=Clock)
    events: list[Event] = field(default_factory=list)

    def run(self) -> Waited:
        self.survey = ScriptedSurvey(self.clock, self.world, nonsense=self.nonsense)
        self.journal = Journal(self.events.append, self.clock)
        if self.refreshed:
            self.journal.sent("process", "reload", Instance("1", "process 1"), "SIGUSR1")
        inputs = self._inputs()
        replica = Replica(
            "",
            cast("Survey", self.survey),
            cast("Watch", ScriptedWatch(self.clock, self.loads)),
            missing=int(self.changes),
        )
        wait = Wait((replica,), inputs, self.journal, inputs.timeout, self.alive, self.clock.sleep)
        [waited] = wait.until_served()
        return waited

    def _inputs(self) -> Inputs:
        texts = {"url": "http://localhost", "timeout": "20", **self.texts}
        return read_inputs({name: Given(text, name) for name, text in texts.items()})


def causes(waited: Waited) -> list[str]:
    """The causes, in order."""
    return [verdict.cause.value for verdict in waited.verdicts]


def until(second: float, before: Facts, after: Facts = FRESH) -> World:
    """Everything changes at that second."""
    return lambda now, _item: before if now < second else after


def test_it_ends_soon_after_the_cache_is_fresh() -> None:
    """The gate adds about a tenth to what the reload takes, not a poll interval."""
    waiting = Waiting(until(3.0, STALE))

    waited = waiting.run()

    assert waited.served
    assert waiting.clock.now < 3.4


@pytest.mark.parametrize(("refreshed", "changes"), [(True, True), (False, False)])
def test_what_is_served_and_proven_as_far_as_can_be_is_not_waited_for(
    *, refreshed: bool, changes: bool
) -> None:
    """The item was missing before the refresh, or nothing was sent: there is no more to see."""
    waiting = Waiting(until(0, STALE), refreshed=refreshed, changes=changes)

    assert waiting.run().served
    assert waiting.clock.now < 0.1


def test_a_refresh_of_which_nothing_shows_is_given_time_to_fail() -> None:
    """All was served before it; a load that fails would take the old cache out of service."""
    fine = Waiting(until(0, STALE), changes=False)
    reloading = Facts(obstacle=Cause.RELOADING)
    breaks = Waiting(until(1.2, FRESH, reloading), changes=False)

    assert fine.run().served
    assert 2 <= fine.clock.now < 2.5
    assert not breaks.run().served


def test_a_wait_that_cannot_succeed_ends_at_its_deadline() -> None:
    """And not an interval later."""
    waiting = Waiting(until(1000, STALE), texts={"timeout": "7"})

    waited = waiting.run()

    assert not waited.served
    assert causes(waited) == ["stale", "stale"]
    assert 7 <= waiting.clock.now < 7.1


def test_a_long_wait_is_never_silent_for_long() -> None:
    """It says for what, since when, how often and with which answer, as its time doubles."""
    stale = replace(STALE, told=("GET /a: 400", "POST /a: 404 PGRST205"))
    waiting = Waiting(until(1000, stale), texts={"timeout": "100", "interval": "1"})

    waiting.run()

    first, *later = [one for one in waiting.events if one.stage == "wait"]
    assert first.text == "waiting: public.a is stale"
    assert 10 <= later[0].at < 12
    assert len(later) == 4
    assert all(2 * one.at <= after.at < 2 * one.at + 2 for one, after in pairwise(later))
    assert re.fullmatch(
        r"still waiting: public\.a is stale \(for 10 s, round \d+\);"
        r" last answer: POST /a: 404 PGRST205",
        later[0].text,
    )


def test_answers_of_two_rounds_never_add_up() -> None:
    """Each item is served half of the time, but never both in one round: that is not served."""

    def takes_turns(now: float, item: Item) -> Facts:
        odd = int(now / 0.0005) % 2
        return FRESH if (item is A) == bool(odd) else STALE

    waiting = Waiting(takes_turns, texts={"timeout": "5"})

    assert not waiting.run().served


@pytest.mark.parametrize("rounds", [2, 5])
def test_consecutive_rounds_are_in_a_row_and_on_fresh_connections(rounds: int) -> None:
    """One stale answer in between begins the row anew."""
    looks: list[float] = []

    def stale_once(now: float, item: Item) -> Facts:
        if item is A:
            looks.append(now)
        return STALE if len(looks) == 2 else FRESH

    waiting = Waiting(stale_once, texts={"consecutive": str(rounds)})

    waited = waiting.run()

    assert waited.rounds == rounds
    assert len(looks) > rounds + 1
    assert waiting.survey.renewed == rounds


def test_a_row_that_does_not_fit_into_the_time_is_told() -> None:
    """Too many rounds for the timeout: what was seen is good, but it is not enough."""
    waiting = Waiting(until(0, STALE), texts={"consecutive": "500", "timeout": "2"})

    waited = waiting.run()

    assert waited.served
    assert waited.rounds < 500


def test_flapping_answers_close_the_gate() -> None:
    """A last look at which everything happens to be well does not make up for the rounds before."""
    fresh_only_for_the_diagnosis = until(5.0015, STALE)
    waiting = Waiting(fresh_only_for_the_diagnosis, texts={"timeout": "5"})

    waited = waiting.run()

    assert not waited.served
    assert "stale" in causes(waited)


def test_a_missing_grant_ends_the_wait_at_once() -> None:
    """Reloading never repairs a grant."""
    waiting = Waiting(lambda _now, item: NOT_GRANTED if item is A else FRESH)

    waited = waiting.run()

    assert causes(waited) == ["not-granted", "served"]
    assert waiting.clock.now < 2


def test_it_goes_on_while_any_item_may_still_come() -> None:
    """One hopeless item does not hide that another is only stale, until it is served."""

    def world(now: float, item: Item) -> Facts:
        if item is A:
            return NOT_GRANTED
        return STALE if now < 6 else FRESH

    waiting = Waiting(world)

    waited = waiting.run()

    assert causes(waited) == ["not-granted", "served"]
    assert waiting.clock.now >= 6


def test_a_settled_load_without_the_item_ends_the_wait() -> None:
    """The load began after the migration, so what it has not seen is not there."""
    waiting = Waiting(until(1000, STALE), lambda now: Loads(finished=now > 0.5, settled=now > 1.5))

    waited = waiting.run()

    assert causes(waited) == ["not-applied", "not-applied"]
    assert waiting.clock.now < 3


def test_it_looks_for_the_load_to_be_counted() -> None:
    """Everything is served already, but a countable load is better evidence, and soon there."""
    waiting = Waiting(until(0, STALE), lambda now: Loads(finished=now > 2))

    waited = waiting.run()

    assert waited.loads.finished
    assert 2 < waiting.clock.now < 2.5


def test_it_does_not_look_for_long() -> None:
    """A load that is never counted costs ten seconds and opens the gate all the same."""
    waiting = Waiting(until(0, STALE), lambda _now: Loads())

    waited = waiting.run()

    assert waited.served
    assert 10 <= waiting.clock.now < 12


def test_it_looks_for_as_long_as_there_is_time_when_asked_to() -> None:
    """With `require-evidence: confirmed` nothing less will do."""
    waiting = Waiting(
        until(0, STALE), lambda now: Loads(finished=now > 15), {"require-evidence": "confirmed"}
    )

    assert waiting.run().loads.finished


def test_without_a_refresh_no_load_is_looked_for() -> None:
    """A pull-request gate that refreshes nothing must not wait for what nobody asked for."""
    waiting = Waiting(until(0, STALE), lambda _now: Loads(), refreshed=False)

    assert waiting.run().served
    assert waiting.clock.now < 0.1


def test_a_dead_server_ends_the_wait() -> None:
    """The runtime knows that it will not come back."""

    def gone() -> None:
        raise NotRefreshed("container api is gone")

    waiting = Waiting(until(1000, DOWN), alive=gone)

    with pytest.raises(NotRefreshed):
        waiting.run()


def test_a_server_that_comes_back_is_waited_for() -> None:
    """A restart refuses connections for a while."""
    waiting = Waiting(until(4, DOWN))

    assert waiting.run().served


@pytest.mark.parametrize(("timeout", "cause"), [("3", "reloading"), ("6", "reload-failing")])
def test_a_server_without_a_cache_for_long_is_failing(timeout: str, cause: str) -> None:
    """503 for a moment is a load; for five seconds it is a load that fails."""
    reloading = Facts(obstacle=Cause.RELOADING)
    waiting = Waiting(until(1000, reloading), texts={"timeout": timeout})

    assert causes(waiting.run()) == [cause, cause]


def test_accepted_nonsense_ends_everything() -> None:
    """Who accepts a name that cannot exist is believed nothing else."""
    waiting = Waiting(until(0, STALE), nonsense="GET /no_such: 200")

    with pytest.raises(NotObserved) as caught:
        waiting.run()

    assert caught.value.cause == "not-postgrest"


def test_a_line_is_printed_for_each_change_and_not_for_each_look() -> None:
    """A log of three lines can be read, one of three hundred cannot."""
    waiting = Waiting(until(3.0, STALE))
    waiting.run()

    said = [event.text for event in waiting.events if event.stage == "wait"]

    assert said == ["waiting: public.a is stale", "as expected: 2 of 2 items"]


def test_it_looks_often_at_first_and_less_often_later() -> None:
    """From 20 ms up to `interval`."""
    looks: list[float] = []

    def stale(now: float, item: Item) -> Facts:
        if item is A:
            looks.append(now)
        return STALE

    Waiting(stale, texts={"timeout": "19", "interval": "1s"}).run()
    pauses = list(differences(looks))

    assert pauses[0] < 0.03
    assert max(pauses) <= 1.01
    assert 30 < len(looks) < 90


def differences(moments: list[float]) -> Iterator[float]:
    """The pauses between moments."""
    yield from (later - sooner for sooner, later in pairwise(moments))


def several(*worlds: World, timeout: float = 20) -> tuple[tuple[Waited, ...], Clock]:
    """One wait for several servers, named by their numbers; gives how each ended, and when."""
    clock = Clock()
    journal = Journal(lambda _: None, clock)
    inputs = read_inputs({"url": Given("http://localhost", "url")})
    replicas = tuple(
        Replica(
            str(number),
            cast("Survey", ScriptedSurvey(clock, world)),
            cast("Watch", ScriptedWatch(clock, uncountable)),
            missing=1,
        )
        for number, world in enumerate(worlds)
    )
    wait = Wait(replicas, inputs, journal, timeout, sleep=clock.sleep)
    return wait.until_served(), clock


def test_all_servers_are_waited_for_side_by_side() -> None:
    """It takes as long as the slowest, and not as all of them together."""
    waited, clock = several(until(3, STALE), until(5, STALE), until(4, STALE))

    assert all(one.served for one in waited)
    assert 5 <= clock.now < 5.7


def test_one_stale_server_keeps_the_others_from_ending_the_wait() -> None:
    """Each ends with its own verdicts, of all items."""
    waited, clock = several(until(0, STALE), until(1000, STALE), timeout=6)

    assert [one.served for one in waited] == [True, False]
    assert [causes(one) for one in waited] == [["served", "served"], ["stale", "stale"]]
    assert 6 <= clock.now < 6.2


def test_a_server_beyond_help_does_not_end_the_wait_for_another() -> None:
    """That one is still only stale, and gets its own verdict; then the wait ends at once."""
    waited, clock = several(lambda _now, _item: NOT_GRANTED, until(4, STALE))

    assert [causes(one)[0] for one in waited] == ["not-granted", "served"]
    assert 4 <= clock.now < 9
