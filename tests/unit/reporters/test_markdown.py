"""The job summary shows what happened, whatever a server said, within what GitHub takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from tests.unit import hostile
from tests.unit.reporters.reports import (
    ACCESS,
    CLOSED,
    MANY,
    MANY_STALE,
    OPEN,
    PROBLEM,
    REPLICAS,
    REPORTS,
    saying,
)

from pgrst_gate.report import Problem, Report
from pgrst_gate.reporters.markdown import comment, render
from pgrst_gate.untrusted import one_line
from pgrst_gate.verdicts import Verdict
from pgrst_gate.workflow import SUMMARY_BYTES

OURS = {"b", "br", "code", "h2", "h3", "p", "pre", "span", "strong", "sub", "table"}
OURS |= {"details", "summary", "td", "th", "tr"}
PAGES: dict[str, Callable[[Report], str]] = {
    "summary": render,
    "comment": partial(comment, gate="x", pages="", run=""),
}
CHARTED = re.compile(
    r"```mermaid\ngantt\n    dateFormat x\n    axisFormat %M:%S\.%L\n"
    r"(?:    [a-z ]+ → [a-z ]+, [0-9 a-z.]+ : \d+, \d+\n){2,}```\n"
)
"""What was drawn by Mermaid 11.17 as it is meant: a name without a colon, then milliseconds."""


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


@pytest.mark.parametrize("page", PAGES)
@settings(deadline=None)
@given(text=hostile.texts)
def test_no_text_is_read_as_markup(page: str, text: str) -> None:
    """Whatever a server says, the page has the same headings and tables, and no tag of its."""
    read, harmless = (Page(PAGES[page](saying(said))) for said in (f"{text}x", "harmless"))

    assert set(read.tags) <= OURS
    assert read.attributes <= {("class", "language-text"), ("class", "language-mermaid")}
    assert read.open == []
    for tag in ("h2", "h3", "table", "tr", "td"):
        assert read.tags.count(tag) == harmless.tags.count(tag)


@pytest.mark.parametrize("page", PAGES)
@settings(deadline=None)
@given(text=hostile.texts)
def test_nobody_is_mentioned_and_nothing_is_a_formula(page: str, text: str) -> None:
    """GitHub reads these in the text of HTML as well, but not in code."""
    texts = Page(PAGES[page](saying(f"{text}\n@someone and o/r#7 and $x$"))).texts
    prose = [said for tag, said in texts if tag not in {"code", "span"}]

    assert any("someone" in said for said in prose)
    assert not [said for said in prose if re.search(r"(?<!\w)@\w|#\d|\$", said)]


@settings(deadline=None)
@given(text=hostile.texts)
def test_text_arrives(text: str) -> None:
    """Whatever a server says can be read on the page as it was said, backticks as code."""
    report = replace(OPEN, sentence=text)

    shown = "".join(said for _, said in Page(render(report)).texts).replace("\u200b", "")

    assert letters(one_line(text)) in letters(shown)


def letters(text: str) -> str:
    """The text without space and backticks."""
    return "".join(text.replace("`", "").split())


def test_verdict_first() -> None:
    """The summary starts with the conclusion and its sentence."""
    assert render(CLOSED).startswith(
        "## ❌ Gate closed\n\n<p>4 of 6 items are not as expected after 120 s</p>\n"
    )


def test_what_to_do_is_near() -> None:
    """Hundreds of items do not put it out of sight: most of them are folded away."""
    text = render(MANY_STALE)
    seen, folded = text.partition("### What to do")[0].split("<details>")

    assert seen.count("<td>present</td>") == 20
    assert "<summary>480 more</summary>" in folded
    assert folded.count("<td>present</td>") == 480


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        ("grant select on a to b;", "```text\ngrant select on a to b;\n```"),
        ("see `x` <and> y", "<p>see <code>x</code> &lt;and&gt; y</p>"),
    ],
)
def test_a_command_can_be_copied_and_a_sentence_read(remedy: str, shown: str) -> None:
    """A block of code has a button to copy it, and no line of it is wrapped."""
    assert f"\n\n{shown}\n\n" in render(
        replace(CLOSED, verdicts=(replace(CLOSED.verdicts[0], remedy=remedy),))
    )


@pytest.mark.parametrize(
    ("sentence", "shown"), [("no verdict: it is x (nothing was sent)", 1), ("no verdict", 2)]
)
def test_a_problem_is_told_once(sentence: str, shown: int) -> None:
    """The sentence that says it all mostly says the problem, too."""
    problem = Problem("it is x", "do y")

    text = render(replace(PROBLEM, sentence=f"{sentence}", problem=problem))

    assert text.count("<p>") == shown
    assert "### What to do\n\n```text\ndo y\n```" in text


def test_every_instance_is_shown() -> None:
    """What was sent to each, and when."""
    receipts = tuple(
        replace(OPEN.receipts[0], target=f"container api-{number}") for number in range(30)
    )
    text = render(replace(OPEN, receipts=receipts))

    assert re.findall(r"SIGUSR1 to container api-(\d+),", text) == list(map(str, range(30)))


def test_what_closes_the_gate_is_not_folded_away() -> None:
    """Of dozens of instances, rules and requests those that fail come first."""
    report = replace(
        CLOSED,
        instances=(*[REPLICAS.instances[0]] * 30, REPLICAS.instances[1]),
        access=(*[ACCESS.access[0]] * 30, ACCESS.access[1]),
        endpoints=(*[CLOSED.endpoints[0]] * 30, CLOSED.endpoints[1]),
    )
    sections = [part.partition("</table>")[0] for part in render(report).split("\n### ")]

    for heading, failed in (("Instances", "❌"), ("Access", "broken"), ("Endpoints", "failed")):
        (shown,) = [part for part in sections if part.startswith(heading)]
        assert failed in shown.split("<tr>")[2]


def test_questions_that_are_left_out_are_counted() -> None:
    """An item for which much was asked shows some of it."""
    told = tuple(f"question {number}" for number in range(9))
    text = render(replace(CLOSED, verdicts=(replace(CLOSED.verdicts[0], told=told),)))

    assert "<code>question 5</code><br>and 3 more; the JSON report has them all" in text


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
        replace(MANY, verdicts=tuple(map(long, CLOSED.verdicts)) * 100),
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
    text = render(replace(CLOSED, verdicts=tuple(map(long, CLOSED.verdicts)) * 100))

    rows = text.count("<td>present</td>") + text.count("<td>absent</td>")
    (left_out,) = re.findall(r"</details>\n\n\*\*([\d,]+) more are not shown here", text)
    assert rows + int(left_out) == 400


@pytest.mark.parametrize(
    "report",
    [OPEN, CLOSED, *map(REPORTS.__getitem__, ["many", "hostile", "cancelled", "weak"])],
)
def test_timeline(report: Report) -> None:
    """The chart is of the form that Mermaid was seen to draw, and all of its words are ours."""
    assert len(CHARTED.findall(render(report))) == 1


def test_timeline_has_all_turning_points() -> None:
    """It shows how long each part of the run took, in milliseconds, up to the verdict."""
    chart = CHARTED.findall(render(OPEN))[0]

    assert [line.strip() for line in chart.splitlines()[4:-1]] == [
        "start → reload sent, 61 ms : 0, 61",
        "reload sent → load seen, 132 ms : 61, 193",
        "load seen → first served, 5 ms : 193, 198",
        "first served → verdict, 23 ms : 198, 221",
    ]


def test_timeline_shows_the_restart_that_a_reload_needed() -> None:
    """Each way to refresh is a turning point."""
    restart = replace(OPEN.receipts[0], action="restart", at=0.1)
    chart = CHARTED.findall(render(replace(OPEN, receipts=(*OPEN.receipts, restart))))[0]

    assert "reload sent → restart sent, 39 ms : 61, 100" in chart


@pytest.mark.parametrize("name", ["problem", "planned", "skipped", "drift"])
def test_no_timeline_of_nothing(name: str) -> None:
    """A run in which nothing turned has no chart: how long it took is in the table."""
    assert "mermaid" not in render(REPORTS[name])
