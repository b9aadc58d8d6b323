"""The one value that all reporters render: what was asked, done, seen and concluded in a run.

Everything here is plain and frozen. Text that a server, a log or a command said is untrusted: it
sits in the fields marked *untrusted* and is made safe by each reporter for its own medium.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, Literal

from pgrst_gate.drift.comparison import Comparison
from pgrst_gate.findings import Finding
from pgrst_gate.schema import Item
from pgrst_gate.verdicts import Cause, Verdict


class Evidence(Enum):
    """How strongly a run saw the cache being loaded, weakest first."""

    UNPROVEN = "unproven"
    INFERRED = "inferred"
    CONFIRMED = "confirmed"

    def satisfies(self, required: Evidence) -> bool:
        """Whether this strength is at least the required one."""
        order = list(Evidence)
        return order.index(self) >= order.index(required)


class Conclusion(StrEnum):
    """The word for how a run ended; the output `verdict`."""

    OPEN = "open"
    CLOSED = "closed"
    PLANNED = "planned"
    SKIPPED = "skipped"
    USAGE_ERROR = "usage-error"
    NOT_REFRESHED = "not-refreshed"
    NOT_OBSERVED = "not-observed"
    CANCELLED = "cancelled"


Format = Literal["json", "junit", "sarif", "gitlab", "badge"]
"""What a report can be written as; `gitlab` is its code-quality JSON."""


JSON_REPORT: Final = "pgrst-gate-report.json"
"""What the JSON report is called where no name was given."""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file that the report is to be written to. In a directory it gets a name of its own."""

    format: Format
    path: str


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where a report goes besides the place that it is always shown at."""

    files: tuple[ReportFile, ...] = ()
    comment: str = ""
    """The id of the comment on the pull request; empty for none."""
    github_token: str = field(default="", repr=False)


Level = Literal["info", "notice", "warning"]
Stage = Literal[
    "plan",
    "preflight",
    "baseline",
    "refresh",
    "wait",
    "verify",
    "endpoints",
    "diagnose",
    "failure",
    "report",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One change of state: ``at`` seconds after the start of the run. ``text`` may be untrusted."""

    at: float
    stage: Stage
    text: str
    level: Level = "info"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was sent to a server, to whom and when. Never a claim that it worked."""

    runtime: str
    action: Literal["reload", "restart"]
    sent: str
    """For people: `SIGUSR1`, `NOTIFY pgrst, 'reload schema'`, `docker restart`."""
    target: str
    """For people: `container api (3f2a9c1b)`, `unit postgrest.service`, `process 4711`."""
    at: float
    """Seconds after the start of the run."""


@dataclass(frozen=True, slots=True)
class EndpointResult:
    """A request line of the user's, and its answer. It proves nothing about the cache."""

    line: str
    expected: str
    answered: str
    """Status and the start of the body, untrusted; empty when it was not sent."""
    passed: bool | None
    """None: not sent, because the cache was not proven."""


AccessOutcome = Literal["kept", "broken", "not judged", "not asked"]
"""`not judged`: neither success nor a refusal for lack of a privilege, so it closes the gate too.
`not asked`: the cache was not proven."""


@dataclass(frozen=True, slots=True)
class AccessResult:
    """A rule of `access`, and what came of it."""

    line: str
    """The rule on one role and one item: `anon may not read public.scans`."""
    outcome: AccessOutcome
    cause: Cause | None = None
    """Why it was not judged; or `rls-hidden` where no policy shows the role a row."""
    told: tuple[str, ...] = ()
    """The questions and answers it rests on, in order; untrusted text."""
    note: str = ""
    """What a reader should know besides."""
    remedy: str = ""
    """What to type; empty where the rule is kept."""

    @property
    def fails(self) -> bool:
        """Whether it closes the gate."""
        return self.outcome in {"broken", "not judged"}


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgREST that was asked."""

    url: str
    version: str
    """As in `14.14`; `13 or later` when it could only be narrowed down; empty when never told."""
    told_by: str
    """Where the version is from: `Server header`, `OpenAPI`, `its answers`."""
    schemas: tuple[str, ...]
    """The schemas that were asked for, the first is where unqualified names live."""


@dataclass(frozen=True, slots=True)
class InstanceResult:
    """One address that was asked by itself, and what came of it."""

    name: str
    """For people: `container api-2`, or the address; the last one is `url`."""
    url: str
    evidence: Evidence
    evidence_told: str
    """How the evidence was told; untrusted."""
    served: int
    """How many items are as expected there."""
    not_served: tuple[Verdict, ...] = ()
    """The items that are not."""


@dataclass(frozen=True, slots=True)
class OnFailure:
    """The user's own plan for a run that failed, and what came of it."""

    plan: str
    """The command line, or the path of the SQL file."""
    succeeded: bool
    told: str
    """For people: `exit code 1: no such release`; untrusted."""


@dataclass(frozen=True, slots=True)
class Milestones:
    """Moments of a run in seconds after its start; None for what did not happen."""

    refreshed: float | None = None
    """The last refresh was sent."""
    loaded: float | None = None
    """A finished load was seen: counter, log line or new process."""
    served: float | None = None
    """The first whole round in which everything was as expected."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no verdict: the error's message (untrusted) and its hint."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `exit_code` is the process's own; `conclusion` the word for it."""

    conclusion: Conclusion
    exit_code: int
    sentence: str
    """The one line that says it all: `gate open: 5 of 5 items served by ...`. May be untrusted."""
    evidence: Evidence
    evidence_told: str
    """How the evidence was told: `2 loads counted since the refresh`."""
    runtime: str
    """The runtime in use, with what it acts on; `none` where nothing is refreshed."""
    server: Server | None
    verdicts: tuple[Verdict, ...]
    endpoints: tuple[EndpointResult, ...]
    receipts: tuple[Receipt, ...]
    events: tuple[Event, ...]
    milestones: Milestones
    attempts: int
    """Rounds of questions after the refresh."""
    started_at: str
    """UTC, ISO 8601 with seconds."""
    seconds: float
    problem: Problem | None = None
    drift: Comparison | None = None
    """What came of `mode: drift`; None in any other."""
    findings: tuple[Finding, ...] = ()
    """What was found wrong with the whole set-up. All but `unprotected` explain a closed gate."""
    access: tuple[AccessResult, ...] = ()
    on_failure: OnFailure | None = None
    """None where there was no plan, or it was not for an end like this."""
    instances: tuple[InstanceResult, ...] = ()
    """Where the API was asked at more than one address: each of them, `url` last. An item of
    `verdicts` is served only where it is so at all of them."""

    @property
    def served(self) -> tuple[Verdict, ...]:
        """The verdicts that are as expected (absent items that are gone included)."""
        return tuple(verdict for verdict in self.verdicts if verdict.ok)

    @property
    def not_served(self) -> tuple[Verdict, ...]:
        """The verdicts that close the gate."""
        return tuple(verdict for verdict in self.verdicts if not verdict.ok)

    @property
    def reload_milliseconds(self) -> int | None:
        """From the last refresh to the first sign of its effect; None without one."""
        seen = [at for at in (self.milestones.loaded, self.milestones.served) if at is not None]
        if self.milestones.refreshed is None or not seen or self.evidence is Evidence.UNPROVEN:
            return None
        return round((min(seen) - self.milestones.refreshed) * 1000)


__all__ = [
    "AccessOutcome",
    "AccessResult",
    "Conclusion",
    "Destinations",
    "EndpointResult",
    "Event",
    "Evidence",
    "Format",
    "InstanceResult",
    "Item",
    "Level",
    "Milestones",
    "OnFailure",
    "Problem",
    "Receipt",
    "Report",
    "ReportFile",
    "Server",
    "Stage",
    "Verdict",
]
