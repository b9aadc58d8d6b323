"""For all reporters: no text becomes a command, no secret is shown, nothing is decided."""

from __future__ import annotations

import html
import io
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from tests.unit import hostile
from tests.unit.reporters.renderers import RENDERERS
from tests.unit.reporters.reports import CLOSED, OPEN, REPORTS, saying

from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Conclusion, Event, Report
from pgrst_gate.reporters import console, github, json_report, markdown

SECRET: Final = "hunter22-marked"
FORMS: Final = (SECRET, "hunter22\u200b-marked", "\x1b[1mhunter22\x1b[0m-marked")


TEXTUAL: Final = tuple(name for name in RENDERERS if name != "badge")  # it quotes nobody


@pytest.mark.parametrize("reporter", ["console", "json"])
@settings(deadline=None)
@given(text=hostile.texts)
def test_no_command_on_standard_output(reporter: str, text: str) -> None:
    """A server's words never become a workflow command, in whatever field of a report they are."""
    assert hostile.commands_in(RENDERERS[reporter](saying(text))) == []


@settings(deadline=None)
@given(text=hostile.texts)
def test_no_command_when_wrapped(text: str) -> None:
    """Nor where a narrow terminal breaks the lines, or between what colours them."""
    report = saying(text)

    assert hostile.commands_in(console.render(report, width=40)) == []
    assert hostile.commands_in(console.render(report, width=40, colour=True)) == []


@settings(deadline=None)
@given(text=hostile.texts)
def test_no_command_in_the_course_of_a_run(text: str) -> None:
    """Nor in a line that is printed while the run goes on."""
    stream = io.StringIO()

    console.Progress(stream, Secrets(), colour=False)(Event(1.0, "wait", text, "warning"))

    assert hostile.commands_in(stream.getvalue()) == []


@pytest.mark.parametrize("reporter", TEXTUAL)
@pytest.mark.parametrize("form", FORMS)
def test_no_secret(reporter: str, form: str) -> None:
    """A secret is in no field of a report that was redacted, and a reader sees where it was."""
    report = Secrets([SECRET]).redacted(saying(f"before {form} after"))

    text = RENDERERS[reporter](report)

    assert "hunter22" not in text
    assert "-marked" not in text
    assert "before *** after" in text


@pytest.mark.parametrize("form", FORMS)
def test_no_secret_in_the_course_of_a_run(form: str) -> None:
    """A secret is not in the lines that are printed while the run goes on."""
    stream = io.StringIO()

    console.Progress(stream, Secrets([SECRET]), colour=False)(Event(0.5, "plan", f"to {form}:1"))

    assert stream.getvalue() == "   0.500 s  plan       to ***:1\n"


@pytest.mark.parametrize("report", [OPEN, CLOSED])
def test_the_report_decides(report: Report) -> None:
    """What is shown as the ending of a run is the report's, whatever its verdicts are."""
    contrary = replace(report, conclusion=Conclusion.NOT_OBSERVED, exit_code=4, sentence="odd")

    assert "== NOT OBSERVED ==" in console.render(contrary)
    assert console.render(contrary).endswith("\nodd (exit code 4)\n")
    assert markdown.render(contrary).startswith("## ❌ Not observed\n")
    assert '"conclusion": "not-observed"' in json_report.render(contrary)
    assert next(iter(github.remarks(contrary))).title == "pgrst-gate: not observed"


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "hostile"])
def test_every_item_that_closes_the_gate_is_named(name: str) -> None:
    """However many items there are, each that is not as expected is listed with its cause."""
    report = REPORTS[name]
    log, summary = console.render(report).splitlines(), markdown.render(report).splitlines()

    for verdict in report.not_served:
        named, escaped = str(verdict.item), html.escape(str(verdict.item))
        ending = f" {named}, expected by {verdict.place}" if verdict.place else f" {named}"
        assert any(f" {verdict.cause} " in line and line.endswith(ending) for line in log)
        assert any(f"<b>{verdict.cause}</b>" in line and escaped in line for line in summary)
