"""An examination shown as text and as JSON."""

import json
from pathlib import Path
from typing import get_args

from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.unit import hostile

from pgrst_gate.doctor.looks import SUBJECTS, Examination, Look, State, unseen
from pgrst_gate.findings import Finding, Severity
from pgrst_gate.reporters.doctor import FORMAT_VERSION, as_json, as_text

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas/doctor.schema.json").read_text())


def saying(text: str) -> Examination:
    """An examination full of that text."""
    findings = tuple(
        Finding("gateway", severity, text, (text,), text, text) for severity in get_args(Severity)
    )
    return Examination((Look("gateway", text, findings), unseen("cache", text)))


@settings(deadline=None)
@given(text=hostile.texts)
def test_no_text_becomes_a_command(text: str) -> None:
    """Whatever a server says, no line of either form is a workflow command."""
    assert hostile.commands_in(as_text(saying(text))) == []
    assert hostile.commands_in(as_json(saying(text))) == []


@settings(deadline=None)
@given(text=hostile.texts)
def test_json_is_faithful_and_valid(text: str) -> None:
    """The words are there as they came, in the form that the schema describes."""
    document = json.loads(as_json(saying(text)))

    Draft202012Validator(SCHEMA).validate(document)
    assert document["subjects"][0]["findings"][0]["told"] == [text]


def test_schema_knows_every_word() -> None:
    """The words in the schema are those of the code, no more and no less."""
    look = SCHEMA["$defs"]["look"]["properties"]

    assert SCHEMA["properties"]["version"]["const"] == FORMAT_VERSION
    assert look["subject"]["enum"] == list(SUBJECTS)
    assert look["state"]["enum"] == list(get_args(State))
    assert SCHEMA["$defs"]["finding"]["properties"]["severity"]["enum"] == list(get_args(Severity))


def test_the_account_has_a_line_for_each_subject() -> None:
    """Also for what is well, or was not looked at, with the reason; the worst comes first."""
    finding = Finding("grants", "risk", "nobody may", remedy="grant it;")
    looks = (Look("server", "14.14"), Look("grants", "", (finding,)), unseen("cache", "no"))
    text = as_text(Examination(looks))

    assert [line.split() for line in text.splitlines()[:3]] == [
        ["ok", "server", "14.14"],
        ["risk", "grants"],
        ["not", "looked", "at", "cache", "no"],
    ]
    assert "what to do: grant it;" in text
    assert text.splitlines()[-1] == "3 subjects: 0 broken, 1 risk, 1 ok, 1 not looked at"
