"""One server that is asked round after round: how far it has come, and when that is enough.

The wait asks several side by side; each has a row of good rounds of its own, and its own cause.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from pgrst_gate.errors import NotObserved
from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.postgrest.survey import Round
from pgrst_gate.replicas import Replica
from pgrst_gate.report import Evidence
from pgrst_gate.verdicts import Cause, Loads, Verdict, judge_all

EVIDENCE_SECONDS: Final = 10.0
"""How long to go on looking for a countable load once everything is served after a refresh."""
UNSEEN_SECONDS: Final = 2.0
"""How long to go on looking after a refresh of which nothing can be seen, neither its load nor a
change: up to 13 a load that fails takes the old cache out of service (recordings/failing-*)."""
GLANCE_SECONDS: Final = 0.25
"""How old a look at counters and logs may be while the cache is seen to be stale."""
HOPELESS_AFTER_SECONDS: Final = 1.0
"""How long a refresh must lie back before anything is called hopeless: replicas lag a little."""
LASTING_SECONDS: Final = 5.0
"""A server that has had no schema cache for so long is failing to load it."""
HEARTBEAT_SECONDS: Final = 10.0
"""The least silence of a wait; from then on it says something whenever its time has doubled."""
FLAPPING: Final = "it was served in one round and not in the next: several instances, not all fresh"


@dataclass(frozen=True, slots=True)
class Waited:
    """How the wait for one server ended: the verdicts of its last round."""

    verdicts: tuple[Verdict, ...]
    loads: Loads
    rounds: int = 0
    """Whole good rounds in a row, this one included."""

    @property
    def served(self) -> bool:
        """Whether every item was as expected in this round."""
        return self.rounds > 0

    @property
    def hopeless(self) -> bool:
        """Whether waiting cannot help any of the items that are not as expected."""
        red = [verdict for verdict in self.verdicts if not verdict.ok]
        return bool(red) and all(verdict.hopeless for verdict in red)


@dataclass(slots=True)
class Looking:
    """One server, and what was seen of it so far. Moments are the journal's seconds."""

    replica: Replica
    inputs: Inputs
    journal: Journal
    alive: Callable[[], None]
    """Called while the API does not answer; raises `NotRefreshed` when it never will again."""
    seen: Waited = field(default_factory=lambda: Waited((), Loads()))
    """The last look."""
    _red: Verdict | None = None
    """The item that last closed a round: the first to ask in the next."""
    _began: float = field(init=False)
    _diagnosed: Waited | None = None
    """The last diagnosis, if it was that waiting cannot help, and no good round came since."""
    _diagnose_at: float = HOPELESS_AFTER_SECONDS
    _settled: bool = False
    _rounds: int = 0
    _served_at: float = 0.0
    _said: str = field(default="", repr=False)
    _said_at: float = 0.0
    _since: float = 0.0
    """Since when what was said last is so."""

    def __post_init__(self) -> None:
        self._began = self.journal.now

    def look(self) -> None:
        """A whole round, or as much of one as it takes to see that it is too early."""
        self.seen = self._look()

    def ends(self) -> bool:
        """Whether this server need not be asked again: its last round was the last of its row."""
        return self.seen.served and self._enough()

    def is_hopeless(self) -> bool:
        """Whether waiting cannot help this server, as it was found the last time that was due."""
        if self._diagnosis_is_due():
            self._diagnosed = self._hopeless()
        self.seen = self._diagnosed or self.seen
        return self._diagnosed is not None

    def give_up(self) -> Waited:
        """Every item by itself, so that each has its own cause; a good row stays as it is.

        This round may be a good one: then answers flap between instances, and the item that closed
        the round before stays closed.
        """
        if self.seen.served:
            return self.seen
        diagnosed = self._judged(self.replica.survey.diagnose())
        lasting = self._waited >= LASTING_SECONDS
        verdicts = tuple(_failing(verdict, lasting=lasting) for verdict in diagnosed.verdicts)
        if self._red is not None and all(verdict.ok for verdict in verdicts):
            flapped = replace(self._red, note=FLAPPING)
            verdicts = tuple(flapped if v.item == flapped.item else v for v in verdicts)
        return replace(diagnosed, verdicts=verdicts)

    @property
    def _waited(self) -> float:
        return self.journal.now - self._began

    def _diagnosis_is_due(self) -> bool:
        """Whether it is time to ask if waiting can help: now and then, and once a load settled."""
        if self.seen.served or self._waited < HOPELESS_AFTER_SECONDS:
            return False
        settled, self._settled = (
            self.seen.loads.settled and not self._settled,
            self.seen.loads.settled,
        )
        if not settled and self._waited < self._diagnose_at:
            return False
        self._diagnose_at = self._waited * 2
        return True

    def _look(self) -> Waited:
        survey = self.replica.survey
        if self._red is not None:
            glance = survey.glance(self._red.item)
            if survey.any_blocks(glance.facts):
                return self._closed(glance, self._judged(glance))
        seen = survey.look()
        refuse_nonsense(seen)
        waited = self._judged(seen)
        if not (seen.complete and all(verdict.ok for verdict in waited.verdicts)):
            return self._closed(seen, waited)
        self._rounds += 1
        self._diagnosed = None
        if self._rounds == 1:
            self._served_at = self.journal.now
            self._say(f"as expected: {len(waited.verdicts)} of {len(waited.verdicts)} items")
        return replace(waited, rounds=self._rounds)

    def _closed(self, seen: Round, waited: Waited) -> Waited:
        """A round that was not good; it ends the row and names the item to ask first next time."""
        survey = self.replica.survey
        red = next(
            verdict
            for verdict in waited.verdicts
            if not verdict.ok
            and (seen.complete or survey.blocks(verdict.item, seen.facts[verdict.item]))
        )
        self._rounds, self._red = 0, red
        others = 0 if seen.complete else len(survey.asked_with(red.item)) - 1
        which = f"{red.item} or one of {others} asked with it" if others else str(red.item)
        self._say(f"waiting: {which} is {red.cause}", red.told)
        if red.cause is Cause.UNREACHABLE:
            self.alive()
        return waited

    def _say(self, text: str, told: tuple[str, ...] = ()) -> None:
        """Say what is so, once; where it lasts, again now and then: a silent log looks hung."""
        now = self.journal.now
        by = f"{self.replica.name}: " if self.replica.name else ""
        if text != self._said:
            self._said, self._said_at, self._since = text, now, now
            self.journal.note("wait", f"{by}{text}")
        elif now - self._said_at >= max(HEARTBEAT_SECONDS, self._said_at - self._since):
            self._said_at = now
            answer = f"; last answer: {told[-1]}" if told else ""
            for_how_long = f"for {now - self._since:.0f} s, round {self.journal.attempts:,}"
            self.journal.note("wait", f"{by}still {text} ({for_how_long}){answer}")

    def _judged(self, seen: Round) -> Waited:
        loads = self.replica.watch.look(max_age=0.0 if seen.complete else GLANCE_SECONDS)
        if loads.finished:
            self.journal.loaded()
        verdicts = judge_all(self.replica.survey.expectation, seen.facts, loads)
        return Waited(verdicts, loads)

    def _hopeless(self) -> Waited | None:
        """All causes, if waiting can help no item; asked for one first, which mostly settles it.

        That one may be as expected by itself: a refusal is of all columns that were asked together.
        """
        if self._red is None:
            return None
        alone = self._judged(self.replica.survey.only(self._red.item).diagnose())
        if any(not verdict.ok and not verdict.hopeless for verdict in alone.verdicts):
            return None
        diagnosed = self._judged(self.replica.survey.diagnose())
        return diagnosed if diagnosed.hopeless else None

    def _enough(self) -> bool:
        """Whether this good round ends the row, with its evidence."""
        if self._rounds < self.inputs.consecutive:
            self.replica.survey.client.next_round()
            return False
        loads = self.seen.loads
        if loads.finished or self.journal.now - self._served_at >= self._patience(loads):
            return True
        self._say("all served; looking on, for a load to be counted or to fail")
        return False

    def _patience(self, loads: Loads) -> float:
        """Seconds to go on looking, once everything is served, for what shows the load."""
        if loads.countable and self.inputs.require_evidence is Evidence.CONFIRMED:
            return float("inf")
        if not self.journal.receipts:
            return 0.0
        if loads.countable:
            return EVIDENCE_SECONDS
        return 0.0 if self.replica.missing else UNSEEN_SECONDS


def _failing(verdict: Verdict, *, lasting: bool) -> Verdict:
    if verdict.cause is Cause.RELOADING and lasting:
        return replace(verdict, cause=Cause.RELOAD_FAILING)
    return verdict


def refuse_nonsense(seen: Round) -> None:
    """Raise `NotObserved` when a name that cannot exist was accepted: believe nothing then."""
    if seen.accepted_nonsense:
        raise NotObserved(
            f"a name that cannot exist was accepted: {seen.accepted_nonsense}",
            hint="something between here and PostgREST answers in its place (a caching gateway, a"
            " mock, a single-page fallback): use the address of PostgREST itself as `url`",
            cause="not-postgrest",
        )
