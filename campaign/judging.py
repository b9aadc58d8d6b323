"""Holds a report against the truth, in each state there was while the gate looked."""

from dataclasses import dataclass, field
from typing import Final

import httpx
import psycopg

from campaign.bases import quoted
from campaign.grading import (
    NO_VERDICT,
    Grade,
    Graded,
    Habit,
    grade,
    of_any_state,
    of_one_state,
)
from campaign.habits import Check
from campaign.scene import Scene
from campaign.servers import Servers
from campaign.state import State
from campaign.surface import Name, Parameter, Surface
from campaign.truth import Truth, truth
from pgrst_gate.report import Conclusion, Report
from pgrst_gate.schema import Item

_KEEPS_CACHE: Final = (16,)
"""After a failed load; older ones serve nothing then."""
_SHARES_INT32: Final = (14, 8)
_EXPOSED: Final = frozenset({"api", "extra"})


@dataclass(slots=True)
class Judge:
    """Knows what is right in a scene."""

    scene: Scene
    servers: Servers
    shows_types: bool = False
    """The gate was given the admin server's address."""
    passing: list[State] = field(default_factory=list)
    """States there were while the gate looked, besides the last."""

    def remember(self) -> None:
        """Keep the state as of now: it will pass while the gate looks."""
        self.passing.append(self._state())

    def _state(self, number: int = 0, *, loads_seen: bool = False) -> State:
        """Everything that decides what is right now, on one server."""
        condition = self.scene.condition
        try:
            cached: Surface | None = self.servers.cached(number)
        except httpx.TransportError:
            cached = None
        if condition.loads_fail and self.servers.version < _KEEPS_CACHE:
            cached = None
        database = self.servers.look(self.scene.role)
        return State(
            version=self.servers.version,
            cached=cached,
            database=database,
            exposed=_EXPOSED,
            resolves=self._resolves,
            same_type=self._same_type,
            readable=not condition.bad_token and database.usable_schemas >= _EXPOSED,
            shares_int32=self.servers.version >= _SHARES_INT32 and not self.shows_types,
            loads_seen=loads_seen,
            failing=condition.loads_fail,
        )

    def states(self, *, loads_seen: bool = False) -> list[State]:
        """The state of each server as of now."""
        numbers = range(self.scene.condition.replicas)
        return [self._state(number, loads_seen=loads_seen) for number in numbers]

    def graded(self, report: Report, *, loads_seen: bool) -> tuple[Graded, ...]:
        """The verdicts' grades: see `of_one_state` and `of_any_state`.

        Of replicas all must serve what an open gate calls served.
        """
        last = self.states(loads_seen=loads_seen)
        passing = [[state] for state in self.passing]
        if report.conclusion is Conclusion.OPEN:
            return of_one_state(self._graded_by(report, one) for one in (*passing, last))
        alone = [[state] for state in last]
        return of_any_state([self._graded_by(report, one) for one in (*passing, *alone)])

    def habit(self, check: Check, states: list[State], *, expected_present: bool) -> Habit:
        """The grade of a check that people write today."""
        right = self._right(check.item, states, expected_present=expected_present).as_expected
        passed = check.passed is expected_present
        false: Grade = "false pass" if passed else "false failure"
        return Habit(check.habit, check.item.kind, "right" if passed is right else false)

    def _right(self, item: Item, states: list[State], *, expected_present: bool) -> Truth:
        """What is right where all of the servers must serve it."""
        found = [truth(item, one, expected_present=expected_present) for one in states]
        causes = frozenset[str]().union(*(one.causes for one in found if not one.as_expected))
        if self.scene.condition.bad_token:
            return Truth(as_expected=False, causes=causes | {"unauthorized"})
        return found[0] if not causes else Truth(as_expected=False, causes=causes)

    def _graded_by(self, report: Report, states: list[State]) -> tuple[Graded, ...]:
        believable, expected = self.scene.condition.believable, self.scene.expected
        if report.verdicts:
            return tuple(
                grade(
                    verdict,
                    self._right(verdict.item, states, expected_present=verdict.expected_present),
                    believable=believable,
                )
                for verdict in report.verdicts
            )
        refusal = report.problem.message if report.problem else report.sentence
        wanted = [(item, True) for item in expected.present]
        wanted += [(item, False) for item in expected.absent]
        return tuple(
            _without_verdict(
                item,
                self._right(item, states, expected_present=present),
                refusal,
                believable=believable,
            )
            for item, present in wanted
        )

    def _resolves(self, name: Name, parameters: tuple[Parameter, ...]) -> bool:
        """Whether PostgreSQL finds the function; it is parsed, never run."""
        given = ", ".join(
            ("variadic " if one.variadic else "")
            + (f"{quoted(one.name)} => " if one.name else "")
            + f"${number}::{one.type}"
            for number, one in enumerate(parameters, 1)
        )
        called = f"{name.schema}.{quoted(name.name)}({given})"
        try:
            with self.servers.connection.transaction():
                self.servers.connection.execute(f"prepare called as select {called}".encode())
                self.servers.connection.execute(b"deallocate called")
        except psycopg.Error:
            return False
        return True

    def _same_type(self, one: str, other: str) -> bool:
        query = "select coalesce(to_regtype(%s) = to_regtype(%s), false)"
        found = self.servers.connection.execute(query, (one, other)).fetchone()
        return bool(found and found[0])


def _without_verdict(item: Item, right: Truth, refusal: str, *, believable: bool) -> Graded:
    found: Grade = "false failure" if right.as_expected and believable else "right"
    return Graded(str(item), item.kind, NO_VERDICT, right.causes, found, (refusal,))
