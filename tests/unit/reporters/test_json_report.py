"""Programs get the whole report, in a form that is written down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.unit import hostile
from tests.unit.reporters.reports import CLOSED, HOSTILE_TEXT, OPEN, REPORTS, saying

from pgrst_gate.report import Conclusion, Evidence, Level, Report, Stage
from pgrst_gate.reporters.json_report import FORMAT_VERSION, render
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


def test_reload_time() -> None:
    """The time of the reload is that of the report, and null where none was seen."""

    def milliseconds(report: Report) -> object:
        return json.loads(render(report))["reload_milliseconds"]

    assert milliseconds(OPEN) == 132
    assert milliseconds(replace(OPEN, milestones=CLOSED.milestones)) is None
