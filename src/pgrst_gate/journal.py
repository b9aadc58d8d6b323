"""The record of a run while it goes on.

From it a report can be made at any moment, also when the run is cancelled half-way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pgrst_gate.drift.comparison import Comparison
from pgrst_gate.errors import Cancelled, GateError
from pgrst_gate.findings import Finding
from pgrst_gate.report import (
    AccessResult,
    Conclusion,
    EndpointResult,
    Event,
    Evidence,
    InstanceResult,
    Level,
    Milestones,
    OnFailure,
    Problem,
    Receipt,
    Report,
    Server,
    Stage,
)
from pgrst_gate.runtimes.interface import Action, Instance
from pgrst_gate.verdicts import Verdict


@dataclass(slots=True)
class Journal:
    """What has happened so far. The flow writes here and nowhere else."""

    tell: Callable[[Event], None]
    """Called with every event as it happens."""
    clock: Callable[[], float] = time.monotonic
    server: Server | None = None
    runtime: str = "not chosen"
    evidence: Evidence = Evidence.UNPROVEN
    evidence_told: str = ""
    verdicts: tuple[Verdict, ...] = ()
    endpoints: tuple[EndpointResult, ...] = ()
    access: tuple[AccessResult, ...] = ()
    instances: tuple[InstanceResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    drift: Comparison | None = None
    milestones: Milestones = field(default_factory=Milestones)
    attempts: int = 0
    _events: list[Event] = field(default_factory=list)
    _receipts: list[Receipt] = field(default_factory=list)
    _began: float = 0.0
    _started_at: str = ""

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return self.clock() - self._began

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What was sent so far."""
        return tuple(self._receipts)

    def note(self, stage: Stage, text: str, level: Level = "info") -> None:
        """Record and tell a change of state."""
        event = Event(self.now, stage, text, level)
        self._events.append(event)
        self.tell(event)

    def sent(self, runtime: str, action: Action, instance: Instance, what: str) -> None:
        """Record and tell that something was sent to an instance."""
        self._receipts.append(Receipt(runtime, action, what, instance.name, self.now))
        self.milestones = replace(Milestones(), refreshed=self.now)
        self.note("refresh", f"sent {what} to {instance.name}")

    def loaded(self) -> None:
        """Record the first sign of a finished load since the refresh."""
        if self.milestones.loaded is None:
            self.milestones = replace(self.milestones, loaded=self.now)

    def served(self) -> None:
        """Record the first whole round in which everything was as expected."""
        if self.milestones.served is None:
            self.milestones = replace(self.milestones, served=self.now)

    def report(
        self,
        conclusion: Conclusion,
        exit_code: int,
        sentence: str,
        problem: Problem | None = None,
    ) -> Report:
        """The run as it stands, concluded."""
        return Report(
            conclusion=conclusion,
            exit_code=exit_code,
            sentence=sentence,
            evidence=self.evidence,
            evidence_told=self.evidence_told,
            runtime=self.runtime,
            server=self.server,
            verdicts=self.verdicts,
            endpoints=self.endpoints,
            receipts=self.receipts,
            events=tuple(self._events),
            milestones=self.milestones,
            attempts=self.attempts,
            started_at=self._started_at,
            seconds=self.now,
            problem=problem,
            drift=self.drift,
            findings=self.findings,
            access=self.access,
            instances=self.instances,
        )

    def completed(self, report: Report, on_failure: OnFailure) -> Report:
        """A report of this run, with what was done because of it."""
        return replace(report, on_failure=on_failure, events=tuple(self._events), seconds=self.now)

    def failed(self, error: GateError) -> Report:
        """The run as it stands, ended by an error."""
        first = str(error).splitlines()[0]
        return self.report(
            Conclusion(error.verdict),
            error.exit_code,
            f"no verdict: {first}{self._sent_so_far(first)}",
            Problem(str(error), error.hint),
        )

    def skipped(self, why: str, missing: str) -> Report:
        """The run as it stands: it was not to be, for nobody would tell it the secrets."""
        self.note("plan", why)
        sentence = f"skipped: {why}: {missing.splitlines()[0]} (nothing was sent)"
        return self.report(Conclusion.SKIPPED, 0, sentence)

    def cancelled(self, cancelled: Cancelled) -> Report:
        """The run as it stands, ended by a signal."""
        sentence = f"cancelled{self._sent_so_far()}"
        return self.report(Conclusion.CANCELLED, cancelled.exit_code, sentence)

    def _sent_so_far(self, said: str = "") -> str:
        if "nothing was sent" in said.lower():
            return ""
        done = [f"{receipt.sent} to {receipt.target}" for receipt in self._receipts]
        return f" (sent so far: {'; '.join(done)})" if done else " (nothing was sent)"
