"""A report in each of its formats, and the files they are written to."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.unit import hostile
from tests.unit.reporters.reports import CLOSED, DRIFT, OPEN, OVERRIDDEN, REPORTS, saying

from pgrst_gate.readers import report_files
from pgrst_gate.report import Conclusion, EndpointResult, Format, Report, ReportFile
from pgrst_gate.reporters import json_report
from pgrst_gate.reporters.checks import checks, not_passed
from pgrst_gate.reporters.formats import FILE_NAMES, pipeline, render, save

FORMATS: Final[tuple[Format, ...]] = get_args(Format)
WORKFLOW: Final = ".github/workflows/deploy.yml"


def counts(report: Report) -> dict[str, int]:
    """What the suite of the JUnit report says it holds."""
    suite = ET.fromstring(render(report, "junit", WORKFLOW))[0]  # noqa: S314 - our own document
    return {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}


@pytest.mark.parametrize("name", REPORTS)
def test_a_run_passes_in_every_format_or_in_none(name: str) -> None:
    """Whoever reads only one format acts as the exit code says."""
    report = REPORTS[name]
    passed = report.exit_code == 0
    found = counts(report)

    assert (found["failures"] + found["errors"] == 0) == passed
    assert (json.loads(render(report, "gitlab", WORKFLOW)) == []) == passed
    assert (json.loads(render(report, "sarif", WORKFLOW))["runs"][0]["results"] == []) == passed
    assert found["tests"] == len(checks(report)) > 0


@pytest.mark.parametrize("name", REPORTS)
def test_findings_are_told_apart(name: str) -> None:
    """Two findings of one run have two fingerprints, and the same run has the same again."""
    prints = [check.fingerprint for check in not_passed(REPORTS[name])]

    assert len(set(prints)) == len(prints)
    assert prints == [check.fingerprint for check in not_passed(REPORTS[name])]


def test_requests_that_differ_at_their_end_are_told_apart() -> None:
    """However long they are, and where only what is expected of them differs."""
    long = f"/a?x={'y' * 600}"
    lines = [("/a", "200"), ("/a", "204"), (f"{long}1", "200"), (f"{long}2", "200")]
    failed = tuple(EndpointResult(*line, "500", passed=False) for line in lines)

    found = not_passed(replace(OPEN, conclusion=Conclusion.CLOSED, endpoints=failed))

    assert len({check.fingerprint for check in found}) == len(lines)


@pytest.mark.parametrize(
    ("path", "uri", "inside"),
    [
        ("db/1 a#b%.sql", "db/1%20a%23b%25.sql", True),
        ("/srv/1.sql", "/srv/1.sql", False),
        ("../1.sql", "../1.sql", False),
    ],
)
def test_a_file_is_named_by_its_uri(path: str, uri: str, inside: bool) -> None:  # noqa: FBT001
    """What means something else in a URI is quoted; a file elsewhere is not the project's."""
    verdicts = tuple(replace(one, place=f"{path}:7") for one in CLOSED.not_served)
    document = json.loads(
        render(replace(CLOSED, verdicts=verdicts, endpoints=()), "sarif", WORKFLOW)
    )

    files = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]
        for result in document["runs"][0]["results"]
    ]

    assert files == [{"uri": uri} | ({"uriBaseId": "SRCROOT"} if inside else {})] * len(verdicts)


CODE_QUALITY: Final = Draft202012Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "additionalProperties": False,
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string", "minLength": 1},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "additionalProperties": False,
                    "properties": {
                        "path": {"type": "string", "minLength": 1, "pattern": r"^[^./]|^\.[^./]"},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "additionalProperties": False,
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    }
)
"""GitLab has no schema of it: this is its docs' section `Code Quality report format`, whose paths
are relative and do not begin with `./`."""


@pytest.mark.parametrize("name", REPORTS)
def test_gitlab_has_all_that_it_asks_for(name: str) -> None:
    """And nothing that it does not know."""
    CODE_QUALITY.validate(json.loads(render(REPORTS[name], "gitlab", WORKFLOW)))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"severity": "fatal"}, [0, "severity"]),
        ({"line": 3}, [0]),
        ({"location": {"path": "./x.sql", "lines": {"begin": 1}}}, [0, "location", "path"]),
        ({"location": {"path": "x.sql", "lines": {"begin": 0}}}, [0, "location", "lines", "begin"]),
    ],
)
def test_what_gitlab_would_not_show_is_told(
    change: dict[str, object], where: list[str | int]
) -> None:
    """The form that is asked for is one that a report can fail to have."""
    finding = json.loads(render(CLOSED, "gitlab", WORKFLOW))[0]

    (error,) = CODE_QUALITY.iter_errors([finding | change])

    assert list(error.absolute_path) == where


def test_a_label_lets_changes_pass() -> None:
    """A change that was overridden is a case that passed."""
    assert (counts(DRIFT)["failures"], counts(OVERRIDDEN)["failures"]) == (1, 0)


@settings(deadline=None)
@given(text=hostile.texts)
def test_no_text_breaks_a_document(text: str) -> None:
    """Whatever a server says, the document can be read, and no escape sequence is in it."""
    report = saying(text)
    ET.fromstring(render(report, "junit", WORKFLOW))  # noqa: S314 - our own document
    for form in ("sarif", "gitlab"):
        json.loads(render(report, form, WORKFLOW))
    assert "\x1b" not in "".join(render(report, form, WORKFLOW) for form in FORMATS[1:])


@pytest.mark.parametrize("name", REPORTS)
def test_a_badge_is_one_line(name: str) -> None:
    """It fits where there is room for a line."""
    text = render(REPORTS[name], "badge", WORKFLOW)
    assert text.endswith("\n")
    assert 0 < len(text.rstrip("\n")) <= 60
    assert text.count("\n") == 1


def test_what_no_file_made_is_shown_at_the_pipeline() -> None:
    """GitHub and GitLab show nothing that is in no file."""
    paths = [
        finding["location"]["path"] for finding in json.loads(render(CLOSED, "gitlab", WORKFLOW))
    ]
    assert WORKFLOW in paths


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"GITHUB_WORKFLOW_REF": f"a/b/{WORKFLOW}@refs/heads/x@y"}, WORKFLOW),
        ({"CI_CONFIG_PATH": "ci/gitlab.yml"}, "ci/gitlab.yml"),
        ({}, "pgrst-gate"),
    ],
)
def test_the_pipeline_names_its_own_file(environment: dict[str, str], path: str) -> None:
    """By the variables that each CI system sets."""
    assert pipeline(environment) == path


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("", ()),
        ("out.json", (ReportFile("json", "out.json"),)),
        (
            "json=a.json, junit=b.xml\nsarif = c/d.sarif",
            (
                ReportFile("json", "a.json"),
                ReportFile("junit", "b.xml"),
                ReportFile("sarif", "c/d.sarif"),
            ),
        ),
    ],
)
def test_formats_are_listed_with_their_paths(text: str, files: tuple[ReportFile, ...]) -> None:
    """A path alone is that of the JSON report."""
    assert report_files(text) == files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("junti=a", "expected one of json, junit, sarif, gitlab, badge; did you mean `junit`"),
        ("junit=", "`junit=` lacks its path"),
        ("a.json, json=b.json", "the format json is given twice"),
        ("json=a, junit=./b/../a", "two formats have the path"),
        ("junit=a\0b", "a path holds a character that does not print"),
        ("junit=out/pgrst-gate-report.json", "is the name of the JSON report"),
    ],
)
def test_a_list_that_is_unclear_is_refused(text: str, message: str) -> None:
    """Nothing is guessed about where a report should go."""
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        report_files(text)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_a_name_in_a_directory(form: Format, tmp_path: Path) -> None:
    """Several formats may go to one directory."""
    saved = save(CLOSED, ReportFile(form, "."), tmp_path)

    assert saved == tmp_path / FILE_NAMES[form]
    assert saved.read_text("utf-8")


def test_save_into_a_directory(tmp_path: Path) -> None:
    """In a directory the report has its usual name, and nothing else is left there."""
    saved = save(OPEN, ReportFile("json", "."), tmp_path)

    assert saved == tmp_path / FILE_NAMES["json"]
    assert saved.read_text("utf-8") == json_report.render(OPEN)
    assert list(tmp_path.iterdir()) == [saved]


def test_save_replaces(tmp_path: Path) -> None:
    """A report of a run before is replaced as a whole; a link is replaced, not followed."""
    target = tmp_path / "target"
    target.write_text("untouched", "utf-8")
    path = tmp_path / "report.json"
    path.symlink_to(target)

    save(CLOSED, ReportFile("json", str(path)))

    assert path.read_text("utf-8") == json_report.render(CLOSED)
    assert target.read_text("utf-8") == "untouched"


def test_save_is_readable_by_all(tmp_path: Path) -> None:
    """A later step, which runs as another user, can read the report."""
    assert save(OPEN, ReportFile("json", "."), tmp_path).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(("user", "given_away"), [(0, True), (1001, False)], ids=["root", "other"])
def test_save_gives_to_the_owner_of_the_workspace(
    user: int,
    given_away: bool,  # noqa: FBT001  # a column of a table
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a container action, which is root, leaves behind is the workspace owner's."""
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "chown", lambda _path, uid, gid: owners.append((uid, gid)))

    save(OPEN, ReportFile("json", "."), tmp_path)

    workspace = tmp_path.stat()
    assert owners == [(workspace.st_uid, workspace.st_gid)] * given_away


def test_save_where_files_have_no_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that refuses the change of owner still gets the report."""

    def refuse(_path: Path, _uid: int, _gid: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", refuse)

    assert save(OPEN, ReportFile("json", "."), tmp_path).is_file()


def test_save_fails_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails half-way, the former report is still there and no part of the new one."""
    path = save(OPEN, ReportFile("json", "."), tmp_path)

    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(OSError, match="No space left"):
        save(CLOSED, ReportFile("json", "."), tmp_path)
    assert path.read_text("utf-8") == json_report.render(OPEN)
    assert list(tmp_path.iterdir()) == [path]


def test_save_nowhere(tmp_path: Path) -> None:
    """A directory that is not there is an error, for the caller to tell of."""
    with pytest.raises(FileNotFoundError):
        save(OPEN, ReportFile("json", "missing/report.json"), tmp_path)
