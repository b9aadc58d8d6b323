"""A tired person at night finds out from the log what happened and what to type."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from tests.unit.reporters.reports import CLOSED, MANY, MANY_STALE, OPEN, REPORTS

from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Event
from pgrst_gate.reporters import console
from pgrst_gate.reporters.console import Progress, render, wants_colour, write


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize("name", REPORTS)
def test_verdict_first_and_last(name: str) -> None:
    """The account begins with how the run ended, and its last line is the conclusion."""
    lines = render(REPORTS[name]).splitlines()

    assert re.fullmatch(r"== [A-Z ]+ ==", lines[1])
    assert lines[-1].endswith(f"(exit code {REPORTS[name].exit_code})")


def test_served_items_are_counted_where_they_are_many() -> None:
    """Hundreds of served items are one line; those that are not served are all there."""
    assert "500 as expected, not listed here" in render(MANY)
    assert len(render(MANY).splitlines()) < 30
    assert render(MANY_STALE).count("\n  stale ") == 490


def test_the_same_remedy_is_given_once() -> None:
    """Hundreds of stale items have one remedy, and a few of them tell how that was found."""
    text = render(MANY_STALE)

    assert text.count("What to do: docker kill --signal SIGUSR1 api") == 1
    assert text.count("    | cache: GET") == 5
    assert "and 485 more; the JSON report has them all" in text


def test_what_is_to_be_copied_is_not_wrapped() -> None:
    """On a narrow terminal prose is wrapped, a command to paste is not."""
    command = "docker kill --signal SIGUSR1 " + "a-rather-long-name-of-a-container " * 5
    verdict = replace(CLOSED.verdicts[0], remedy=command, told=("word " * 50,))

    text = render(replace(CLOSED, verdicts=(verdict,)), width=60)

    assert f"  What to do: {command.rstrip()}\n" in text
    assert max(len(line) for line in text.splitlines() if "word" in line) <= 60


def test_colour_changes_no_word() -> None:
    """A terminal shows the same words as a log, in colours."""
    painted = render(CLOSED, colour=True)

    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == render(CLOSED)


def test_no_colour_in_a_log() -> None:
    """A log holds no terminal sequence."""
    assert "\x1b" not in render(CLOSED)


@pytest.mark.parametrize(
    ("environment", "stream", "wanted"),
    [
        ({"TERM": "xterm"}, Terminal(), True),
        ({"TERM": "dumb"}, Terminal(), False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Terminal(), False),
        ({"TERM": "xterm"}, io.StringIO(), False),
        ({"TERM": "xterm", "CI": "true"}, Terminal(), False),
        ({"TERM": "xterm", "CI": "true", "GITLAB_CI": "true"}, Terminal(), True),
        ({"TERM": "xterm", "CI": "true", "GITLAB_CI": "true"}, io.StringIO(), False),
    ],
)
def test_wants_colour(
    environment: dict[str, str],
    stream: io.StringIO,
    wanted: bool,  # noqa: FBT001  # a column of a table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Colour is for terminals whose user wants it, and in CI for logs that are shown in it."""
    for name in (
        "NO_COLOR",
        "CI",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "BUILDKITE",
        "CIRCLECI",
        "TRAVIS",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert wants_colour(stream) is wanted


def test_progress() -> None:
    """Each event is one line with time and stage; more lines of a text are marked as that."""
    stream = io.StringIO()
    progress = Progress(stream, Secrets(), colour=False)

    for event in OPEN.events[:1]:
        progress(event)
    progress(Event(12.3456, "wait", "the log says:\n  boom\n", "warning"))

    assert stream.getvalue().splitlines() == [
        "   0.000 s  plan       5 items, refresh by docker, timeout 120 s",
        "  12.346 s  wait       warning: the log says:",
        "                     |   boom",
    ]


def test_progress_is_there_at_once() -> None:
    """Whoever watches a run sees a line when it happens, not when the buffer is full."""
    flushed: list[str] = []

    class Watched(io.StringIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    Progress(Watched(), Secrets(), colour=False)(OPEN.events[0])

    assert flushed == [f"   0.000 s  plan       {OPEN.events[0].text}\n"]


def test_progress_on_a_terminal() -> None:
    """A warning is seen as one."""
    stream = Terminal()

    Progress(stream, Secrets(), colour=True)(Event(1.0, "wait", "careful", "warning"))

    assert stream.getvalue() == "\x1b[33m   1.000 s  wait       warning: careful\x1b[0m\n"


def test_a_stream_that_knows_no_unicode() -> None:
    """A server's umlaut does not end a run whose log takes only ASCII."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    write(stream, "grün\n")

    stream.seek(0)
    assert stream.read() == "gr\\xfcn\n"


def test_rich_is_for_terminals() -> None:
    """A run in CI does not spend its time on importing what colours a terminal."""
    code = f"import sys, {console.__name__}; sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
