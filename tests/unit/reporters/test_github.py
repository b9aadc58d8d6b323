"""A workflow run shows the verdict where people look, and hands it on to later steps."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.harness.masks import Masks
from tests.harness.step_log import StepLog
from tests.runner_protocol import read_pairs, split_lines
from tests.unit.reporters.reports import (
    CANCELLED,
    CLOSED,
    MANY_STALE,
    OPEN,
    PLANNED,
    PROBLEM,
    REPORTS,
    SKIPPED,
    WEAK,
    present,
)

from pgrst_gate import comments
from pgrst_gate.findings import Finding
from pgrst_gate.report import Destinations, Event, Report, ReportFile
from pgrst_gate.reporters.github import publish, remarks
from pgrst_gate.reporters.markdown import render
from pgrst_gate.reporters.outputs import OUTPUTS
from pgrst_gate.schema import Relation
from pgrst_gate.verdicts import Cause
from pgrst_gate.workflow import Workflow

Run = Callable[[Report], StepLog]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace of a step, with the runner's files beside it."""
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        (tmp_path / name).touch()
        monkeypatch.setenv(name, str(tmp_path / name))
    path = tmp_path / "workspace"
    path.mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(path))
    return path


@pytest.fixture
def published(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Publish a report, and give what the runner took from the standard output."""
    assert workspace.is_dir()

    def run(report: Report) -> StepLog:
        publish(report, Workflow(), Destinations())
        log = StepLog(Masks(), on_line=lambda _: None)
        for line in split_lines(capsys.readouterr().out):
            log.take(line)
        return log

    return run


def test_a_cause_is_a_link_to_the_docs_of_the_version_in_use(
    published: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An action that is used by a ref has its docs at that ref."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://x")
    monkeypatch.setenv("GITHUB_ACTION_REPOSITORY", "o/r")
    monkeypatch.setenv("GITHUB_ACTION_REF", "v1")

    published(CLOSED)

    summary = Path(os.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8")
    assert '<a href="https://x/o/r/blob/v1/docs/verdicts.md#stale">' in summary


def test_findings_are_warnings_with_what_to_type(published: Run) -> None:
    """Notes are left to the summary: the runner shows only ten of a kind."""
    broken = Finding("listener", "broken", "nobody listens", (), "notify pgrst;")
    note = Finding("event-trigger", "note", "there is none")

    log = published(replace(CLOSED, findings=(broken, note)))

    told = [one.message for one in log.annotations if "nobody" in one.message]
    assert told == ["nobody listens\nnotify pgrst;"]
    assert not [one for one in log.annotations if "there is none" in one.message]


REFUSED = "GitHub answered 403 to this token; it needs `pull-requests: write`"


@pytest.mark.parametrize(
    ("event", "token", "told"),
    [
        ("pull_request", "", ["`github-token` is missing"]),
        ("pull_request", "ghs_x", [REFUSED]),
        ("push", "ghs_x", []),
    ],
)
def test_a_comment_that_cannot_be_written_falls_back_to_the_summary(
    event: str,
    token: str,
    told: list[str],
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A notice says why, and where it is said instead; the verdict is told in all other places.

    Where there is no pull request, no comment is missed.
    """

    def keep(_thread: str, token: str, _gate: str, _body: str) -> str:
        return REFUSED if token else "`github-token` is missing"

    monkeypatch.setattr(comments, "keep", keep)
    repo = {"full_name": "o/r"}
    told_of = {"number": 7, "head": {"repo": repo}, "base": {"repo": repo}}
    (workspace / "event.json").write_text(json.dumps({"pull_request": told_of}))
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(workspace / "event.json"))

    publish(OPEN, Workflow(), Destinations(comment="staging", github_token=token))

    printed = capsys.readouterr().out
    notice = r"^::notice.*::The comment was not written: (.*)\. The job summary says the same\.$"
    assert re.findall(notice, printed, re.MULTILINE) == told
    assert OPEN.sentence in printed
    assert Path(os.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8") == render(OPEN)


def outputs() -> dict[str, str]:
    """The outputs that were set."""
    return dict(read_pairs(Path(os.environ["GITHUB_OUTPUT"]).read_text("utf-8")))


@pytest.mark.parametrize("name", REPORTS)
def test_every_ending_is_told(name: str, published: Run, workspace: Path) -> None:
    """However a run ends, all outputs are set, the summary and the report's file are written."""
    published(REPORTS[name])

    assert list(outputs()) == [output.name for output in OUTPUTS]
    assert outputs()["verdict"] == REPORTS[name].conclusion
    assert outputs()["report"] == "pgrst-gate-report.json"
    assert Path(os.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8") == render(REPORTS[name])
    report = json.loads((workspace / outputs()["report"]).read_text("utf-8"))
    assert report["exit_code"] == REPORTS[name].exit_code


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            OPEN,
            {
                "verdict": "open",
                "evidence": "confirmed",
                "refreshed-by": "docker reload",
                "reload-ms": "132",
                "attempts": "7",
                "served": "5",
                "not-served": "0",
                "changes": "",
                "breaking": "",
                "postgrest-version": "14.14",
                "report": "x.json",
            },
        ),
        (
            PROBLEM,
            {
                "verdict": "not-refreshed",
                "evidence": "unproven",
                "refreshed-by": "none",
                "reload-ms": "",
                "attempts": "0",
                "served": "0",
                "not-served": "0",
                "changes": "",
                "breaking": "",
                "postgrest-version": "",
                "report": "x.json",
            },
        ),
    ],
    ids=["open", "problem"],
)
def test_outputs(report: Report, expected: dict[str, str]) -> None:
    """Later steps get words and numbers; what is not known is empty."""
    assert {output.name: output.of(report, "x.json") for output in OUTPUTS} == expected


def test_refreshed_by_all_that_was_sent() -> None:
    """A reload that was not enough and the restart after it are both told, each once."""
    receipts = (*OPEN.receipts, *OPEN.receipts, replace(OPEN.receipts[0], action="restart"))

    (refreshed_by,) = (one for one in OUTPUTS if one.name == "refreshed-by")

    assert refreshed_by.of(replace(OPEN, receipts=receipts), "") == "docker reload, docker restart"


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (OPEN, [("notice", "gate open"), ("notice", "")]),
        (PLANNED, [("notice", "planned only")]),
        (SKIPPED, [("notice", "skipped")]),
        (PROBLEM, [("error", "not refreshed")]),
        (CANCELLED, [("warning", "cancelled"), ("notice", "")]),
        (WEAK, [("error", "gate closed"), ("notice", "")]),
        (
            CLOSED,
            [
                ("error", "stale"),
                ("error", "not-granted"),
                ("error", "still-served"),
                ("error", "endpoint"),
                ("warning", ""),
                ("notice", ""),
            ],
        ),
        (
            MANY_STALE,
            [("error", "stale"), ("error", "endpoint"), ("warning", ""), ("notice", "")],
        ),
    ],
    ids=["open", "planned", "skipped", "problem", "cancelled", "weak", "closed", "many-stale"],
)
def test_annotations(report: Report, told: list[tuple[str, str]]) -> None:
    """A gate says once why it is closed: an error for each cause, not for each item."""
    shown = [
        (one.level, one.title.removeprefix("pgrst-gate").lstrip(": ")) for one in remarks(report)
    ]

    assert shown == told


def test_annotation_of_a_cause() -> None:
    """An annotation names items, counts the others and says what to type."""
    (stale, *_) = remarks(MANY_STALE)

    assert stale.message == (
        "stale: relation app.t0, relation app.t1, relation app.t2, relation app.t3, relation app.t4"
        " and 485 more\ndocker kill --signal SIGUSR1 api"
    )


def test_annotations_at_the_lines_of_migrations() -> None:
    """Each line that made a missing item has its error, after every cause was told once."""
    places = ("m/1.sql:3", "", "m/1.sql:3", "m/2.sql:9", "git:main:api.yml")
    stale = [
        replace(present(Relation("", f"t{number}"), Cause.STALE), place=place)
        for number, place in enumerate(places)
    ]
    hidden = present(Relation("", "other"), Cause.NOT_GRANTED)
    report = replace(CLOSED, verdicts=(*stale, hidden), endpoints=(), events=())

    assert [(one.message, one.file, one.line) for one in remarks(report)] == [
        (
            "stale: relation t0, relation t1, relation t2, relation t3, relation t4",
            "m/1.sql",
            3,
        ),
        ("not-granted: relation other", "", 1),
        ("stale: relation t3", "m/2.sql", 9),
    ]


def test_annotation_of_a_finding_at_the_line_of_a_migration() -> None:
    """What a migration left open is shown at it."""
    found = Finding("unprotected", "risk", "anon can read it", (), "alter table x;", "m/7_x.sql:3")
    report = replace(OPEN, findings=(found, replace(found, place="")), events=())

    told = [(one.title, one.file, one.line) for one in remarks(report) if one.level == "warning"]
    assert told == [
        ("pgrst-gate: unprotected", "m/7_x.sql", 3),
        ("pgrst-gate: unprotected", "", 1),
    ]


def test_annotation_of_a_problem() -> None:
    """The annotation of a run without a verdict has the reason and the hint."""
    (problem,) = remarks(PROBLEM)

    assert problem.message.splitlines()[0] == "no container is named api; running are:"
    assert problem.message.splitlines()[-1] == "container: postgrest-1"


def test_repeated_warnings() -> None:
    """The same warning in each round of waiting is one annotation."""
    event = Event(1.0, "wait", "the container is unhealthy", "warning")
    report = replace(OPEN, events=(event, replace(event, at=2.0)))

    assert [one.message for one in remarks(report) if one.level == "warning"] == [event.text]


def test_more_causes_than_annotations(published: Run) -> None:
    """With more causes than the runner shows errors, the last error says how many are missing."""
    verdicts = tuple(
        present(Relation("", cause), cause)
        for cause in Cause
        if cause not in {Cause.SERVED, Cause.GONE}
    )

    log = published(replace(CLOSED, verdicts=verdicts, endpoints=(), events=()))

    assert len(verdicts) == 15
    assert len(log.annotations) == 10
    assert "(5 more of this level" in log.annotations[-1].message


@pytest.mark.parametrize(
    ("broken", "warning"),
    [
        ("GITHUB_OUTPUT", "The outputs were not set"),
        ("GITHUB_STEP_SUMMARY", "The job summary was not written"),
        ("GITHUB_WORKSPACE", "The report was not written as json"),
    ],
)
def test_what_cannot_be_written(
    broken: str,
    warning: str,
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A place that cannot be written to is a warning; the verdict is told in all other places."""
    files: tuple[ReportFile, ...] = ()
    if broken == "GITHUB_WORKSPACE":
        files = (ReportFile("json", "missing/report.json"),)
    else:
        monkeypatch.setenv(broken, "")

    publish(OPEN, Workflow(), Destinations(files))

    printed = capsys.readouterr().out
    assert f"::{warning}" in printed
    assert OPEN.sentence in printed
    if broken == "GITHUB_WORKSPACE":
        assert outputs()["report"] == ""
        assert outputs()["verdict"] == "open"
    else:
        assert (workspace / "pgrst-gate-report.json").is_file()


def test_a_report_outside_of_the_workspace(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that was asked for elsewhere is named by its whole path."""
    publish(OPEN, Workflow(), Destinations((ReportFile("json", str(tmp_path / "elsewhere.json")),)))

    assert workspace.is_dir()
    assert capsys.readouterr().out
    assert outputs()["report"] == str(tmp_path / "elsewhere.json")
