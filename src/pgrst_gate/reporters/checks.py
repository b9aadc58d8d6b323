"""A run as checks that passed or failed: what test reports and code scanners have places for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from pgrst_gate.report import AccessResult, Conclusion, EndpointResult, Report
from pgrst_gate.reporters import drift, wording
from pgrst_gate.untrusted import block, one_line
from pgrst_gate.verdicts import Verdict

Outcome = Literal["passed", "failed", "error", "skipped"]
"""`failed`: seen, and not as expected. `error`: there is no verdict. `skipped`: not looked at."""

_STOPPED: Final = {
    Conclusion.USAGE_ERROR: "inputs",
    Conclusion.NOT_REFRESHED: "refresh",
    Conclusion.NOT_OBSERVED: "API",
    Conclusion.CANCELLED: "run",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. All texts are printable, and of bounded length."""

    group: Literal["items", "access", "endpoints", "changes", "run"]
    name: str
    """`column public.scans.ended_at`; of two checks of a run never the same."""
    outcome: Outcome
    rule: str
    """The cause, the rule of a change, or the conclusion."""
    message: str = ""
    """One line on what is wrong."""
    details: tuple[str, ...] = ()
    """How it was told, and what to type."""
    path: str = ""
    """The file that made the item, and its line from 1 up; empty and 0 where none did."""
    line: int = 0
    whole: str = ""
    """The name where that was cut."""

    @property
    def fingerprint(self) -> str:
        """The same for the same thing in every run, whatever line it moves to."""
        known = f"{self.group}\n{self.rule}\n{self.whole or self.name}"
        return sha256(known.encode(errors="backslashreplace")).hexdigest()


def checks(report: Report) -> tuple[Check, ...]:
    """All checks of a redacted report, those that stopped the run first."""
    found = (*_run(report), *_changes(report), *map(_item, report.verdicts))
    return (*found, *map(_access, report.access), *map(_endpoint, report.endpoints))


def not_passed(report: Report) -> tuple[Check, ...]:
    """The checks to act on: those that failed, and what kept the run from a verdict."""
    return tuple(one for one in checks(report) if one.outcome in {"failed", "error"})


def _run(report: Report) -> Iterator[Check]:
    """The run itself, where it says more than its items do."""
    conclusion, message = report.conclusion, one_line(report.sentence)
    problem = report.problem
    details = (*block(problem.message), *block(problem.hint)) if problem else ()
    if conclusion in {Conclusion.PLANNED, Conclusion.SKIPPED}:
        yield Check("run", "run", "skipped", conclusion, message, details)
    elif conclusion in _STOPPED:
        yield Check("run", _STOPPED[conclusion], "error", conclusion, message, details)
    elif conclusion is Conclusion.CLOSED and not _says_why(report):
        yield Check("run", "evidence", "failed", conclusion, message, details)


def _says_why(report: Report) -> bool:
    failed = any(endpoint.passed is False for endpoint in report.endpoints)
    failed = failed or any(result.fails for result in report.access)
    return bool(report.not_served or failed or report.drift)


def _item(verdict: Verdict) -> Check:
    path, line = verdict.migration or ("", 0)
    message = f"{verdict.cause}: {one_line(wording.expected_by(verdict))}"
    told = [line for text in verdict.told for line in block(text)]
    return Check(
        "items",
        one_line(wording.named(verdict.item)),
        "passed" if verdict.ok else "failed",
        verdict.cause,
        "" if verdict.ok else message,
        () if verdict.ok else (*told, *block(verdict.note), *block(verdict.remedy)),
        one_line(path),
        line,
        wording.named(verdict.item),
    )


def _access(result: AccessResult) -> Check:
    told = [line for text in result.told for line in block(text)]
    outcomes: dict[bool, Outcome] = {True: "failed", False: "passed"}
    return Check(
        "access",
        one_line(result.line),
        "skipped" if result.outcome == "not asked" else outcomes[result.fails],
        "access",
        one_line(f"{wording.ruled(result)}: {result.line}") if result.fails else "",
        (*told, *block(result.note), *block(result.remedy)) if result.fails else (),
        whole=result.line,
    )


def _endpoint(endpoint: EndpointResult) -> Check:
    whole = f"{endpoint.line}: expected {endpoint.expected}"
    failed = endpoint.passed is False
    outcomes: dict[bool | None, Outcome] = {True: "passed", False: "failed", None: "skipped"}
    return Check(
        "endpoints",
        one_line(whole),
        outcomes[endpoint.passed],
        "endpoint",
        one_line(whole) if failed else "",
        block(endpoint.answered) if failed else (),
        whole=whole,
    )


def _changes(report: Report) -> Iterator[Check]:
    if report.drift is None:
        return
    closing = () if report.drift.override else report.drift.against
    for change in report.drift.judged.left:
        failed = change in closing
        yield Check(
            "changes",
            one_line(change.subject),
            "failed" if failed else "passed",
            change.rule.id,
            one_line(f"{change.what}: {drift.values(change)}") if failed else "",
            whole=change.subject,
        )
