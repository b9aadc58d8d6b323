"""The job summary and the comment: the account of a run in GitHub's Markdown, verdict first.

What was said by others is made safe by `markup`.
"""

from __future__ import annotations

import html
import itertools
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from pgrst_gate.drift.rules import Change, Impact
from pgrst_gate.findings import Finding
from pgrst_gate.report import AccessResult, Conclusion, EndpointResult, InstanceResult, Report
from pgrst_gate.reporters import drift, markup, wording
from pgrst_gate.reporters.markup import code, prose
from pgrst_gate.untrusted import block, one_line
from pgrst_gate.verdicts import Cause, Verdict

Section = Callable[[Report], Iterator[str]]

_SYMBOLS: Final = {
    Conclusion.OPEN: "✅",
    Conclusion.PLANNED: "📋",
    Conclusion.SKIPPED: "⏭️",
    Conclusion.CANCELLED: "⚠️",
}
_FAILED: Final = "❌"

# GitHub drops a summary over 1 MiB. Each part that grows with the run has its own share of bytes,
# so that none pushes out another. The rest is bounded by the length of a line.
_PLAN_BYTES: Final = 50_000
_ITEMS_BYTES: Final = 300_000
_CHANGES_BYTES: Final = 300_000
_REMEDIES_BYTES: Final = 150_000
_FINDINGS_BYTES: Final = 50_000
_ENDPOINTS_BYTES: Final = 80_000
_ACCESS_BYTES: Final = 40_000
_INSTANCES_BYTES: Final = 40_000
_NOTES_BYTES: Final = 30_000
_RUN_BYTES: Final = 50_000

_COMMENT_CHARACTERS: Final = 60_000
_COMMENT_ITEMS_BYTES: Final = 15_000
_COMMENT_REMEDIES_BYTES: Final = 10_000

_MOST_TOLD: Final = 6
"""Questions and answers shown for an item."""


def render(report: Report, pages: str = "") -> str:
    """The account as Markdown of less than 1,000,000 bytes; what was left out is said.

    The report must be redacted. ``pages`` is the address of the docs at the version in use, for
    links; without it a page is named.
    """
    sections: tuple[Section, ...] = (
        _head,
        _problem,
        _plan,
        _drift,
        _items,
        partial(_remedies, pages=pages),
        _findings,
        _notes,
        _instances,
        _access,
        _endpoints,
        _run,
        _timeline,
    )
    return "\n\n".join(_blocks(report, sections)) + "\n"


def comment(report: Report, gate: str, pages: str, run: str) -> str:
    """The account as a comment of less than 65,536 characters, which is all that GitHub takes.

    The report must be redacted. ``run`` is the address of the workflow run, which has the rest.
    """
    sections: tuple[Section, ...] = (
        _head,
        _problem,
        partial(_drift, limit=_COMMENT_ITEMS_BYTES),
        partial(_items, limit=_COMMENT_ITEMS_BYTES),
        partial(_remedies, pages=pages, limit=_COMMENT_REMEDIES_BYTES),
        partial(_instances, limit=_COMMENT_REMEDIES_BYTES),
        partial(_access, limit=_COMMENT_REMEDIES_BYTES),
        partial(_endpoints, limit=_COMMENT_REMEDIES_BYTES),
    )
    blocks = tuple(_blocks(report, sections))
    lengths = itertools.accumulate(map(len, blocks))
    shown = sum(length <= _COMMENT_CHARACTERS for length in lengths)
    left_out = len(blocks) - shown
    cut = (
        f" {wording.counted(left_out, 'part')} left out: a comment has no room;" if left_out else ""
    )
    told = f' <a href="{html.escape(run)}">this run</a> has the rest' if run else ""
    return "\n\n".join([*blocks[:shown], f"<sub>{code(gate)}{cut}{told}</sub>"]) + "\n"


def _blocks(report: Report, sections: tuple[Section, ...]) -> Iterator[str]:
    texts = ("\n".join(section(report)).strip("\n") for section in sections)
    return filter(None, texts)


def _head(report: Report) -> Iterator[str]:
    headline = wording.HEADLINES[report.conclusion]
    yield f"## {_SYMBOLS.get(report.conclusion, _FAILED)} {headline.capitalize()}"
    yield ""
    yield f"<p>{prose(report.sentence.removeprefix(f'{headline}: '))}</p>"


def _problem(report: Report) -> Iterator[str]:
    if report.problem is None:
        return
    message = block(report.problem.message)
    if len(message) > 1:
        yield from (*markup.fenced(report.problem.message), "")
    elif not all(line in one_line(report.sentence) for line in message):
        yield from (*markup.paragraph(report.problem.message), "")
    told_below = any(verdict.remedy == report.problem.hint for verdict in report.not_served)
    if report.problem.hint and not told_below:
        yield from ("### What to do", "", *markup.advice(report.problem.hint))


def _plan(report: Report) -> Iterator[str]:
    lines = (line for said in wording.planned(report) for line in markup.paragraph(said))
    yield from markup.fitting(lines, _PLAN_BYTES)


def _drift(report: Report, limit: int = _CHANGES_BYTES) -> Iterator[str]:
    found = report.drift
    if not found:
        return
    rows = [(one, one.impact.value) for one in found.judged.left]
    rows += [(one, f"allowed until {permit.until}") for one, permit in found.judged.allowed]
    if rows:
        header = ("impact", "change", "before → after")
        yield from markup.table(header, itertools.starmap(_change, rows), limit)
    notes = (f"<p>Note: {prose(note)}</p>" for note in found.notes)
    yield from ("", *markup.fitting(notes, _NOTES_BYTES))
    if not found.is_open:
        yield from ("", "### What to do", "")
        told = filter(None, drift.remedies(found))
        for typed, lines in itertools.groupby(told, lambda line: line.startswith("  ")):
            said = textwrap.dedent("\n".join(lines))
            yield from (*(markup.fenced(said) if typed else (f"<p>{prose(said)}</p>",)), "")


def _change(one: Change, impact: str) -> tuple[str, ...]:
    note = f"<br>{prose(one.note)}" if one.note else ""
    strong = f"<b>{impact}</b>" if impact == Impact.BREAKING.value else impact
    return (strong, f"{code(one.subject)}{note}", code(drift.values(one)))


def _items(report: Report, limit: int = _ITEMS_BYTES) -> Iterator[str]:
    verdicts, others = wording.listed(report)
    if verdicts:
        header = ("verdict", "expected", "item", "how it was told")
        yield from markup.table(header, map(_item, verdicts), limit)
    if others:
        yield from ("", f"{others}.")


def _item(verdict: Verdict) -> tuple[str, ...]:
    cause = verdict.cause if verdict.ok else f"<b>{verdict.cause}</b>"
    place = f"<br>{markup.text(verdict.place)}" if verdict.place else ""
    item = f"{code(wording.named(verdict.item))}{place}"
    return (cause, wording.expected(verdict), item, _told(verdict.told))


def _told(told: tuple[str, ...]) -> str:
    left_out = len(told) - _MOST_TOLD
    more = (f"and {left_out:,} more; {wording.REST_IN_JSON}",) if left_out > 0 else ()
    return "<br>".join((*map(code, told[:_MOST_TOLD]), *more))


def _remedies(report: Report, pages: str, limit: int = _REMEDIES_BYTES) -> Iterator[str]:
    if report.not_served:
        yield from ("### What to do", "")
        groups = wording.by_cause(report.not_served)
        parts = (
            one for cause, verdicts in groups.items() for one in _advice(cause, verdicts, pages)
        )
        yield from markup.fitting(parts, limit)


def _advice(cause: Cause, verdicts: tuple[Verdict, ...], pages: str) -> Iterator[str]:
    section = wording.section(cause)
    page = f'<a href="{html.escape(f"{pages}/{section}")}">{section}</a>' if pages else section
    for (note, remedy), group in wording.by_remedy(verdicts).items():
        more = f" and {len(group) - 1:,} more" if len(group) > 1 else ""
        said = f"<br>{prose(note)}" if note else ""
        lines = [f"<p><b>{cause}</b>: {code(wording.named(group[0].item))}{more}{said}</p>", ""]
        if remedy:
            lines += (*markup.advice(remedy), "")
        yield "\n".join(lines)
    yield f"<p>What {cause} means, and how to prevent it: {page}</p>\n"


def _findings(report: Report) -> Iterator[str]:
    if report.findings:
        yield from ("### Found in the database", "")
        yield from markup.fitting(map(_finding, report.findings), _FINDINGS_BYTES)


def _finding(finding: Finding) -> str:
    place = f"<br>{markup.text(finding.place)}" if finding.place else ""
    told = f"<br>{_told(finding.told)}" if finding.told else ""
    lines = [f"<p><b>{finding.severity}</b>: {prose(finding.text)}{place}{told}</p>", ""]
    return "\n".join([*lines, *(markup.advice(finding.remedy) if finding.remedy else ()), ""])


def _notes(report: Report) -> Iterator[str]:
    notes = (f"<p>Note: {prose(note)}</p>" for note in wording.notes(report))
    yield from markup.fitting(notes, _NOTES_BYTES)


def _instances(report: Report, limit: int = _INSTANCES_BYTES) -> Iterator[str]:
    if report.instances:
        header = ("instance", "as expected", "evidence", "how it was told")
        yield from ("### Instances", "")
        yield from markup.table(header, map(_asked, sorted(report.instances, key=_stands)), limit)


def _asked(result: InstanceResult) -> tuple[str, ...]:
    symbol = _FAILED if result.not_served else _SYMBOLS[Conclusion.OPEN]
    served = f"{symbol} {wording.told_apart(result)}"
    return (code(result.name), served, result.evidence.value, prose(result.evidence_told))


def _access(report: Report, limit: int = _ACCESS_BYTES) -> Iterator[str]:
    if report.access:
        header = ("result", "rule", "how it was told")
        yield from ("### Access", "")
        yield from markup.table(header, map(_rule, sorted(report.access, key=_stands)), limit)
        yield ""
        remedies = (_cure(result) for result in report.access if result.remedy)
        yield from markup.fitting(remedies, limit)


def _rule(result: AccessResult) -> tuple[str, ...]:
    outcome = wording.ruled(result)
    note = f"<br>{prose(result.note)}" if result.note else ""
    shown = f"<b>{outcome}</b>" if result.fails else outcome
    return (shown, f"{code(result.line)}{note}", _told(result.told))


def _cure(result: AccessResult) -> str:
    return "\n".join([f"<p>{code(result.line)}</p>", "", *markup.advice(result.remedy), ""])


def _endpoints(report: Report, limit: int = _ENDPOINTS_BYTES) -> Iterator[str]:
    if report.endpoints:
        header = ("result", "request", "expected", "answered")
        yield from ("### Endpoints", "")
        yield from markup.table(
            header, map(_endpoint, sorted(report.endpoints, key=_stands)), limit
        )


def _endpoint(endpoint: EndpointResult) -> tuple[str, ...]:
    outcome = wording.outcome(endpoint)
    told = map(code, (endpoint.line, endpoint.expected, endpoint.answered))
    return (f"<b>{outcome}</b>" if endpoint.passed is False else outcome, *told)


def _stands(result: InstanceResult | AccessResult | EndpointResult) -> bool:
    """Whether it closes nothing: what does is shown first, so that it is not folded away."""
    match result:
        case InstanceResult():
            return not result.not_served
        case AccessResult():
            return not result.fails
        case EndpointResult():
            return result.passed is not False


def _run(report: Report) -> Iterator[str]:
    yield from ("### Run", "")
    facts = tuple((label, markup.text(fact)) for label, fact in wording.facts(report))
    yield from markup.table((), facts, _RUN_BYTES, seen=len(facts))


def _timeline(report: Report) -> Iterator[str]:
    """A chart of the turning points, where there were any; all of its words are our own."""
    moments = wording.moments(report)
    if len(moments) > 2:  # noqa: PLR2004 - else it is a bar from start to verdict
        yield from ("```mermaid", "gantt", "    dateFormat x", "    axisFormat %M:%S.%L")
        for (at, what), (until, then) in itertools.pairwise(moments):
            took = wording.duration(until - at)
            yield f"    {what} → {then}, {took} : {at * 1000:.0f}, {until * 1000:.0f}"
        yield "```"
