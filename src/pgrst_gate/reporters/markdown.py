"""The job summary: the account of a run as GitHub's Markdown, verdict first.

A text that is not this module's own goes into an HTML block, escaped and on one line, or into a
fence that is longer than any run of backticks in it. Markdown is read in neither.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from pgrst_gate.drift.rules import Change, Impact
from pgrst_gate.findings import Finding
from pgrst_gate.report import AccessResult, Conclusion, EndpointResult, InstanceResult, Report
from pgrst_gate.reporters import drift, wording
from pgrst_gate.untrusted import block, one_line
from pgrst_gate.verdicts import Cause, Verdict

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
_ITEMS_BYTES: Final = 400_000
_CHANGES_BYTES: Final = 400_000
_REMEDIES_BYTES: Final = 200_000
_ENDPOINTS_BYTES: Final = 100_000
_ACCESS_BYTES: Final = 50_000
_INSTANCES_BYTES: Final = 50_000
_NOTES_BYTES: Final = 50_000
_RUN_BYTES: Final = 50_000

_COMMENT_ITEMS_BYTES: Final = 15_000
_COMMENT_REMEDIES_BYTES: Final = 10_000

_MOST_TOLD: Final = 6
"""Questions and answers shown for an item."""


def render(report: Report, pages: str = "") -> str:
    """The account as Markdown of less than 1,000,000 bytes; what was left out is said.

    The report must be redacted. ``pages`` is the address of the docs at the version in use, for
    links; without it a page is named.
    """
    sections = (
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
    blocks = ("\n".join(lines) for section in sections if (lines := tuple(section(report))))
    return "\n\n".join(blocks) + "\n"


def comment(report: Report, gate: str, pages: str, run: str) -> str:
    """The account as a comment of less than 65,536 characters, which is all that GitHub takes.

    The report must be redacted. ``run`` is the address of the workflow run, which has the rest.
    """
    sections = (
        _head,
        _problem,
        partial(_drift, limit=_COMMENT_ITEMS_BYTES),
        partial(_items, limit=_COMMENT_ITEMS_BYTES),
        partial(_remedies, pages=pages, limit=_COMMENT_REMEDIES_BYTES),
    )
    blocks = ["\n".join(lines) for section in sections if (lines := tuple(section(report)))]
    told = f'<a href="{html.escape(run)}">this run</a> has the rest' if run else ""
    return "\n\n".join([*blocks, f"<sub>{_code(gate)} {told}</sub>"]) + "\n"


def _head(report: Report) -> Iterator[str]:
    symbol = _SYMBOLS.get(report.conclusion, _FAILED)
    yield f"## {symbol} {wording.HEADLINES[report.conclusion].capitalize()}"
    yield ""
    yield f"<p>{_text(report.sentence)}</p>"


def _problem(report: Report) -> Iterator[str]:
    if report.problem:
        yield from _fenced(report.problem.message)
        if report.problem.hint:
            yield from ("", "What to do:", "")
            yield from _fenced(report.problem.hint)


def _plan(report: Report) -> Iterator[str]:
    lines = (f"<p>{_text(line)}</p>" for text in wording.planned(report) for line in block(text))
    yield from _fitting(lines, _PLAN_BYTES)


def _drift(report: Report, limit: int = _CHANGES_BYTES) -> Iterator[str]:
    found = report.drift
    if not found:
        return
    rows = [(one, one.impact.value) for one in found.judged.left]
    rows += [(one, f"allowed until {permit.until}") for one, permit in found.judged.allowed]
    if rows:
        header = ("impact", "change", "before → after")
        yield from _table(header, itertools.starmap(_change, rows), limit)
    yield from ("", *(f"<p>Note: {_text(note)}</p>" for note in found.notes))
    if not found.is_open:
        yield from ("", "### What to do", "")
        yield from _fenced("\n".join(drift.remedies(found)))


def _change(one: Change, impact: str) -> tuple[str, ...]:
    note = f"<br>{_text(one.note)}" if one.note else ""
    strong = f"<b>{impact}</b>" if impact == Impact.BREAKING.value else impact
    return (strong, f"{_code(one.subject)}{note}", _code(drift.values(one)))


def _items(report: Report, limit: int = _ITEMS_BYTES) -> Iterator[str]:
    verdicts, others = wording.listed(report)
    if verdicts:
        header = ("verdict", "expected", "item", "how it was told")
        yield from _table(header, map(_item, verdicts), limit)
    if others:
        yield from ("", f"{others}.")


def _item(verdict: Verdict) -> tuple[str, ...]:
    cause = verdict.cause if verdict.ok else f"<b>{verdict.cause}</b>"
    told = "<br>".join(map(_code, verdict.told[:_MOST_TOLD]))
    return (cause, wording.expected(verdict), _place(verdict), told)


def _place(verdict: Verdict) -> str:
    place = f"<br>{_text(verdict.place)}" if verdict.place else ""
    return f"{_code(wording.named(verdict.item))}{place}"


def _remedies(report: Report, pages: str, limit: int = _REMEDIES_BYTES) -> Iterator[str]:
    if report.not_served:
        yield from ("### What to do", "")
        groups = wording.by_cause(report.not_served)
        advice = (
            one for cause, verdicts in groups.items() for one in _advice(cause, verdicts, pages)
        )
        yield from _fitting(advice, limit)


def _advice(cause: Cause, verdicts: tuple[Verdict, ...], pages: str) -> Iterator[str]:
    section = wording.section(cause)
    page = f'<a href="{html.escape(f"{pages}/{section}")}">{section}</a>' if pages else section
    for (note, remedy), group in wording.by_remedy(verdicts).items():
        more = f" and {len(group) - 1:,} more" if len(group) > 1 else ""
        said = f"<br>{_text(note)}" if note else ""
        lines = [f"<p><b>{cause}</b>: {_code(wording.named(group[0].item))}{more}{said}</p>", ""]
        if remedy:
            lines += (*_fenced(remedy), "")
        yield "\n".join(lines)
    yield f"<p>What {cause} means, and how to prevent it: {page}</p>\n"


def _findings(report: Report) -> Iterator[str]:
    if report.findings:
        yield from ("### Found in the database", "")
        yield from _fitting(map(_finding, report.findings), _REMEDIES_BYTES)


def _finding(finding: Finding) -> str:
    told = "".join(f"<br>{_code(line)}" for line in finding.told)
    lines = [f"<p><b>{finding.severity}</b>: {_text(finding.text)}{told}</p>", ""]
    return "\n".join([*lines, *(_fenced(finding.remedy) if finding.remedy else ()), ""])


def _notes(report: Report) -> Iterator[str]:
    notes = (f"<p>Note: {_text(note)}</p>" for note in wording.notes(report))
    yield from _fitting(notes, _NOTES_BYTES)


def _instances(report: Report) -> Iterator[str]:
    if report.instances:
        header = ("instance", "as expected", "evidence", "how it was told")
        yield from ("### Instances", "")
        yield from _table(header, map(_asked, report.instances), _INSTANCES_BYTES)


def _asked(result: InstanceResult) -> tuple[str, ...]:
    symbol = _FAILED if result.not_served else _SYMBOLS[Conclusion.OPEN]
    served = f"{symbol} {wording.told_apart(result)}"
    return (_code(result.name), served, result.evidence.value, _text(result.evidence_told))


def _access(report: Report) -> Iterator[str]:
    if report.access:
        header = ("result", "rule", "how it was told")
        yield from ("### Access", "")
        yield from _table(header, map(_rule, report.access), _ACCESS_BYTES)
        yield ""
        remedies = (_cure(result) for result in report.access if result.remedy)
        yield from _fitting(remedies, _ACCESS_BYTES)


def _rule(result: AccessResult) -> tuple[str, ...]:
    outcome = _text(wording.ruled(result))
    note = f"<br>{_text(result.note)}" if result.note else ""
    told = "<br>".join(map(_code, result.told[:_MOST_TOLD]))
    shown = f"<b>{outcome}</b>" if result.fails else outcome
    return (shown, f"{_code(result.line)}{note}", told)


def _cure(result: AccessResult) -> str:
    return "\n".join([f"<p>{_code(result.line)}</p>", "", *_fenced(result.remedy), ""])


def _endpoints(report: Report) -> Iterator[str]:
    if report.endpoints:
        header = ("result", "request", "expected", "answered")
        yield from ("### Endpoints", "")
        yield from _table(header, map(_endpoint, report.endpoints), _ENDPOINTS_BYTES)


def _endpoint(endpoint: EndpointResult) -> tuple[str, ...]:
    outcome = wording.outcome(endpoint)
    told = map(_code, (endpoint.line, endpoint.expected, endpoint.answered))
    return (f"<b>{outcome}</b>" if endpoint.passed is False else outcome, *told)


def _run(report: Report) -> Iterator[str]:
    yield from ("### Run", "")
    facts = ((label, _text(fact)) for label, fact in wording.facts(report))
    yield from _table((), facts, _RUN_BYTES)


def _timeline(report: Report) -> Iterator[str]:
    """A chart of the turning points; all of its words are our own."""
    moments = wording.moments(report)
    if len(moments) > 1:  # else the run was over before it began
        yield from ("```mermaid", "gantt", "    dateFormat x", "    axisFormat %M:%S.%L")
        for (at, what), (until, _) in itertools.pairwise(moments):
            yield f"    {what}, {wording.duration(at)} : {at * 1000:.0f}, {until * 1000:.0f}"
        at, what = moments[-1]
        yield f"    {what}, {wording.duration(at)} : milestone, {at * 1000:.0f}, 0ms"
        yield "```"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]], limit: int) -> Iterator[str]:
    """An HTML table of cells that are HTML already, with as many rows as fit in ``limit`` bytes."""
    yield "<table>"
    if heads := "".join(f"<th>{name}</th>" for name in header):
        yield f"<tr>{heads}</tr>"
    lines = ("".join(("<tr>", *(f"<td>{cell}</td>" for cell in row), "</tr>")) for row in rows)
    yield from _fitting(lines, limit, end=("</table>",))


def _fitting(parts: Iterable[str], limit: int, end: tuple[str, ...] = ()) -> Iterator[str]:
    """The first parts that have ``limit`` bytes in all, the ``end``, and how many were left out."""
    left_out = 0
    for part in parts:
        limit -= len(part.encode("utf-8", "replace")) + 1
        if limit < 0:
            left_out += 1
        else:
            yield part
    yield from end
    if left_out:
        yield ""
        yield f"**{left_out:,} more are not shown here; {wording.REST_IN_JSON}.**"


def _text(text: str) -> str:
    """The text as one line of an HTML block."""
    return html.escape(one_line(text), quote=False)


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>" if text else ""


def _fenced(text: str) -> Iterator[str]:
    lines = block(text)
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}text", *lines, fence)
