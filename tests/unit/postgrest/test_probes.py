"""What the probes make of answers that the recordings do not hold."""

import json
from collections.abc import Callable

import pytest

from pgrst_gate.errors import NotObserved
from pgrst_gate.postgrest.access_side import OTHER_SCHEMA, in_database, in_use
from pgrst_gate.postgrest.admin import Cache
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.cache_side import ensure_stopped, in_cache
from pgrst_gate.postgrest.openapi import Description, Signature
from pgrst_gate.postgrest.probes import Probe, Room
from pgrst_gate.postgrest.questions import UNREADABLE, Question
from pgrst_gate.postgrest.type_side import with_types
from pgrst_gate.postgrest.versions import LINES, OLDEST, dialect_of
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Cause, Facts

SCANS = Relation("public", "scans")
CACHED: dict[Item, Facts] = {SCANS: Facts(cached=True)}
DESCRIBED = Description("14.14", {"scans": {"id": "int32", "secret": "text"}}, {})


def refusal(status: int, code: str, message: str = "") -> Answer:
    """PostgREST's error object."""
    body = {"code": code, "message": message, "details": None, "hint": None}
    return Answer(status, {}, json.dumps(body).encode())


def room(ask: Callable[[Question], Answer], described: Description | None = DESCRIBED) -> Room:
    """A current PostgREST that answers as told."""
    return Room(LINES[0], ask, lambda _schema: described)


@pytest.mark.parametrize(
    ("readable", "described", "allowed"),
    [({"id"}, DESCRIBED, True), (set(), DESCRIBED, False), ({"id"}, None, False)],
)
def test_a_role_with_some_columns_may_read_the_relation(
    readable: set[str], described: Description | None, *, allowed: bool
) -> None:
    """Grants on columns are grants: only who may read no column at all may not read."""

    def ask(question: Question) -> Answer:
        column = question.target.partition("select=")[2].partition("&")[0]
        return Answer(200, {}, b"[]") if column in readable else refusal(401, "42501")

    seen = in_use(room(ask, described), Probe((SCANS,)), CACHED)

    assert seen[SCANS].allowed is allowed


def test_an_answer_of_another_schema_is_not_believed() -> None:
    """A namesake in the first schema must not stand for the one that was asked for."""
    answer = Answer(200, {"content-profile": "v1"}, b"[]")

    seen = in_use(room(lambda _question: answer), Probe((SCANS,)), CACHED)

    assert (seen[SCANS].obstacle, seen[SCANS].note) == (Cause.NOT_POSTGREST, OTHER_SCHEMA)


def test_a_cache_that_was_swapped_between_two_questions_is_stale() -> None:
    """The access side may see what the cache side did not yet, or no longer."""
    seen = in_use(room(lambda _question: refusal(404, "PGRST205")), Probe((SCANS,)), CACHED)

    assert seen[SCANS].cached is False


def test_without_usage_on_the_schema_nothing_is_told_of_the_table() -> None:
    """PostgreSQL checks that before it looks for the name."""
    refused = refusal(401, "42501", "permission denied for schema public")

    seen = in_use(room(lambda _question: refused), Probe((SCANS,)), CACHED)

    assert (seen[SCANS].exists, seen[SCANS].allowed) == (None, False)


def test_one_request_asks_for_all_columns_of_a_relation() -> None:
    """Twenty columns cost one question, and one red column makes all of them red."""
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return refusal(400, "PGRST204")

    columns = tuple(Column(SCANS, name) for name in ("a", "Odd Col", 'q"uote', "com,ma"))
    seen = in_cache(room(ask), Probe(columns))

    assert [question.target for question in asked] == [
        "/scans?columns=a,%22Odd%20Col%22,%22q%5C%22uote%22,%22com%2Cma%22"
    ]
    assert {facts.cached for facts in seen.values()} == {False}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(201),
        Answer(200, {}, b"[]"),
        Answer(204),
        refusal(400, "22P02"),
        refusal(403, "42501"),
    ],
)
def test_a_probe_that_was_carried_out_is_the_last_one(answer: Answer) -> None:
    """A gateway that drops both levers gets no verdict out of the gate, and no second request."""
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return answer

    with pytest.raises(NotObserved) as caught:
        in_cache(room(ask), Probe((SCANS,)))

    assert (caught.value.cause, len(asked)) == ("not-postgrest", 1)


@pytest.mark.parametrize("listed", [False, True])
def test_where_a_call_is_refused_for_all_the_list_of_functions_tells(*, listed: bool) -> None:
    """On a replica nothing volatile is called (25006), whoever may."""
    item = Function("public", "f", (Argument("a"),))
    signature = Signature(frozenset({"a"}), frozenset({"a"}))
    described = Description("14.14", {}, {"f": signature} if listed else {})

    def ask(_question: Question) -> Answer:
        return refusal(405, "25006", "cannot set transaction read-write mode during recovery")

    seen = in_use(room(ask, described), Probe((item,)), {item: Facts(cached=True)})

    assert seen[item].allowed is listed


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        (refusal(401, "42501", "permission denied for schema public"), False),
        (refusal(401, "42501", "permission denied for table scans"), True),
        (Answer(200, {}, b"[]"), True),
    ],
)
def test_the_list_of_functions_does_not_look_at_the_schema(
    answer: Answer, *, allowed: bool
) -> None:
    """Who may not use the schema may call nothing in it, whatever is listed."""
    item = Function("public", "f")
    nothing: frozenset[str] = frozenset()
    described = Description(
        "14.14", {"scans": {"id": "integer"}}, {"f": Signature(nothing, nothing)}
    )

    seen = in_use(room(lambda _: answer, described), Probe((item,)), {item: Facts(cached=True)})

    assert seen[item].allowed is allowed


def test_a_function_that_is_ambiguous_when_it_is_called_is_not_served() -> None:
    """The cache was swapped between the two questions, or another instance answers."""
    item = Function("public", "f", (Argument("a"),))

    seen = in_use(
        room(lambda _: refusal(300, "PGRST203")), Probe((item,)), {item: Facts(cached=True)}
    )

    assert seen[item].ambiguous


@pytest.mark.parametrize("callable_without", [False, True])
def test_a_call_on_11_is_not_sent_to_an_overload_that_takes_any_keys(
    *, callable_without: bool
) -> None:
    """It would run. The list of functions shows another overload of the name only."""
    called: list[Question] = []

    def ask(question: Question) -> Answer:
        if question.method == "OPTIONS":
            without = Answer(200, {"allow": "OPTIONS,POST"})
            return without if callable_without else refusal(404, "PGRST202")
        called.append(question)
        return refusal(400, "22P02", "invalid input syntax for type json")

    item = Function("public", "both", (Argument("a"),))
    old = Room(dialect_of((11, 2)) or OLDEST, ask, lambda _schema: None)

    seen = in_cache(old, Probe((item,)))

    assert seen[item].cached is None
    assert [question.body for question in called] == ([] if callable_without else [UNREADABLE])


@pytest.mark.parametrize(
    ("expected", "shown", "matches"),
    [
        ("api.positive", "int32", None),
        ("positive", "integer", None),
        ("api.mood", "api.mood", True),
        ("api.mood", "api.state", False),
        ("text", "int32", False),
    ],
)
def test_a_domain_is_not_taken_for_another_type(
    expected: str, shown: str, *, matches: bool | None
) -> None:
    """OpenAPI shows its base type only: its own name can be neither seen there nor ruled out."""
    described = Description("14.14", {"scans": {"count": shown}}, {})
    column = Column(SCANS, "count", expected)

    seen = with_types(room(lambda _question: Answer(404), described), None, column, Facts())

    assert seen.type_matches is matches


def test_a_function_that_the_admin_server_does_not_show_is_not_cached() -> None:
    """No overload has these arguments, so it is no matter of types."""
    item = Function("public", "f", (Argument("a", "int"), Argument("b")))
    shown = Cache({}, {("public", "f"): ({"a": "integer"}, {"": "json"})})

    seen = with_types(room(lambda _question: Answer(404)), shown, item, Facts())

    assert (seen.cached, seen.type_matches) == (False, None)


def test_a_key_that_the_database_refuses_is_told_of() -> None:
    """The plan needs no role, so a token with a role that does not exist shows in reads only."""
    item = Column(SCANS, "ended_at")
    missing = Facts(cached=False)

    seen = in_database(room(lambda _question: refusal(401, "22023")), item, missing)

    assert seen.obstacle is Cause.UNAUTHORIZED


@pytest.mark.parametrize("item", [SCANS, Function("public", "ping")])
def test_options_ask_for_no_media_type(item: Item) -> None:
    """10 refuses JSON for OPTIONS, whose answer has no body."""
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return Answer(200, {"allow": "OPTIONS"})

    seen = in_cache(Room(OLDEST, ask, lambda _schema: None), Probe((item,)))

    assert seen[item].cached is True
    assert [question.headers["Accept"] for question in asked] == ["*/*"]


@pytest.mark.parametrize(
    ("control", "cached", "cause"),
    [
        (refusal(404, "PGRST202"), True, None),
        (Answer(failure="timed out"), None, Cause.UNREACHABLE),
        (refusal(503, "PGRST002"), None, Cause.RELOADING),
    ],
)
def test_names_prove_nothing_until_any_keys_are_ruled_out(
    control: Answer, *, cached: bool | None, cause: Cause | None
) -> None:
    """A control that got no answer leaves it open whether the names or any keys were accepted."""
    item = Function("public", "f", (Argument("a"),))

    def ask(question: Question) -> Answer:
        if "no_such" in question.target:
            return control
        body = {"code": "PGRST122", "details": f"Invalid preferences: x-{question.token}=1"}
        return Answer(400, {}, json.dumps(body).encode())

    seen = in_cache(room(ask), Probe((item,)))[item]

    assert (seen.cached, seen.obstacle) == (cached, cause)


@pytest.mark.parametrize("answer", [Answer(200, {}, b"[]"), refusal(401, "42501")])
def test_what_is_carried_out_is_found_out_by_a_read(answer: Answer) -> None:
    """Where both levers are lost on the way, a read is the first request and the last."""
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return answer

    items: list[Item] = [Function("public", "f"), Column(SCANS, "a"), Column(SCANS, "b")]
    with pytest.raises(NotObserved):
        ensure_stopped(room(ask), items)

    assert [(one.method, one.target) for one in asked] == [("GET", "/scans?limit=0")]


@pytest.mark.parametrize(("listed", "allowed"), [({""}, True), ({"a"}, None), ({"", "a"}, None)])
def test_a_grant_on_another_overload_is_none(listed: set[str], *, allowed: bool | None) -> None:
    """The list of functions has one overload of each name: that of the grant may be another."""
    item = Function("public", "f", (Argument("*"),))
    signature = Signature(frozenset(listed), frozenset(listed - {"a"}))
    described = Description("14.14", {}, {"f": signature})

    seen = in_use(
        room(lambda _question: Answer(404), described), Probe((item,)), {item: Facts(cached=True)}
    )

    assert seen[item].allowed is allowed


def test_a_role_with_some_columns_may_embed_the_relation() -> None:
    """Grants on columns of the target are enough to embed these."""
    item = Relationship(Relation("public", "steps"), "scans")

    def ask(question: Question) -> Answer:
        return Answer(200, {}, b"[]") if "scans(id)" in question.target else refusal(401, "42501")

    seen = in_use(room(ask), Probe((item,)), {item: Facts(cached=True)})

    assert seen[item].allowed is True
