"""Programs get the whole report, in a form that is written down."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.unit import hostile
from tests.unit.reporters.reports import CLOSED, HOSTILE_TEXT, OPEN, REPORTS, saying

from pgrst_gate.report import Conclusion, Evidence, Level, Report, Stage
from pgrst_gate.reporters.json_report import FILE_NAME, FORMAT_VERSION, render, save
from pgrst_gate.verdicts import Cause

SCHEMA: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "schemas" / "report.schema.json").read_text("utf-8")
)


def closed_to_additions(schema: Any) -> Any:  # noqa: ANN401  # JSON is anything
    """The schema with no field allowed that it does not name, but for what it joins from parts."""
    if isinstance(schema, list):
        return [closed_to_additions(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: closed_to_additions(part) for key, part in schema.items()}
    if schema.get("type") == "object":
        strict["unevaluatedProperties"] = False
    return strict


VALIDATOR: Final = Draft202012Validator(closed_to_additions(SCHEMA))


@pytest.mark.parametrize("name", REPORTS)
def test_schema(name: str) -> None:
    """Each report is as the schema says, and has no field that the schema does not tell of."""
    VALIDATOR.validate(json.loads(render(REPORTS[name])))


@pytest.mark.parametrize(
    ("report", "path"),
    [
        ({"version": 2}, "version"),
        ({"conclusion": "fine"}, "conclusion"),
        ({"milestones": {"refreshed": "soon", "loaded": None, "served": None}}, "refreshed"),
        ({"extra": 1}, ""),
    ],
)
def test_schema_refuses(report: dict[str, object], path: str) -> None:
    """The schema tells a report from what is none."""
    document = {**json.loads(render(OPEN)), **report}

    errors = list(VALIDATOR.iter_errors(document))

    assert [error.path[-1] if error.path else "" for error in errors] == [path]


def test_schema_knows_every_word() -> None:
    """The words in the schema are those of the code, no more and no less."""
    properties, verdict = SCHEMA["properties"], SCHEMA["$defs"]["verdict"]["properties"]
    event = properties["events"]["items"]["properties"]

    assert properties["version"]["const"] == FORMAT_VERSION
    assert properties["conclusion"]["enum"] == list(Conclusion)
    assert properties["evidence"]["properties"]["strength"]["enum"] == [
        one.value for one in Evidence
    ]
    assert verdict["cause"]["enum"] == list(Cause)
    assert event["stage"]["enum"] == list(get_args(Stage))
    assert event["level"]["enum"] == list(get_args(Level))


@settings(deadline=None)
@given(text=hostile.texts)
def test_faithful(text: str) -> None:
    """A server's words are in the JSON as they came: a command is escaped, not changed."""
    document = json.loads(render(saying(text)))

    assert document["sentence"] == text
    assert document["items"][0]["told"] == [text, text]


def test_ascii() -> None:
    """The JSON is ASCII, so no stream or editor can misread it."""
    assert render(saying(HOSTILE_TEXT)).isascii()


def test_save_into_a_directory(tmp_path: Path) -> None:
    """In a directory the report has its usual name, and nothing else is left there."""
    saved = save(OPEN, tmp_path)

    assert saved == tmp_path / FILE_NAME
    assert saved.read_text("utf-8") == render(OPEN)
    assert list(tmp_path.iterdir()) == [saved]


def test_save_replaces(tmp_path: Path) -> None:
    """A report of a run before is replaced as a whole; a link is replaced, not followed."""
    target = tmp_path / "target"
    target.write_text("untouched", "utf-8")
    path = tmp_path / "report.json"
    path.symlink_to(target)

    save(CLOSED, path)

    assert path.read_text("utf-8") == render(CLOSED)
    assert target.read_text("utf-8") == "untouched"


def test_save_is_readable_by_all(tmp_path: Path) -> None:
    """A later step, which runs as another user, can read the report."""
    assert save(OPEN, tmp_path).stat().st_mode & 0o777 == 0o644


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

    save(OPEN, tmp_path)

    workspace = tmp_path.stat()
    assert owners == [(workspace.st_uid, workspace.st_gid)] * given_away


def test_save_where_files_have_no_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that refuses the change of owner still gets the report."""

    def refuse(_path: Path, _uid: int, _gid: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", refuse)

    assert save(OPEN, tmp_path).is_file()


def test_save_fails_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails half-way, the former report is still there and no part of the new one."""
    path = save(OPEN, tmp_path)

    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(OSError, match="No space left"):
        save(CLOSED, tmp_path)
    assert path.read_text("utf-8") == render(OPEN)
    assert list(tmp_path.iterdir()) == [path]


def test_save_nowhere(tmp_path: Path) -> None:
    """A directory that is not there is an error, for the caller to tell of."""
    with pytest.raises(FileNotFoundError):
        save(OPEN, tmp_path / "missing" / "report.json")


def test_reload_time() -> None:
    """The time of the reload is that of the report, and null where none was seen."""

    def milliseconds(report: Report) -> object:
        return json.loads(render(report))["reload_milliseconds"]

    assert milliseconds(OPEN) == 132
    assert milliseconds(replace(OPEN, milestones=CLOSED.milestones)) is None
