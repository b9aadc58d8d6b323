"""The job summary shows what happened, whatever a server said, within what GitHub takes."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from tests.unit import hostile
from tests.unit.reporters.reports import CLOSED, MANY, OPEN, PROBLEM, REPORTS, saying

from pgrst_gate.report import Milestones, Report
from pgrst_gate.reporters.markdown import render
from pgrst_gate.untrusted import one_line
from pgrst_gate.verdicts import Verdict
from pgrst_gate.workflow import SUMMARY_BYTES

OURS = {"b", "br", "code", "h2", "h3", "p", "pre", "strong", "table", "td", "th", "tr"}


class Page(HTMLParser):
    """A summary as a browser reads it: its tags, those left open, and its texts by tag."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str | None]] = set()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(MarkdownIt("commonmark").render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag."""
        self.tags.append(tag)
        self.attributes.update(attrs)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag, which must be the last one opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text."""
        if self.open:
            self.texts.append((self.open[-1], data))

    def handle_comment(self, data: str) -> None:
        """There are none."""
        raise AssertionError(data)


@settings(deadline=None)
@given(text=hostile.texts)
def test_no_text_is_read_as_markup(text: str) -> None:
    """Whatever a server says, the page has the same headings and tables, and no tag of its."""
    page, harmless = Page(render(saying(f"{text}x"))), Page(render(saying("harmless")))

    assert set(page.tags) <= OURS
    assert page.attributes <= {("class", "language-text"), ("class", "language-mermaid")}
    assert page.open == []
    for tag in ("h2", "h3", "table", "tr", "td"):
        assert page.tags.count(tag) == harmless.tags.count(tag)


@settings(deadline=None)
@given(text=hostile.texts)
def test_text_arrives(text: str) -> None:
    """Whatever a server says can be read on the page as it was said."""
    report = replace(OPEN, sentence=text)

    shown = "".join(text for tag, text in Page(render(report)).texts if tag == "p")

    assert one_line(text).strip() in shown


def test_verdict_first() -> None:
    """The summary starts with the conclusion and its sentence."""
    assert render(CLOSED).startswith(f"## ❌ Gate closed\n\n<p>{CLOSED.sentence}</p>\n")


@pytest.mark.parametrize("name", REPORTS)
def test_no_blank_line_in_a_table(name: str) -> None:
    """No blank line ends a table early: what follows it would be read as Markdown."""
    assert not re.search(r"<table>(?:(?!</table>).)*\n\n", render(REPORTS[name]), re.DOTALL)


def long(verdict: Verdict) -> Verdict:
    """The verdict with as much text as there can be, of characters that take several bytes."""
    return replace(
        verdict, told=("<é" * 2000,) * 50, note="<é" * 2000, remedy=f"{'é' * 900}\n" * 90
    )


@pytest.mark.parametrize(
    "report",
    [
        MANY,
        replace(MANY, verdicts=tuple(map(long, CLOSED.verdicts)) * 1000),
        replace(CLOSED, endpoints=CLOSED.endpoints * 5000, receipts=CLOSED.receipts * 5000),
        replace(
            saying("<é" * 5000),
            events=saying("é\n" * 5000).events,
            problem=saying("é" * 900).problem,
        ),
    ],
    ids=["many", "long", "endpoints", "texts"],
)
def test_size(report: Report) -> None:
    """However much there is to say, GitHub shows the summary, and all parts of it."""
    text = render(report)

    assert len(text.encode()) < SUMMARY_BYTES
    assert "### Run" in text


def test_what_does_not_fit_is_counted() -> None:
    """Items that there is no room for are not passed over in silence."""
    text = render(replace(CLOSED, verdicts=tuple(map(long, CLOSED.verdicts)) * 1000))

    rows = text.count("<td>present</td>") + text.count("<td>absent</td>")
    (left_out,) = re.findall(r"</table>\n\n\*\*([\d,]+) more are not shown here", text)
    assert rows + int(left_out.replace(",", "")) == 4000


def test_timeline() -> None:
    """The chart shows when the run turned, in milliseconds, up to the verdict."""
    chart = re.search(r"```mermaid\n(.*)```", render(OPEN), re.DOTALL)

    assert chart
    assert [line.strip() for line in chart[1].splitlines()[3:]] == [
        "plan, 0 ms : 0, 21",
        "preflight, 21 ms : 21, 43",
        "baseline, 43 ms : 43, 61",
        "refresh sent, 61 ms : 61, 193",
        "load seen, 193 ms : 193, 198",
        "all served, 198 ms : 198, 221",
        "verdict, 221 ms : milestone, 221, 0ms",
    ]


def test_no_timeline_of_nothing() -> None:
    """A run that ended before it began has no chart."""
    assert "mermaid" not in render(replace(PROBLEM, events=(), milestones=Milestones()))
