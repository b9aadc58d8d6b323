"""Compares what the gate, or a check, said with what is right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from campaign.truth import Truth
from pgrst_gate.verdicts import Verdict

Grade = Literal["right", "wrong cause", "unproven", "false pass", "false failure"]
FALSE: Final = ("false pass", "false failure")
NO_VERDICT: Final = "no verdict"


@dataclass(frozen=True, slots=True)
class Graded:
    """One item of one trial."""

    item: str
    kind: str
    said: str
    """The cause of the gate's verdict, or `no verdict`."""
    right: frozenset[str]
    """The causes that are right."""
    grade: Grade
    told: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Habit:
    """What a check people write today said of an item: right, false pass or false failure."""

    name: str
    kind: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial."""

    seed: int
    version: str
    condition: str
    graded: tuple[Graded, ...]
    habits: tuple[Habit, ...]
    effects: tuple[int, ...]
    """Of the gate, in the order of `effects.NAMES`."""
    habit_effects: tuple[int, ...]
    """Of the checks people write today."""
    sentence: str
    """How the gate ended."""
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether it shows a bug of the gate."""
        return any(self.effects) or any(one.grade in FALSE for one in self.graded)


def grade(verdict: Verdict, right: Truth, *, believable: bool) -> Graded:
    """The grade of one verdict. Where nothing is believable, refusing to believe is right."""
    said = verdict.cause.value
    found: Grade
    if said == "unproven":
        found = "unproven"
    elif verdict.ok:
        found = "right" if right.as_expected else "false pass"
    elif not believable or said in right.causes:
        found = "right"
    else:
        found = "false failure" if right.as_expected else "wrong cause"
    return Graded(
        _shown(verdict), verdict.item.kind, said, right.causes, found, verdict.told, verdict.note
    )


def _shown(verdict: Verdict) -> str:
    return f"{'' if verdict.expected_present else 'no '}{verdict.item}"


def of_one_state(gradings: Iterable[Sequence[Graded]]) -> tuple[Graded, ...]:
    """The grading by the state that fits best as a whole.

    So an open gate is judged: answers of two rounds never add up.
    """
    return tuple(min(gradings, key=lambda graded: sorted(map(_mistake, graded), reverse=True)))


def of_any_state(gradings: Iterable[Sequence[Graded]]) -> tuple[Graded, ...]:
    """For each item the grading by the state that fits it best.

    So a closed gate is judged: each verdict tells of one moment, on one of the servers.
    """
    return tuple(min(graded, key=_mistake) for graded in zip(*gradings, strict=True))


def _mistake(graded: Graded) -> int:
    return ("right", "unproven", "wrong cause", *FALSE).index(graded.grade)
