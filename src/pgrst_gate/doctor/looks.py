"""What an examination gives: for each subject one look, found well or with findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from pgrst_gate.errors import NotObserved
from pgrst_gate.findings import Finding

Subject = Literal[
    "reachability",
    "server",
    "admin-server",
    "gateway",
    "cache",
    "instances",
    "database",
    "schemas",
    "listener",
    "event-triggers",
    "grants",
    "unprotected",
    "timeouts",
    "foreign-tables",
    "migration-versions",
    "migration-history",
    "migration-repeats",
]
SUBJECTS: Final[tuple[Subject, ...]] = get_args(Subject)
"""In the order of the report; each has a section in docs/doctor.md."""

HIDDEN: Final = "this user may not see it"

State = Literal["ok", "risk", "broken", "not looked at"]


@dataclass(frozen=True, slots=True)
class Look:
    """One subject: what was looked at, and what was found wrong with it."""

    subject: Subject
    text: str
    """What was seen; or why nothing was. Untrusted."""
    findings: tuple[Finding, ...] = ()
    looked: bool = True
    refused: bool = False
    """It was given to be looked at, and did not answer."""

    @property
    def state(self) -> State:
        """The worst that was found. A note is nothing bad."""
        if not self.looked:
            return "not looked at"
        severities = {one.severity for one in self.findings}
        return "broken" if "broken" in severities else "risk" if "risk" in severities else "ok"


@dataclass(frozen=True, slots=True)
class Examination:
    """All looks, in the order of `SUBJECTS`."""

    looks: tuple[Look, ...]

    @property
    def exit_code(self) -> int:
        """4 where something that was given did not answer, 1 where something is broken, else 0."""
        if any(one.refused for one in self.looks):
            return NotObserved.exit_code
        return int(any(one.state == "broken" for one in self.looks))

    @property
    def sentence(self) -> str:
        """The conclusion."""
        states = [one.state for one in self.looks]
        counts = [f"{states.count(one)} {one}" for one in ("broken", "risk", "ok", "not looked at")]
        return f"{len(states)} subjects: {', '.join(counts)}"


def unseen(subject: Subject, why: str) -> Look:
    """Nothing was looked at, and why."""
    return Look(subject, why, looked=False)


def refused(subject: Subject, error: NotObserved) -> Look:
    """What was given did not answer."""
    finding = Finding(subject, "broken", str(error), remedy=error.hint)
    return Look(subject, "could not be asked", (finding,), refused=True)
