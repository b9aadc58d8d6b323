"""What more than one reporter says, worded and grouped once.

The texts are as they came, so possibly untrusted: each reporter makes them safe for its own medium.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

from pgrst_gate.findings import Finding
from pgrst_gate.report import (
    AccessResult,
    Conclusion,
    EndpointResult,
    InstanceResult,
    Receipt,
    Report,
    Server,
)
from pgrst_gate.schema import Item
from pgrst_gate.verdicts import Cause, Verdict, line_of

Key = TypeVar("Key")

HEADLINES: Final[Mapping[Conclusion, str]] = {
    Conclusion.OPEN: "gate open",
    Conclusion.CLOSED: "gate closed",
    Conclusion.PLANNED: "planned only",
    Conclusion.SKIPPED: "skipped",
    Conclusion.USAGE_ERROR: "wrong input",
    Conclusion.NOT_REFRESHED: "not refreshed",
    Conclusion.NOT_OBSERVED: "not observed",
    Conclusion.CANCELLED: "cancelled",
}
"""How a run ended, in two words at most."""

REST_IN_JSON: Final = "the JSON report has them all"

_MOST_SERVED: Final = 20
_SECOND: Final = 1000
_MINUTE: Final = 60_000


def counted(number: int, noun: str) -> str:
    """The number with its noun, in the plural where it needs one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Seconds as a person reads them: `84 ms`, `1.24 s`, `2 min 5 s`."""
    milliseconds = round(seconds * 1000)
    if milliseconds < _SECOND:
        return f"{milliseconds} ms"
    if milliseconds < _MINUTE:
        return f"{milliseconds / _SECOND:.2f} s"
    minutes, rest = divmod(milliseconds, _MINUTE)
    return f"{minutes} min {rest // _SECOND} s"


def named(item: Item) -> str:
    """The item with its kind, for `scans.ended_at` alone could be a relation in a schema."""
    return f"{item.kind} {item}"


def expected_by(verdict: Verdict) -> str:
    """The item with its kind, and where its expectation comes from unless somebody typed it."""
    place = f", expected by {verdict.place}" if verdict.place else ""
    return f"{named(verdict.item)}{place}"


def migration_line(one: Verdict | Finding) -> tuple[str, int] | None:
    """The file and line of the migration that it comes from; None where it comes from none."""
    return line_of(one.place)


def expected(verdict: Verdict) -> str:
    """What was expected of the item."""
    return "present" if verdict.expected_present else "absent"


def section(cause: Cause) -> str:
    """Where the docs say what the cause means, how it is told and cured, how it is prevented."""
    return f"docs/verdicts.md#{cause}"


def by_cause(verdicts: Iterable[Verdict]) -> dict[Cause, tuple[Verdict, ...]]:
    """The verdicts of each cause, in the order in which the causes come up."""
    return _grouped(verdicts, lambda verdict: verdict.cause)


def by_remedy(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], tuple[Verdict, ...]]:
    """The verdicts of each note and remedy, so that the same advice is given once."""
    return _grouped(verdicts, lambda verdict: (verdict.note, verdict.remedy))


def _grouped(
    verdicts: Iterable[Verdict], key: Callable[[Verdict], Key]
) -> dict[Key, tuple[Verdict, ...]]:
    groups: dict[Key, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(key(verdict), []).append(verdict)
    return {key: tuple(group) for key, group in groups.items()}


def listed(report: Report) -> tuple[tuple[Verdict, ...], str]:
    """The verdicts to list, those that close the gate first; and what is said of the others.

    Many items that are as expected are only counted: nobody looks for a fault among them.
    """
    served = report.served
    if len(served) <= _MOST_SERVED:
        return report.not_served + served, ""
    others = " others" if report.not_served else ""
    return report.not_served, f"{len(served):,}{others} as expected, not listed here"


def notes(report: Report) -> tuple[str, ...]:
    """What a reader should know of items that are as expected."""
    groups = by_remedy(report.served)
    return tuple(
        f"{note} ({counted(len(group), 'item')})" for (note, _), group in groups.items() if note
    )


def outcome(endpoint: EndpointResult) -> str:
    """How a request line of the user's ended."""
    return {True: "passed", False: "failed", None: "not sent"}[endpoint.passed]


def ruled(result: AccessResult) -> str:
    """How a rule of `access` ended, and why where that is told by a cause."""
    return f"{result.outcome}: {result.cause}" if result.cause else result.outcome


def told_apart(result: InstanceResult) -> str:
    """How many items one instance serves as expected: `3 of 3`."""
    return f"{result.served:,} of {result.served + len(result.not_served):,}"


def planned(report: Report) -> tuple[str, ...]:
    """The lines of the plan, where the run was to make one and no more."""
    if report.conclusion is not Conclusion.PLANNED:
        return ()
    return tuple(event.text for event in report.events if event.stage == "plan")


def facts(report: Report) -> tuple[tuple[str, str], ...]:
    """What was asked, sent and seen, each with its label."""
    return tuple(_facts(report))


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    if report.server:
        yield "server", _server(report.server)
    if report.runtime:
        yield "runtime", report.runtime
    if report.drift:
        yield "before", report.drift.before
        yield "after", report.drift.after
    for sent in map(_receipt, report.receipts) if report.receipts else ("nothing",):
        yield "sent", sent
    if report.on_failure:
        word = "succeeded" if report.on_failure.succeeded else "failed"
        yield "then", f"{report.on_failure.plan} {word}: {report.on_failure.told}"
    if report.server:  # else nobody was asked, and there is no evidence to speak of
        told = f": {report.evidence_told}" if report.evidence_told else ""
        yield "evidence", f"{report.evidence.value}{told}"
    yield "took", _took(report)


def _server(server: Server) -> str:
    version = f"{server.version} (by {server.told_by})" if server.version else "of unknown version"
    schemas = f", {'schemas' if len(server.schemas) > 1 else 'schema'} {', '.join(server.schemas)}"
    return f"PostgREST {version} at {server.url}{schemas if server.schemas else ''}"


def _receipt(receipt: Receipt) -> str:
    return (
        f"{receipt.sent} to {receipt.target}, {duration(receipt.at)} into the run"
        f" ({receipt.action} by {receipt.runtime})"
    )


def _took(report: Report) -> str:
    reload = report.reload_milliseconds
    reloaded = f", {duration(reload / 1000)} of it for the reload" if reload is not None else ""
    rounds = f", {counted(report.attempts, 'round')} of questions" if report.attempts else ""
    return f"{duration(report.seconds)}{reloaded}{rounds}"


def moments(report: Report) -> tuple[tuple[float, str], ...]:
    """The turning points of the run, in seconds after its start and in order; last the verdict."""
    sent = {f"{receipt.action} sent": receipt.at for receipt in report.receipts}
    seen = (
        *((at, what) for what, at in sent.items()),
        (report.milestones.loaded, "load seen"),
        (report.milestones.served, "first served"),
    )
    # Python's sort is stable, so of two moments at the same time the earlier stage comes first.
    in_order = sorted(((at, what) for at, what in seen if at is not None), key=lambda one: one[0])
    return ((0.0, "start"), *in_order, (report.seconds, "verdict"))
