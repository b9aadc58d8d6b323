"""Reading what PostgREST says: versions, types, answers, documents, log lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from pgrst_gate.postgrest import admin, logs, openapi, questions, versions
from pgrst_gate.postgrest.answers import Answer, Plan, obstacle, plan, told
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.postgrest.types import same_type
from pgrst_gate.verdicts import Cause

RECORDINGS = Path(__file__).parents[2] / "contract" / "recordings"


def recording(name: str) -> dict[str, Any]:
    """A recording of a real server."""
    found: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return found


def refusal(status: int, code: str, **parts: str | None) -> Answer:
    """PostgREST's error object."""
    body = {"code": code, "message": "", "details": None, "hint": None, **parts}
    return Answer(status, {}, json.dumps(body).encode())


# --- versions and types


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("postgrest/14.14", (14, 14)),
        ("postgrest/10.2.0 (1b2c3d4)", (10, 2, 0)),
        ("12.0.2 (a4e00ff)", (12, 0, 2)),
        ("postgrest", None),
        ("", None),
    ],
)
def test_a_version_is_read(text: str, version: versions.Version | None) -> None:
    """From the Server header and from `info.version`."""
    assert versions.parse(text) == version


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ((9, 0), None),
        ((10, 0), "10"),
        ((11, 2, 2), "11"),
        ((12,), "12"),
        ((12, 0), "12"),
        ((12, 2, 12), "12"),
        ((13, 0, 8), "13 and later"),
        ((16, 2), "13 and later"),
        ((99, 0), "13 and later"),
    ],
)
def test_every_version_has_its_line(version: versions.Version, line: str | None) -> None:
    """Later versions are asked like the last line that was seen; 9 and older not at all."""
    dialect = versions.dialect_of(version)

    assert (dialect.line if dialect else None) == line


@pytest.mark.parametrize(
    ("version", "reloads"),
    [((5, 2), True), ((6,), False), ((6, 0), False), ((14, 14), False), (None, False)],
)
def test_sighup_reloads_only_the_oldest(version: versions.Version | None, *, reloads: bool) -> None:
    """An unknown version counts as one that dies of it."""
    assert versions.reloads_on_sighup(version) is reloads


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        ("timestamptz", "timestamp with time zone"),
        ("int", "integer"),
        ("INT4", "int32"),
        ("smallint", "int32"),
        ("bigint", "int64"),
        ("varchar(20)", "character varying"),
        ("numeric(10, 2)", "numeric"),
        ("timestamp(3) with time zone", "timestamp with time zone"),
        ("text[]", "text[]"),
        ("status", "public.status"),
        ("public.status", "public.status"),
        ("double  precision", "float8"),
        ("pg_catalog.text", "text"),
    ],
)
def test_types_are_the_same_under_other_names(expected: str, seen: str) -> None:
    """What a person writes and what a document shows mean the same type."""
    assert same_type(expected, seen)


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        ("timestamp", "timestamp with time zone"),
        ("int", "int64"),
        ("text", "text[]"),
        ("api.status", "public.status"),
        ("integer", "text"),
        ("integer", ""),
    ],
)
def test_types_differ(expected: str, seen: str) -> None:
    """A drifted type is not taken for the expected one."""
    assert not same_type(expected, seen)


# --- answers

PROBE = Question("POST", "/scans?columns=a", "public", b"[]", token="tok")
READ = Question("GET", "/scans?limit=0", "public")
OPTIONS = questions.options_relation("public", "scans")


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        (PROBE, refusal(400, "PGRST122", details="Invalid preferences: x-tok=1"), Plan.PASSED),
        (PROBE, refusal(400, "PGRST122", details="Invalid preferences: x-old=1"), Plan.UNTOLD),
        (PROBE, Answer(400, {}, b'{"code":"PGRST122","message":"minimal"}'), Plan.PASSED),
        (PROBE, refusal(406, "PGRST107", message="None of these: application/x-tok"), Plan.PASSED),
        (PROBE, refusal(406, "PGRST107", message="None of these: application/x-old"), Plan.UNTOLD),
        (PROBE, refusal(415, "PGRST107", message="None of these: application/x-tok"), Plan.PASSED),
        (PROBE, refusal(400, "PGRST204"), Plan.MISSING),
        (PROBE, refusal(404, "PGRST205"), Plan.MISSING),
        (PROBE, refusal(404, "PGRST202"), Plan.MISSING),
        (PROBE, refusal(400, "PGRST200"), Plan.MISSING),
        (PROBE, refusal(300, "PGRST203"), Plan.AMBIGUOUS),
        (PROBE, refusal(300, "PGRST201"), Plan.AMBIGUOUS),
        (PROBE, Answer(201), Plan.UNTOLD),
        (PROBE, Answer(200, {}, b"[]"), Plan.UNTOLD),
        (PROBE, refusal(401, "42501"), Plan.UNTOLD),
        (READ, Answer(200, {}, b"[]"), Plan.PASSED),
        (READ, refusal(401, "42501"), Plan.PASSED),
        (READ, refusal(404, "PGRST205"), Plan.MISSING),
        (READ, refusal(503, "PGRST002"), Plan.UNTOLD),
        (READ, refusal(400, "PGRST100"), Plan.UNTOLD),
        (READ, refusal(401, "22023"), Plan.UNTOLD),
        (READ, Answer(200, {}, b"<html>"), Plan.PASSED),
        (READ, Answer(404, {}, b"<html>"), Plan.UNTOLD),
        (OPTIONS, Answer(200, {"allow": "OPTIONS,GET,HEAD"}), Plan.PASSED),
        (OPTIONS, Answer(200), Plan.UNTOLD),
        (OPTIONS, Answer(404, {}, b"{}"), Plan.MISSING),
        (OPTIONS, Answer(404, {}, b"Not found"), Plan.UNTOLD),
        (READ, Answer(failure="connection refused"), Plan.UNTOLD),
    ],
)
def test_a_plan_is_read_from_the_answer(question: Question, answer: Answer, expected: Plan) -> None:
    """A plan-only question has passed only by its own lever's refusal, with its own token."""
    assert plan(question, answer) is expected


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer(failure="connection refused"), Cause.UNREACHABLE),
        (refusal(503, "PGRST000"), Cause.UNREACHABLE),
        (refusal(503, "PGRST001"), Cause.UNREACHABLE),
        (refusal(504, "PGRST003"), Cause.UNREACHABLE),
        (refusal(503, "PGRST002"), Cause.RELOADING),
        (refusal(406, "PGRST106"), Cause.NOT_EXPOSED),
        (refusal(401, "PGRST301"), Cause.UNAUTHORIZED),
        (refusal(500, "PGRST300"), Cause.UNAUTHORIZED),
        (refusal(401, "PGRST302"), Cause.UNAUTHORIZED),
        (refusal(401, "PGRST303"), Cause.UNAUTHORIZED),
        (refusal(401, "22023"), Cause.UNAUTHORIZED),
        (refusal(404, "PGRST125"), Cause.NOT_POSTGREST),
        (Answer(401), Cause.UNAUTHORIZED),
        (Answer(403, {}, b"<html>"), Cause.UNAUTHORIZED),
        (Answer(502, {}, b"bad gateway"), Cause.UNREACHABLE),
        (Answer(503), Cause.UNREACHABLE),
        (Answer(504), Cause.UNREACHABLE),
        (Answer(429), Cause.UNREACHABLE),
        (Answer(404, {}, b"<html>"), Cause.NOT_POSTGREST),
        (Answer(302, {"location": "/login"}), Cause.NOT_POSTGREST),
        (refusal(404, "PGRST205"), None),
        (refusal(401, "42501"), None),
        (Answer(404, {}, b"{}"), None),
        (Answer(200, {}, b"[]"), None),
    ],
)
def test_an_obstacle_is_told_from_an_answer(answer: Answer, cause: Cause | None) -> None:
    """Could-not-look is one thing, and a wrong answer another."""
    assert obstacle(answer) is cause


@pytest.mark.parametrize(
    "body", [b"", b"[", b'{"code": 7}', b'{"code": null}', b"[1]", b"{" * 100_000, b"\xff"]
)
def test_no_body_breaks_the_reading(body: bytes) -> None:
    """Garbage is no error object, and nothing raises."""
    answer = Answer(400, {}, body)

    assert (answer.code, answer.text("message")) == ("", "")
    assert str(READ) in told(READ, answer)


@pytest.mark.parametrize(
    ("question", "answer", "line"),
    [
        (PROBE, refusal(400, "PGRST122", details="x-tok"), "in the cache (400 PGRST122)"),
        (PROBE, refusal(404, "PGRST202", message="no function"), "404 PGRST202 no function"),
        (READ, Answer(200, {}, b"[]"), "200"),
        (READ, refusal(401, "42501", message="permission denied"), "401 42501 permission denied"),
        (READ, Answer(502, {}, b"<html>"), "502"),
        (READ, Answer(failure="connection refused"), "connection refused"),
        (READ, refusal(500, "XX000", message="x" * 200), "500 XX000 " + "x" * 150),
    ],
)
def test_a_question_and_its_answer_are_one_line(
    question: Question, answer: Answer, line: str
) -> None:
    """Status, code and message, cut where they get long; of a probe that passed, what that says."""
    assert told(question, answer) == f"{question}: {line}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"a hint"', "a hint"),
        ("null", ""),
        ('{"of": ["parts"]}', '{"of": ["parts"]}'),  # PGRST201 and 203: details are no text
        ("7", "7"),
    ],
)
def test_each_part_of_an_error_is_read_as_text(value: str, text: str) -> None:
    """Some parts are JSON themselves."""
    answer = Answer(300, {}, f'{{"code": "PGRST201", "details": {value}}}'.encode())

    assert (answer.text("details"), answer.text("hint")) == (text, "")


# --- documents


def test_the_recorded_schema_caches_are_read() -> None:
    """Types of columns and arguments, from every version that shows its cache."""
    for version in ("12.2.12", "13.0.8", "14.14", "16.2"):
        (full,) = (
            step["body"]
            for step in recording(f"migration-{version}")["steps"]
            if step.get("admin") == "/schema_cache" and isinstance(step["body"]["dbTables"], list)
        )

        cache = admin.read_cache(Answer(200, {}, json.dumps(full).encode()))

        assert cache is not None
        assert cache.columns["public", "scans", "ended_at"][0] == "timestamp with time zone"
        assert {"scan_id": "integer", "progress_msg": "text"} in cache.functions[
            "public", "update_scan_heartbeat"
        ]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"dbTables": [[1, 2]], "dbRoutines": []}'])
def test_a_schema_cache_in_another_shape_is_none(body: bytes) -> None:
    """The shape is called unstable upstream; a new one must not end in a traceback."""
    assert admin.read_cache(Answer(200, {}, body)) is None


def test_an_openapi_document_is_read() -> None:
    """Relations with formats, functions with the arguments the database has."""
    document = {
        "swagger": "2.0",
        "info": {"version": "14.14"},
        "definitions": {"scans": {"properties": {"id": {"format": "int32"}, "odd": {}}}},
        "paths": {
            "/": {},
            "/scans": {},
            "/rpc/f": {
                "post": {
                    "parameters": [
                        {
                            "in": "body",
                            "schema": {"properties": {"a": {}, "b": {}}, "required": ["a"]},
                        }
                    ]
                }
            },
            "/rpc/g": {"get": {}},
        },
    }

    found = openapi.read(Answer(200, {}, json.dumps(document).encode()))

    f = openapi.Signature(frozenset("ab"), frozenset("a"))
    assert found == openapi.Description(
        "14.14", {"scans": {"id": "int32", "odd": ""}}, {"f": f, "g": None}
    )


@pytest.mark.parametrize(
    ("names", "takes"), [("a", True), ("ab", True), ("", False), ("b", False), ("abc", False)]
)
def test_a_signature_takes_its_names(names: str, *, takes: bool) -> None:
    """All required arguments must be named, and no others than there are."""
    signature = openapi.Signature(frozenset("ab"), frozenset("a"))

    assert signature.takes(frozenset(names)) is takes


@pytest.mark.parametrize(
    "answer",
    [Answer(401), Answer(200, {}, b"<html>"), Answer(200, {}, b"[]"), Answer(200, {}, b"{}")],
)
def test_what_is_no_openapi_document_is_none(answer: Answer) -> None:
    """A closed root tells nothing."""
    assert openapi.read(answer) is None


# --- log lines


@pytest.mark.parametrize("version", ["10.2.0", "11.2.2", "12.2.12", "13.0.8", "14.14", "16.2"])
def test_recorded_reloads_are_counted(version: str) -> None:
    """Each recorded reload that loaded the cache is read as one load; what did not, as none."""
    steps = recording(f"reload-{version}")["steps"]
    loads = [
        logs.read(step["log"]).finished
        for step in steps
        if step.get("signal") == "SIGUSR1" or step.get("notify") in {"reload schema", ""}
    ]
    config_only = [
        logs.read(step["log"]).finished
        for step in steps
        if step.get("signal") == "SIGUSR2" or step.get("notify") == "reload config"
    ]

    assert loads == [1, 1, 1, 0]  # the last one is asked for while the database refuses
    assert config_only == [0, 0]


def test_a_load_that_was_running_already_does_not_count() -> None:
    """It may have read the schema of before the migration."""
    lines = ["Schema cache loaded in 7 milliseconds"]
    begun = ["Successfully connected to PostgreSQL 15", *lines]

    assert [logs.read(lines).finished, logs.read(lines + begun).finished] == [0, 1]


@pytest.mark.parametrize("version", ["12.2.12", "13.0.8", "14.14", "16.2"])
def test_recorded_failures_are_read(version: str) -> None:
    """A load that failed is told with its line."""
    (signalled,) = (
        step for step in recording(f"failing-{version}")["steps"] if step.get("signal") == "SIGUSR1"
    )

    found = logs.read(signalled["log"])

    assert "Failed to load the schema cache" in found.failure
    assert found.finished == 0
