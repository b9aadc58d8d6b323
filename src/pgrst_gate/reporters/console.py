"""For whoever reads the log: a line for each change of state, and at the end the whole account."""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TextIO

from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Conclusion, Event, Report
from pgrst_gate.reporters import drift, wording
from pgrst_gate.untrusted import block, one_line, without_commands
from pgrst_gate.verdicts import Cause, Verdict

_MOST_TOLD: Final = 5
"""Items of one cause and remedy for which it is written out how it was told."""
DRAWING: Final = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "TRAVIS")
"""Variables of the runners that show their logs in colour, each by its own documentation."""
_GOOD, _BAD, _WARNING, _FAINT = "bold green", "bold red", "yellow", "dim"


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    style: str = ""
    hanging: str = ""
    """What the further lines start with if this one is wrapped. Without it, it is not: what stands
    in a table or is to be copied must stay on its line."""


class Progress:
    """Prints each event as it comes, on one stream; call it with the event."""

    def __init__(self, stream: TextIO, secrets: Secrets, *, colour: bool) -> None:
        self._stream = stream
        self._secrets = secrets
        self._colour = colour

    def __call__(self, event: Event) -> None:
        """Print the event, at once."""
        lines = _event(self._secrets.redacted(event))
        write(self._stream, _painted(lines) if self._colour else _plain(lines))


def render(report: Report, *, width: int | None = None, colour: bool = False) -> str:
    """The account of a run, verdict first; the last line is the conclusion.

    The report must be redacted. Prose is wrapped at ``width`` characters, where one is given; every
    line, also one that wrapping made, is safe to print in a workflow.
    """
    lines = tuple(_wrapped(_account(report), width))
    return _painted(lines) if colour else _plain(lines)


def write(stream: TextIO, text: str) -> None:
    """Print the text and flush; characters that the stream cannot encode are written as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def wants_colour(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose user did not decline colour (no-color.org).

    A runner's may be one that is kept as a file with all of its codes, unless it is known to draw.
    """
    environment = os.environ
    drawn = not environment.get("CI") or any(environment.get(name) for name in DRAWING)
    declined = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    return stream.isatty() and drawn and not declined


def _event(event: Event) -> Iterator[_Line]:
    style = {"info": "", "notice": "bold", "warning": _WARNING}[event.level]
    warning = "warning: " if event.level == "warning" else ""
    first, *rest = block(event.text) or ("",)
    yield _Line(f"{event.at:8.3f} s  {event.stage:<9}  {warning}{first}".rstrip(), style)
    yield from (_Line(f"{'':21}| {line}", style) for line in rest)


def _account(report: Report) -> Iterator[_Line]:
    style = _style(report)
    yield _Line("")
    yield _Line(f"== {wording.HEADLINES[report.conclusion].upper()} ==", style)
    for section in (
        _problem,
        _plan,
        _drift,
        _items,
        _failures,
        _findings,
        _notes,
        _instances,
        _access,
        _endpoints,
        _run,
    ):
        if lines := tuple(section(report)):
            yield _Line("")
            yield from lines
    yield _Line("")
    yield _Line(f"{one_line(report.sentence)} (exit code {report.exit_code})", style)


def _style(report: Report) -> str:
    if report.conclusion in {Conclusion.OPEN, Conclusion.PLANNED}:
        return _GOOD
    unjudged = {Conclusion.CANCELLED, Conclusion.SKIPPED}
    return _WARNING if report.conclusion in unjudged else _BAD


def _problem(report: Report) -> Iterator[_Line]:
    if report.problem:
        yield from (_Line(f"  {line}", hanging="  ") for line in block(report.problem.message))
        yield from _labelled("What to do", report.problem.hint)


def _plan(report: Report) -> Iterator[_Line]:
    for text in wording.planned(report):
        yield from (_Line(f"  {line}") for line in block(text))


def _drift(report: Report) -> Iterator[_Line]:
    if report.drift:
        found = list(drift.lines(report.drift))
        yield from map(_Line, found[:-1] if found and not found[-1] else found)


def _items(report: Report) -> Iterator[_Line]:
    verdicts, others = wording.listed(report)
    if verdicts:
        width = max(len("verdict"), *(len(verdict.cause) for verdict in verdicts))
        yield _Line(f"  {'verdict':<{width}}  expected  item", _FAINT)
        for verdict in verdicts:
            item = one_line(wording.expected_by(verdict))
            yield _Line(
                f"  {verdict.cause:<{width}}  {wording.expected(verdict):<8}  {item}",
                "" if verdict.ok else "red",
            )
    if others:
        yield _Line(f"  {others}")


def _failures(report: Report) -> Iterator[_Line]:
    for number, (cause, verdicts) in enumerate(wording.by_cause(report.not_served).items()):
        if number:
            yield _Line("")
        yield from _failure(cause, verdicts)


def _failure(cause: Cause, verdicts: tuple[Verdict, ...]) -> Iterator[_Line]:
    count = wording.counted(len(verdicts), "item")
    yield _Line(f"{cause} ({count}; see {wording.section(cause)})", _BAD)
    for (note, remedy), group in wording.by_remedy(verdicts).items():
        for verdict in group[:_MOST_TOLD]:
            yield _Line(f"  {one_line(wording.expected_by(verdict))}")
            yield from map(_quoted, verdict.told)
        if (left_out := len(group) - _MOST_TOLD) > 0:
            yield _Line(f"  and {left_out:,} more; {wording.REST_IN_JSON}")
        yield from _labelled("Note", note)
        yield from _labelled("What to do", remedy)


def _labelled(label: str, text: str) -> Iterator[_Line]:
    """On the label's own line when the text has one line, else under it, to be copied as it is."""
    lines = block(text)
    if len(lines) == 1:
        yield _Line(f"  {label}: {lines[0]}")
    elif lines:
        yield _Line(f"  {label}:")
        yield from (_Line(f"    {line}") for line in lines)


def _findings(report: Report) -> Iterator[_Line]:
    for finding in report.findings:
        yield _Line(f"Found ({finding.severity}): {one_line(finding.text)}", _WARNING)
        yield from map(_quoted, finding.told)
        yield from _labelled("What to do", finding.remedy)


def _notes(report: Report) -> Iterator[_Line]:
    for note in wording.notes(report):
        yield _Line(f"  Note: {one_line(note)}", hanging="    ")


def _instances(report: Report) -> Iterator[_Line]:
    if report.instances:
        yield _Line("Instances")
    shown = [(wording.told_apart(one), one) for one in report.instances]
    width = max((len(served) for served, _ in shown), default=0)
    for served, one in shown:
        line = f"  {served:>{width}} as expected  {one.evidence.value:<9}  {one_line(one.name)}"
        yield _Line(line, "red" if one.not_served else "")


def _access(report: Report) -> Iterator[_Line]:
    if report.access:
        yield _Line("Access")
    width = max((len(wording.ruled(result)) for result in report.access), default=0)
    for result in report.access:
        line = f"  {wording.ruled(result):<{width}}  {one_line(result.line)}"
        yield _Line(line, "red" if result.fails else "")
        if result.fails:
            yield from map(_quoted, result.told)
        yield from _labelled("Note", result.note)
        yield from _labelled("What to do", result.remedy)


def _endpoints(report: Report) -> Iterator[_Line]:
    if report.endpoints:
        yield _Line("Endpoints")
    for endpoint in report.endpoints:
        failed = endpoint.passed is False
        line = f"  {wording.outcome(endpoint):<8}  {one_line(endpoint.line)}"
        yield _Line(line, "red" if failed else "")
        if failed:
            yield _Line(f"    expected {one_line(endpoint.expected)}, answered:")
            yield _quoted(endpoint.answered)


def _run(report: Report) -> Iterator[_Line]:
    yield _Line("Run")
    for label, text in wording.facts(report):
        yield _Line(f"  {label:<8}  {one_line(text)}", hanging=f"{'':12}")


def _quoted(told: str) -> _Line:
    return _Line(f"    | {one_line(told)}", hanging="    |   ")


def _wrapped(lines: Iterable[_Line], width: int | None) -> Iterator[_Line]:
    for line in lines:
        if width is None or not line.hanging:
            yield line
        else:
            parts = textwrap.wrap(line.text, width, subsequent_indent=line.hanging)
            yield from (_Line(part, line.style) for part in parts)


def _plain(lines: Iterable[_Line]) -> str:
    return "".join(f"{without_commands(line.text)}\n" for line in lines)


def _painted(lines: Iterable[_Line]) -> str:
    from rich.console import Console
    from rich.text import Text

    painted = io.StringIO()
    console = Console(file=painted, force_terminal=True, color_system="standard")
    for line in lines:
        console.print(Text(without_commands(line.text), line.style), soft_wrap=True)
    return painted.getvalue()
