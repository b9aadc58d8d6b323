"""What the probes make of answers that the recordings do not hold."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from pgrst_gate.errors import NotObserved
from pgrst_gate.postgrest.access_side import (
    NO_ROOT,
    OTHER_OVERLOAD,
    OTHER_SCHEMA,
    in_database,
    in_use,
)
from pgrst_gate.postgrest.admin import Cache
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.cache_side import KEPT, ensure_stopped, in_cache
from pgrst_gate.postgrest.openapi import Description, Signature
from pgrst_gate.postgrest.probes import Probe, Room
from pgrst_gate.postgrest.questions import RANDOM_NAME, UNREADABLE, Question
from pgrst_gate.postgrest.type_side import DOMAIN, with_types
from pgrst_gate.postgrest.versions import LINES, OLDEST, dialect_of
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Cause, Facts

SCANS = Relation("public", "scans")
CACHED: dict[Item, Facts] = {SCANS: Facts(cached=True)}
DESCRIBED = Description("14.14", {"scans": {"id": "int32", "secret": "text"}}, {})


def refusal(status: int, code: str, message: str = "", hint: str | None = None) -> Answer:
    """PostgREST's error object."""
    body = {"code": code, "message": message, "details": None, "hint": hint}
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


# --- the whole of a look: what is asked, and all that is told of it

RANDOM: Final = re.compile(RANDOM_NAME + "[0-9a-f]{12}")
LINE: Final = {line.line.partition(" ")[0]: line for line in LINES}

HAS: Final = Answer(200, {"allow": "OPTIONS,GET,HEAD"})
HAS_NOT: Final = Answer(404, {}, b"{}")
ROWS: Final = Answer(200, {}, b"[]")
LOST: Final = Answer(failure="timed out")
STOPPED: Final = Answer(400, {}, b'{"code": "PGRST122"}')
"""By a lever, as 16 says it with `client-error-verbosity=minimal`."""
NO_SUCH: Final = refusal(404, "PGRST202", "no such function")

IDS: Final = Column(SCANS, "id")
ENDED: Final = Column(SCANS, "ended_at")
PROJECTS: Final = Relationship(SCANS, "projects")
F: Final = Function("public", "f")
F_A: Final = Function("public", "f", (Argument("a"),))
F_ANY: Final = Function("public", "f", (Argument("*"),))

OPTIONS_F: Final = "OPTIONS /rpc/f"
PLAN_F: Final = "POST /rpc/f (plan only)"
PLAN_A: Final = "POST /rpc/f?columns=a (plan only)"
PLAN_RANDOM: Final = "POST /rpc/f?columns=random (plan only)"
CALL_A: Final = "POST /rpc/f?columns=a"
CALL_RANDOM: Final = "POST /rpc/f?columns=random"
CACHED_SAYS: Final = "in the cache (400 PGRST122)"
LACKS_SAYS: Final = "404 PGRST202 no such function"

ANY_KEYS_ALONE: Final = "the cache has a f(*) that takes any keys; expect that if it is meant"
ANY_KEYS_TOO: Final = "a function of this name takes any keys, so names prove nothing"
ON_10: Final = (
    "on PostgREST 10 a stale cache does not hide a column; the cache itself is not proven"
)
RUNS: Final = "PostgREST {} cannot be asked for this function without running it"


class Api:
    """A PostgREST that exposes `public`, and is asked each question once and no other."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.left = dict(answers)

    def ask(self, question: Question) -> Answer:
        """The answer to a question as it is told, its random name as `random`."""
        if question.schema != "public":
            return refusal(406, "PGRST106")
        return self.left.pop(RANDOM.sub("random", str(question)))


@dataclass(frozen=True)
class Look:
    """One look at an item: the answers to its questions, and what is made of them."""

    item: Item
    facts: Facts
    answers: Mapping[str, Answer] = field(default_factory=dict)
    line: str = "13"
    options: bool = True
    described: Description | None = None
    before: Facts = field(default_factory=Facts)
    """What the cache side found, for the other two."""

    def taken(self, look: Callable[[Room], Facts]) -> Facts:
        """What is seen when no question is left out and none is made up."""
        api = Api(self.answers)
        dialect, options = LINE[self.line], self.options
        seen = look(Room(dialect, api.ask, lambda _schema: self.described, options, options))
        assert api.left == {}
        return replace(seen, told=tuple(RANDOM.sub("random", line) for line in seen.told))


def listing(*names: str) -> Description:
    """A document that lists `f` with these arguments, of which none has a default."""
    return Description("14.14", {}, {"f": Signature(frozenset(names), frozenset(names))})


UNLISTED: Final = Description("14.14", {}, {})
BESIDE_TABLES: Final = Description(
    "14.14", {"scans": {}, "events": {}}, {"f": Signature(frozenset(), frozenset())}
)
UNTOLD_LIST: Final = Description("14.14", {}, {"f": None})


@pytest.mark.parametrize(
    "look",
    [
        # relations
        Look(
            SCANS,
            Facts(cached=True, told=(f"GET /scans?limit=0 (plan only): {CACHED_SAYS}",)),
            {"GET /scans?limit=0 (plan only)": STOPPED},
        ),
        Look(
            SCANS,
            Facts(cached=False, told=("GET /scans?limit=0 (plan only): 404 PGRST205 no table",)),
            {"GET /scans?limit=0 (plan only)": refusal(404, "PGRST205", "no table")},
        ),
        Look(
            SCANS,
            Facts(obstacle=Cause.UNREACHABLE, told=("GET /scans?limit=0 (plan only): timed out",)),
            {"GET /scans?limit=0 (plan only)": LOST},
        ),
        Look(
            SCANS,
            Facts(told=("GET /scans?limit=0 (plan only): 406 PGRST107 of another",), note=KEPT),
            {"GET /scans?limit=0 (plan only)": refusal(406, "PGRST107", "of another")},
        ),
        Look(
            SCANS, Facts(cached=True, told=("OPTIONS /scans: 200",)), {"OPTIONS /scans": HAS}, "12"
        ),
        *(
            Look(
                SCANS,
                Facts(
                    cached=cached,
                    obstacle=obstacle,
                    told=("OpenAPI lists it: False", f"GET /scans?limit=0: {said}"),
                ),
                {"GET /scans?limit=0": answer},
                line="12",
                options=False,
                described=UNLISTED,
            )
            for answer, said, cached, obstacle in (
                (ROWS, "200", False, None),
                (refusal(401, "42501"), "401 42501", None, None),
                (LOST, "timed out", None, Cause.UNREACHABLE),
            )
        ),
        Look(
            SCANS,
            Facts(cached=True, told=("OpenAPI lists it: True",)),
            line="12",
            options=False,
            described=DESCRIBED,
        ),
        Look(SCANS, Facts(told=("OpenAPI lists it: False",)), line="12", options=False),
        # columns
        Look(
            ENDED,
            Facts(
                cached=False,
                told=("POST /scans?columns=ended_at (plan only): 400 PGRST204 no column",),
            ),
            {"POST /scans?columns=ended_at (plan only)": refusal(400, "PGRST204", "no column")},
        ),
        Look(
            IDS,
            Facts(cached=True, told=("OpenAPI lists the column: True",)),
            line="11",
            described=DESCRIBED,
        ),
        Look(
            ENDED,
            Facts(cached=False, told=("OpenAPI lists the column: False",)),
            line="11",
            described=DESCRIBED,
        ),
        Look(
            ENDED,
            Facts(told=("OpenAPI says nothing of the relation",)),
            {"OPTIONS /scans": HAS},
            line="11",
        ),
        Look(
            ENDED,
            Facts(cached=False, told=("OPTIONS /scans: 404",)),
            {"OPTIONS /scans": HAS_NOT},
            line="11",
            described=UNLISTED,
        ),
        Look(
            IDS,
            Facts(cached=True, hidden_when_stale=False, told=("OpenAPI lists the column: True",)),
            line="10",
            described=DESCRIBED,
        ),
        Look(
            ENDED,
            Facts(hidden_when_stale=False, told=("OpenAPI lists the column: False",), note=ON_10),
            line="10",
            described=DESCRIBED,
        ),
        # functions with arguments
        Look(
            F_A,
            Facts(cached=True, told=(f"{PLAN_A}: {CACHED_SAYS}",)),
            {PLAN_A: STOPPED, PLAN_RANDOM: NO_SUCH},
        ),
        Look(
            F_A,
            Facts(
                told=(f"{PLAN_A}: {CACHED_SAYS}", f"{PLAN_RANDOM}: {CACHED_SAYS}"),
                note=ANY_KEYS_TOO,
            ),
            {PLAN_A: STOPPED, PLAN_RANDOM: STOPPED},
        ),
        Look(
            F_A,
            Facts(
                obstacle=Cause.UNREACHABLE,
                told=(f"{PLAN_A}: {CACHED_SAYS}", f"{PLAN_RANDOM}: timed out"),
            ),
            {PLAN_A: STOPPED, PLAN_RANDOM: LOST},
        ),
        Look(
            F_A,
            Facts(cached=True, ambiguous=True, told=(f"{PLAN_A}: 300 PGRST203 two of them",)),
            {PLAN_A: refusal(300, "PGRST203", "two of them")},
        ),
        Look(F_A, Facts(cached=False, told=(f"{PLAN_A}: {LACKS_SAYS}",)), {PLAN_A: NO_SUCH}),
        Look(
            F_A,
            Facts(cached=True, told=(f"{CALL_A}: 200",)),
            {OPTIONS_F: NO_SUCH, CALL_RANDOM: NO_SUCH, CALL_A: ROWS},
            line="11",
        ),
        Look(
            F_A,
            Facts(
                obstacle=Cause.UNREACHABLE,
                told=(f"{OPTIONS_F}: timed out",),
                note=RUNS.format("11"),
            ),
            {OPTIONS_F: LOST},
            line="11",
        ),
        Look(
            F_A,
            Facts(told=(f"{CALL_RANDOM}: 200",), note=RUNS.format("11")),
            {OPTIONS_F: NO_SUCH, CALL_RANDOM: ROWS},
            line="11",
        ),
        Look(F_A, Facts(note=RUNS.format("10")), line="10"),
        # functions with one unnamed argument
        Look(
            F_ANY,
            Facts(cached=True, told=(f"{PLAN_RANDOM}: {CACHED_SAYS}",)),
            {PLAN_RANDOM: STOPPED},
        ),
        Look(F_ANY, Facts(note=RUNS.format("11")), line="11"),
        # functions without arguments
        Look(F, Facts(cached=True, told=(f"{OPTIONS_F}: 200",)), {OPTIONS_F: HAS}),
        Look(
            F,
            Facts(cached=False, told=(f"{OPTIONS_F}: {LACKS_SAYS}",)),
            {OPTIONS_F: NO_SUCH, PLAN_RANDOM: NO_SUCH},
        ),
        Look(
            F,
            Facts(
                told=(f"{OPTIONS_F}: {LACKS_SAYS}", f"{PLAN_RANDOM}: {CACHED_SAYS}"),
                note=ANY_KEYS_ALONE,
            ),
            {OPTIONS_F: NO_SUCH, PLAN_RANDOM: STOPPED},
        ),
        Look(
            F,
            Facts(
                obstacle=Cause.UNREACHABLE,
                told=(f"{OPTIONS_F}: {LACKS_SAYS}", f"{PLAN_RANDOM}: timed out"),
            ),
            {OPTIONS_F: NO_SUCH, PLAN_RANDOM: LOST},
        ),
        Look(
            F,
            Facts(cached=False, told=(f"{OPTIONS_F}: {LACKS_SAYS}",)),
            {OPTIONS_F: NO_SUCH},
            line="11",
        ),
        Look(
            F,
            Facts(cached=False, told=(f"{PLAN_F}: {LACKS_SAYS}",)),
            {PLAN_F: NO_SUCH},
            options=False,
        ),
        Look(
            F,
            Facts(
                told=(f"{PLAN_F}: {CACHED_SAYS}", f"{PLAN_RANDOM}: {CACHED_SAYS}"),
                note=ANY_KEYS_ALONE,
            ),
            {PLAN_F: STOPPED, PLAN_RANDOM: STOPPED},
            options=False,
        ),
        Look(F, Facts(note=RUNS.format("11")), line="11", options=False),
        # relationships
        Look(
            PROJECTS,
            Facts(
                cached=True,
                told=(f"GET /scans?select=projects(*)&limit=0 (plan only): {CACHED_SAYS}",),
            ),
            {"GET /scans?select=projects(*)&limit=0 (plan only)": STOPPED},
        ),
        Look(
            PROJECTS,
            Facts(cached=True, told=("GET /scans?select=projects(*)&limit=0: 200",)),
            {"GET /scans?select=projects(*)&limit=0": ROWS},
            line="11",
        ),
    ],
)
def test_what_the_cache_side_asks_and_tells(look: Look) -> None:
    """Each kind of item is asked for in its line's own way, and all of it is told."""
    seen = look.taken(lambda room: in_cache(room, Probe((look.item,)))[look.item])

    assert seen == look.facts


@pytest.mark.parametrize(
    ("item", "hint", "other"),
    [
        (
            Function("public", "Odd Name"),
            "Perhaps you meant to call the function public.Odd Name(a)",
            "Odd Name(a)",
        ),
        (
            Function("public", "f.g"),
            "Perhaps you meant to call the function public.f.g(a)",
            "f.g(a)",
        ),
        (F_A, "Perhaps you meant to call the function public.f(b, c)", "f(b, c)"),
        (F_A, "Perhaps you meant to call the function v1.0.f(b)", "f(b)"),
        (F_A, "Perhaps you meant to call the function public.f(odd(name)", "f(odd(name)"),
        (F_A, "Perhaps you meant to call the function public.f", ""),
        (F_A, "Perhaps you meant to call the function public.g(b)", ""),
        (F_A, "Perhaps you meant to call the function public.self(b)", ""),
        (F_A, "Perhaps you meant to call the function f(b)", "f(b)"),
        (F_A, "Perhaps you meant to call the function public.f(if(b)", "f(if(b)"),
        (F_A, None, ""),
        (F, "Perhaps you meant to call the function public.f(b)", "f(b)"),
    ],
)
def test_only_another_signature_of_the_same_function_is_one(
    item: Function, hint: str | None, other: str
) -> None:
    """A hint may name another function, which is no reason to say that the signature is wrong."""
    api = room(lambda _question: refusal(404, "PGRST202", hint=hint))

    seen = in_cache(replace(api, options_of_functions=False), Probe((item,)))

    assert seen[item].other_signature == other


def test_what_was_carried_out_is_told_with_a_way_out() -> None:
    """Who reads it learns which request it was, why, and what to do."""
    with pytest.raises(NotObserved) as caught:
        in_cache(room(lambda _question: Answer(201)), Probe((IDS,)))

    assert str(caught.value) == (
        "a request that must be refused before it runs was carried out:"
        " POST /scans?columns=id (plan only): 201"
    )
    assert caught.value.hint == (
        "something between here and PostgREST drops the headers Prefer and Accept, so nothing can"
        " be asked without a side effect: use the address of PostgREST itself"
    )


@pytest.mark.parametrize("item", [SCANS, IDS, PROJECTS], ids=str)
def test_a_read_that_is_stopped_is_enough_to_know(item: Item) -> None:
    """The first relation that is in the cache shows it; no other is asked for."""
    api = Api({"GET /scans?limit=0 (plan only)": STOPPED})

    ensure_stopped(room(api.ask), [F, item, Relation("public", "later")])

    assert api.left == {}


READ: Final = "GET /scans?limit=0"
READ_ENDED: Final = "GET /scans?select=ended_at&limit=0"
EMBED: Final = "GET /scans?select=projects(*)&limit=0"
CACHE_TOLD: Final = Facts(cached=True, told=("cache side",))
NOTED: Final = replace(CACHE_TOLD, note="a note of the cache side")
IN_PART: Final = "this role may read some of its columns only"
REPLICA: Final = refusal(405, "25006", "read only")


@pytest.mark.parametrize(
    "look",
    [
        Look(
            SCANS,
            Facts(cached=True, exists=True, allowed=True, told=("cache side", f"{READ}: 200")),
            {READ: ROWS},
            before=CACHE_TOLD,
        ),
        Look(
            ENDED,
            Facts(cached=True, exists=True, allowed=False, told=(f"{READ_ENDED}: 401 42501 no",)),
            {READ_ENDED: refusal(401, "42501", "no")},
            before=Facts(cached=True),
        ),
        Look(
            ENDED,
            Facts(cached=True, exists=False, told=(f"{READ_ENDED}: 400 42703 no column",)),
            {READ_ENDED: refusal(400, "42703", "no column")},
            before=Facts(cached=True),
        ),
        Look(
            ENDED,
            Facts(
                cached=True,
                told=(f"{READ_ENDED}: 500 53200 out of memory",),
                note="the database refused it with 53200",
            ),
            {READ_ENDED: refusal(500, "53200", "out of memory")},
            before=Facts(cached=True),
        ),
        Look(
            ENDED,
            replace(NOTED, told=("cache side", f"{READ_ENDED}: 500 53200")),
            {READ_ENDED: refusal(500, "53200")},
            before=NOTED,
        ),
        Look(
            ENDED,
            Facts(cached=True, obstacle=Cause.UNREACHABLE, told=(f"{READ_ENDED}: timed out",)),
            {READ_ENDED: LOST},
            before=Facts(cached=True),
        ),
        Look(
            SCANS,
            Facts(
                cached=True,
                exists=True,
                allowed=True,
                told=(f"{READ}: 401 42501", "GET /scans?select=id&limit=0: 200"),
                note=IN_PART,
            ),
            {READ: refusal(401, "42501"), "GET /scans?select=id&limit=0": ROWS},
            described=DESCRIBED,
            before=Facts(cached=True),
        ),
        Look(
            Relationship(Relation("public", "steps"), "scans"),
            Facts(
                cached=True,
                exists=True,
                allowed=True,
                told=(
                    "GET /steps?select=scans(*)&limit=0: 401 42501",
                    "GET /steps?select=scans(id)&limit=0: 200",
                ),
                note=IN_PART,
            ),
            {
                "GET /steps?select=scans(*)&limit=0": refusal(401, "42501"),
                "GET /steps?select=scans(id)&limit=0": ROWS,
            },
            described=DESCRIBED,
            before=Facts(cached=True),
        ),
        # functions that can be called for no row
        Look(
            F_A,
            Facts(cached=True, exists=True, allowed=True, told=("cache side", f"{CALL_A}: 200")),
            {CALL_A: ROWS},
            described=UNLISTED,
            before=CACHE_TOLD,
        ),
        Look(
            F_A,
            Facts(cached=True, exists=False, told=("cache side", f"{CALL_A}: 404 42883")),
            {CALL_A: refusal(404, "42883")},
            described=listing("a"),
            before=CACHE_TOLD,
        ),
        Look(
            F_A,
            Facts(
                cached=True,
                allowed=False,
                told=("cache side", f"{CALL_A}: 401 42501 permission denied for schema public"),
            ),
            {CALL_A: refusal(401, "42501", "permission denied for schema public")},
            described=listing("a"),
            before=CACHE_TOLD,
        ),
        Look(
            F_A,
            Facts(
                cached=True,
                obstacle=Cause.UNREACHABLE,
                told=("cache side", f"{CALL_A}: timed out"),
            ),
            {CALL_A: LOST},
            described=listing("a"),
            before=CACHE_TOLD,
        ),
        Look(
            F_A,
            Facts(cached=False, told=("cache side", f"{CALL_A}: {LACKS_SAYS}")),
            {CALL_A: NO_SUCH},
            described=listing("a"),
            before=CACHE_TOLD,
        ),
        Look(
            F_A,
            Facts(
                cached=True,
                exists=True,
                allowed=True,
                told=(f"{CALL_A}: 405 25006 read only", "OpenAPI lists it for this role"),
            ),
            {CALL_A: REPLICA},
            described=listing("a"),
            before=Facts(cached=True),
        ),
        Look(
            F_A,
            Facts(
                cached=True,
                exists=True,
                allowed=True,
                told=(f"{CALL_A}: 500 0A000", "OpenAPI lists it for this role"),
            ),
            {CALL_A: refusal(500, "0A000")},
            described=listing("a"),
            before=Facts(cached=True),
        ),
        Look(
            F_A,
            Facts(
                cached=True,
                exists=True,
                allowed=True,
                told=(f"{CALL_A}: 500 25001", "OpenAPI lists it for this role"),
            ),
            {CALL_A: refusal(500, "25001")},
            described=listing("a"),
            before=Facts(cached=True),
        ),
        Look(
            F_A,
            Facts(cached=True, exists=True, ambiguous=True, told=(f"{CALL_A}: 400 42725",)),
            {CALL_A: refusal(400, "42725")},
            described=listing("a"),
            before=Facts(cached=True),
        ),
        Look(
            F_A,
            Facts(
                cached=True,
                told=(f"{CALL_A}: 400 42P18",),
                note="the database refused it with 42P18",
            ),
            {CALL_A: refusal(400, "42P18")},
            described=listing("a"),
            before=Facts(cached=True),
        ),
        Look(
            F_A,
            replace(NOTED, told=("cache side", f"{CALL_A}: 405 25006 read only")),
            {CALL_A: REPLICA},
            described=listing("b"),
            before=NOTED,
        ),
        # functions of which only the list tells
        Look(
            F,
            Facts(
                cached=True,
                exists=True,
                allowed=True,
                told=("cache side", "OpenAPI lists it for this role"),
            ),
            described=UNTOLD_LIST,
            before=CACHE_TOLD,
        ),
        Look(
            F,
            Facts(
                cached=True,
                allowed=False,
                told=("cache side", "OpenAPI does not list it for this role"),
            ),
            described=UNLISTED,
            before=CACHE_TOLD,
        ),
        Look(
            F,
            Facts(told=("OpenAPI does not list it for this role",)),
            described=UNLISTED,
        ),
        Look(
            F, replace(CACHE_TOLD, note=OTHER_OVERLOAD), described=listing("a"), before=CACHE_TOLD
        ),
        Look(F, replace(CACHE_TOLD, note=NO_ROOT), before=CACHE_TOLD),
        # one of the relations shows whether the role may use the schema, which the list does not
        Look(
            F,
            Facts(
                cached=True,
                exists=True,
                allowed=False,
                told=(
                    "cache side",
                    "OpenAPI lists it for this role",
                    "GET /events?limit=0: 401 42501 permission denied for schema public",
                ),
            ),
            {"GET /events?limit=0": refusal(401, "42501", "permission denied for schema public")},
            described=BESIDE_TABLES,
            before=CACHE_TOLD,
        ),
        *(
            Look(
                F,
                Facts(
                    cached=True,
                    exists=True,
                    allowed=True,
                    told=("cache side", "OpenAPI lists it for this role"),
                ),
                {"GET /events?limit=0": answer},
                described=BESIDE_TABLES,
                before=CACHE_TOLD,
            )
            for answer in (ROWS, refusal(401, "42501", "permission denied for table events"))
        ),
        Look(
            F_A,
            Facts(
                cached=True,
                told=("cache side", f"{CALL_A}: 400 PGRST107 none"),
                note="PostgREST refused it with PGRST107",
            ),
            {CALL_A: refusal(400, "PGRST107", "none")},
            before=CACHE_TOLD,
        ),
        Look(F, NOTED, before=NOTED),
        Look(F, NOTED, described=listing("a"), before=NOTED),
    ],
)
def test_what_the_access_side_asks_and_tells(look: Look) -> None:
    """What the role may do is asked where it costs nothing, and told after the cache side."""
    seen = look.taken(
        lambda room: in_use(room, Probe((look.item,)), {look.item: look.before})[look.item]
    )

    assert seen == look.facts


def test_columns_that_are_read_together_keep_what_the_cache_said_of_each() -> None:
    """On 11 the cache may have one of them and not the other."""
    cached: dict[Item, Facts] = {IDS: Facts(cached=True), ENDED: Facts(cached=False)}

    seen = in_use(room(lambda _question: ROWS), Probe((IDS, ENDED)), cached)

    assert {item: facts.cached for item, facts in seen.items()} == {IDS: True, ENDED: False}


def test_columns_with_one_answer_share_what_is_told_of_them() -> None:
    """Of thousands of columns each round, one value per relation is made and looked through."""
    shared = Facts(cached=True)

    seen = in_use(room(lambda _question: ROWS), Probe((IDS, ENDED)), {IDS: shared, ENDED: shared})

    assert seen[IDS] is seen[ENDED]


LACKING: Final = Facts(cached=False, told=("cache side",))


@pytest.mark.parametrize(
    "look",
    [
        Look(SCANS, LACKING, before=LACKING),
        Look(PROJECTS, LACKING, before=LACKING),
        Look(PROJECTS, LACKING, line="12", before=LACKING),
        Look(
            SCANS,
            Facts(cached=False, exists=True, told=("cache side", f"{READ}: 200")),
            {READ: ROWS},
            line="12",
            before=LACKING,
        ),
        Look(
            SCANS,
            Facts(cached=True, exists=False, told=("cache side", f"{READ}: 404 42P01")),
            {READ: refusal(404, "42P01")},
            before=CACHE_TOLD,
        ),
        Look(
            ENDED,
            replace(LACKING, told=("cache side", f"{READ_ENDED}: timed out")),
            {READ_ENDED: LOST},
            before=LACKING,
        ),
        Look(
            ENDED,
            replace(
                LACKING,
                obstacle=Cause.UNAUTHORIZED,
                told=("cache side", f"{READ_ENDED}: 401 22023"),
            ),
            {READ_ENDED: refusal(401, "22023")},
            before=LACKING,
        ),
        Look(F_A, LACKING, before=LACKING),
        Look(F_A, LACKING, described=UNLISTED, before=LACKING),
        Look(
            F_A,
            Facts(
                cached=False,
                exists=True,
                told=("cache side", "OpenAPI lists it: the database has it"),
            ),
            described=listing("a"),
            before=LACKING,
        ),
        Look(
            F_A,
            Facts(
                cached=False,
                exists=True,
                told=("cache side", "OpenAPI lists it: the database has it"),
            ),
            described=UNTOLD_LIST,
            before=LACKING,
        ),
        Look(
            F_A,
            Facts(
                cached=False,
                other_signature="f(a, b)",
                told=("cache side", "OpenAPI lists f(a, b): the database has that signature"),
            ),
            described=listing("b", "a"),
            before=LACKING,
        ),
        Look(
            F_A,
            Facts(
                cached=False,
                other_signature="f(c)",
                told=("OpenAPI lists f(b): the database has that signature",),
            ),
            described=listing("b"),
            before=Facts(cached=False, other_signature="f(c)"),
        ),
    ],
)
def test_what_the_database_side_asks_and_tells(look: Look) -> None:
    """Where nothing but the cache can be asked nothing is; the rest is told after the cache."""
    seen = look.taken(lambda room: in_database(room, look.item, look.before))

    assert seen == look.facts


TYPED: Final = Column(SCANS, "id", "integer")
TYPED_CALL: Final = Function("public", "f", (Argument("a", "integer"), Argument("b")))
COUNT: Final = Column(SCANS, "count", "positive")
ALIKE: Final = "integer and smallint look the same from here"
NO_DOCUMENT: Final = "OpenAPI does not show its type to this key"
ARGUMENTS: Final = (
    "types of arguments can be seen only in the admin server's /schema_cache (admin-url)"
)
NO_OVERLOAD: Final = "/schema_cache: no function of this name has these arguments"


def shows(kind: str, domain: str = "") -> Cache:
    """A schema cache with one column and its type."""
    return Cache({("public", "scans", "id"): (kind, domain or kind)}, {})


def overloads(*functions: Mapping[str, str]) -> Cache:
    """A schema cache with these functions of one name."""
    return Cache({}, {("public", "f"): functions})


def formats(**columns: str) -> Description:
    """A document with the columns of one relation."""
    return Description("14.14", {"scans": columns}, {})


@pytest.mark.parametrize(
    ("item", "shown", "described", "before", "expected"),
    [
        # columns, by the admin server
        (
            TYPED,
            shows("integer"),
            None,
            NOTED,
            replace(NOTED, type_matches=True, told=("cache side", "/schema_cache: integer")),
        ),
        (
            TYPED,
            shows("integer", "public.positive"),
            None,
            CACHE_TOLD,
            replace(
                CACHE_TOLD,
                type_matches=True,
                told=("cache side", "/schema_cache: integer / public.positive"),
            ),
        ),
        (
            TYPED,
            shows("text"),
            formats(id="integer"),
            CACHE_TOLD,
            replace(CACHE_TOLD, type_matches=False, told=("cache side", "/schema_cache: text")),
        ),
        (
            COUNT,
            overloads(),
            None,
            CACHE_TOLD,
            replace(CACHE_TOLD, note="/schema_cache does not show its type to this key"),
        ),
        # columns, by the document
        (
            TYPED,
            None,
            formats(id="integer"),
            NOTED,
            replace(NOTED, type_matches=True, told=("cache side", "OpenAPI: integer")),
        ),
        (
            TYPED,
            None,
            formats(id="int32"),
            CACHE_TOLD,
            replace(
                CACHE_TOLD, type_matches=True, told=("cache side", "OpenAPI: int32"), note=ALIKE
            ),
        ),
        (
            COUNT,
            None,
            formats(count="text"),
            CACHE_TOLD,
            replace(CACHE_TOLD, told=("cache side", "OpenAPI: text"), note=DOMAIN),
        ),
        (TYPED, None, formats(id=""), CACHE_TOLD, replace(CACHE_TOLD, note=NO_DOCUMENT)),
        (TYPED, None, formats(), CACHE_TOLD, replace(CACHE_TOLD, note=NO_DOCUMENT)),
        (TYPED, None, UNLISTED, CACHE_TOLD, replace(CACHE_TOLD, note=NO_DOCUMENT)),
        (TYPED, None, None, CACHE_TOLD, replace(CACHE_TOLD, note=NO_DOCUMENT)),
        (TYPED, None, None, NOTED, NOTED),
        # functions
        (
            TYPED_CALL,
            overloads({"a": "text", "b": "text"}, {"a": "integer", "b": "json", "c": "date"}),
            None,
            CACHE_TOLD,
            replace(
                CACHE_TOLD,
                type_matches=True,
                told=(
                    "cache side",
                    "/schema_cache: (a text, b text; a integer, b json, c date)",
                ),
            ),
        ),
        (
            TYPED_CALL,
            overloads({"a": "text", "b": "integer"}),
            None,
            CACHE_TOLD,
            replace(
                CACHE_TOLD,
                type_matches=False,
                told=("cache side", "/schema_cache: (a text, b integer)"),
            ),
        ),
        (
            TYPED_CALL,
            overloads({"a": "integer"}),
            None,
            CACHE_TOLD,
            replace(CACHE_TOLD, cached=False, told=("cache side", NO_OVERLOAD)),
        ),
        (
            TYPED_CALL,
            shows("integer"),
            None,
            CACHE_TOLD,
            replace(CACHE_TOLD, cached=False, told=("cache side", NO_OVERLOAD)),
        ),
        (TYPED_CALL, None, None, CACHE_TOLD, replace(CACHE_TOLD, note=ARGUMENTS)),
        (TYPED_CALL, None, None, NOTED, NOTED),
        # what has no type
        (SCANS, shows("integer"), None, CACHE_TOLD, CACHE_TOLD),
        (PROJECTS, None, None, CACHE_TOLD, CACHE_TOLD),
    ],
)
def test_what_the_type_side_tells(
    item: Item, shown: Cache | None, described: Description | None, before: Facts, expected: Facts
) -> None:
    """The admin server's word goes before the document's; what neither shows is told."""
    assert with_types(room(Api({}).ask, described), shown, item, before) == expected
