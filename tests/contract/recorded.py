"""A PostgREST of each recorded version that answers the gate's questions, and no others.

What a real server said is looked up by the question: method, path, query, profile, body, levers and
role. The gate's questions differ from the recorded ones in a few ways that no server can tell:
names and tokens are random, and the same header may be given in another form. Where a question
itself was not recorded, `ALIKE` names the recorded one that stands for it, and why it may. For all
else there is `Unrecorded`: nothing is made up.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal
from urllib.parse import unquote

from tests.contract.alike import ALIKE, State
from tests.contract.replay import Recording, Step

from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.client import ANSWER_BYTES, Client, Credentials
from pgrst_gate.postgrest.questions import (
    ANYTHING,
    OPENAPI,
    RANDOM_NAME,
    UNREADABLE,
    Question,
)
from pgrst_sandbox.dialect import RECORDED

VERSIONS: Final = RECORDED

Lever = Literal["", "preference", "media type"]
_LEVERS: Final[Mapping[tuple[str, str], Lever]] = {
    ("", ""): "",
    ("handling=strict, x-probe=1", ""): "preference",
    ("", "text/x-nothing"): "media type",
}
_RANDOM: Final = re.compile(RANDOM_NAME + "[0-9a-f]+")
_NOT_EXPOSED: Final = {"nowhere", "hidden"}
_TOKENS: Final[Mapping[Lever, str]] = {"preference": "x-probe", "media type": "text/x-nothing"}
ANONYMOUS: Final = ""
_MORE_THAN_ANONYMOUS: Final = {"service_role", "writer"}
"""Roles with all privileges that anon has in their scenario, and more."""


class Unrecorded(LookupError):
    """Nobody asked the real server this."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one form, however its names were quoted and its headers given."""

    request: str
    """Method, a space, path and query, decoded."""
    body: str = "null"
    """As JSON."""
    profile: str = ""
    """The schema that the server takes it to be for; empty for its first one."""
    document: bool = False
    """Whether the API's description is asked for."""
    lever: Lever = ""
    role: str = ANONYMOUS


@cache
def _recording(scenario: str, version: str) -> Mapping[tuple[State, Asked], Step]:
    """The responses of a recording by state and question, as far as the gate may ask them."""
    recording = Recording.load(f"{scenario}-{version}")
    first = recording.config.get("PGRST_DB_SCHEMAS", "public").split(",")[0]
    found: dict[tuple[State, Asked], Step] = {}
    state: State | None = None
    seen: set[State] = set()
    for step in recording.steps:
        if "state" in step:
            state = _state(step["state"], seen)
            seen.add(state)
        elif "request" not in step:
            state = None  # what is asked after a statement or a signal is of another state
        elif state and (asked := _asked(step["request"], first)):
            found[state, asked] = step["response"]
    return found


def _state(heading: str, seen: Collection[State]) -> State:
    """`migrated; cache STALE` is `stale`, the second time `stale again`."""
    if heading.startswith("before"):
        return "before"
    if "stale" in heading.lower():
        return "stale again" if "stale" in seen else "stale"
    return "fresh again" if "fresh" in seen else "fresh"


def _asked(request: Step, first_schema: str) -> Asked | None:
    """The question of a recorded request; None for one of a kind that the gate never asks."""
    headers = dict(request.get("headers", {}))
    accepted = headers.pop("Accept", "")
    document = accepted == OPENAPI
    reads = request["method"] in {"GET", "HEAD", "OPTIONS"}
    profile = headers.pop("Accept-Profile" if reads else "Content-Profile", first_schema)
    headers.pop("Content-Profile" if reads else "Accept-Profile", None)  # ignored without a word
    lever = _LEVERS.get((headers.pop("Prefer", ""), "" if document else accepted))
    role = headers.pop("Authorization", request.get("as", ANONYMOUS))
    if profile in _NOT_EXPOSED:
        profile = "random"
    if headers or lever is None:
        return None
    return Asked(
        _request(request["method"], request["path"]),
        json.dumps(request.get("json")),
        "" if profile == first_schema else profile,
        document,
        lever,
        role,
    )


def _body(question: Question) -> str:
    """The body as JSON. One that is none is as little read, beside `columns`, as `[]` is."""
    if question.body == UNREADABLE:
        return "[]"
    return json.dumps(json.loads(question.body or b"null"))


def _request(method: str, target: str) -> str:
    path, _, query = target.partition("?")
    if query.startswith("columns="):
        query = query.replace("%22", "")  # recorded both ways, with the same answers (tables-*)
    return f"{method} {unquote(path)}" + (f"?{unquote(query)}" if query else "")


class RecordedServer(Client):
    """Answers as the real server did in one state of a scenario, to one role."""

    def __init__(
        self,
        scenario: str,
        version: str,
        state: State,
        role: str = ANONYMOUS,
        schema: str = "public",
    ) -> None:
        """``schema`` is the first one it exposes."""
        super().__init__("http://recorded", Credentials())
        self._scenario, self._version, self._state = scenario, version, state
        self._role, self._schema = role, schema

    def ask(self, question: Question, *, most: int = ANSWER_BYTES) -> Answer:
        """The recorded answer, with the question's own token in it. Raises `Unrecorded`."""
        del most
        if question.method == "OPTIONS" and question.accept != ANYTHING:
            raise Unrecorded(f"{question} with Accept: {question.accept}, which 10 refuses")
        asked = self._normal_form(question)
        for form in self._forms(asked, plan_only=bool(question.token)):
            if found := self._recorded(form):
                answer = _answer(found, _TOKENS.get(form.lever, ""), question.token)
                return _naming(question, answer)
        raise Unrecorded(f"{self._scenario}-{self._version}, {self._state}: {asked}")

    def _normal_form(self, question: Question) -> Asked:
        def named(text: str) -> str:
            return _RANDOM.sub("random", text)

        return Asked(
            _request(question.method, named(question.target)),
            _body(question),
            "" if question.schema == self._schema else named(question.schema),
            question.accept == OPENAPI,
            role=self._role,
        )

    def _forms(self, asked: Asked, *, plan_only: bool) -> Iterator[Asked]:
        """The forms in which the question may have been recorded, best first."""
        levers: tuple[Lever, ...] = ("", "preference") if self._is_old else ("",)
        if plan_only:
            # Before 12 the preference is ignored and the media type refused at once.
            levers = ("media type",) if self._is_old else ("preference", "media type")
        roles: tuple[str, ...] = (self._role,)
        if plan_only or "random" in asked.request or asked.request.startswith("OPTIONS"):
            roles += (ANONYMOUS, "service_role")  # it is told without a look at grants
        elif self._role in _MORE_THAN_ANONYMOUS:
            roles += (ANONYMOUS,)
        for lever in levers:
            for role in roles:
                yield replace(asked, lever=lever, role=role)

    @property
    def _is_old(self) -> bool:
        return self._version.startswith(("10.", "11."))

    def _recorded(self, asked: Asked) -> Step | None:
        here = self._scenario, self._state
        found = self._recorded_at(here, asked)
        for alike in ALIKE:
            match = None if found else re.fullmatch(alike.questions, asked.request)
            if match:
                body = alike.body or asked.body
                other = replace(asked, request=match.expand(alike.recorded), body=body)
                if alike.at and asked.profile != "random":
                    other = replace(other, profile="")
                found = self._recorded_at(alike.at or here, other)
        return found

    def _recorded_at(self, at: tuple[str, State], asked: Asked) -> Step | None:
        scenario, state = at
        recording = _recording(scenario, self._version)
        found = recording.get((state, asked))
        if found or asked.lever:
            return found
        plan_only = replace(asked, lever="preference")
        planned = recording.get((state, plan_only))
        if planned and _code(planned) == "PGRST122":
            # Once planned, the database answers: 11 ignored the preference and asked it.
            return _recording(scenario, "11.2.2")[state, plan_only]
        return planned  # refused before the preference is looked at


def _code(response: Step) -> str:
    body = response["body"]
    return str(body.get("code", "")) if isinstance(body, dict) else ""


def _answer(recorded: Step, recorded_token: str, token: str) -> Answer:
    body = recorded.get("body")
    if isinstance(body, dict) and "swagger" in body:
        body = body | {"paths": {path: _whole(methods) for path, methods in body["paths"].items()}}
    text = "" if body == "" else json.dumps(body)
    if recorded_token:
        text = text.replace(recorded_token, token)
    return Answer(recorded["status"], recorded["headers"], text.encode())


def _naming(question: Question, answer: Answer) -> Answer:
    """An answer about a name that never existed, with the random name that was asked for."""
    name = _RANDOM.search(question.target)
    if not name:
        return answer
    body = re.sub(rb"\b(heartbeats|never_existed|nonexistent)\b", name[0].encode(), answer.body)
    return replace(answer, body=body)


def _whole(methods: Step) -> Step:
    """The methods of a path as the document has them: the recordings keep their parameters only."""
    return {method: {"parameters": parameters} for method, parameters in methods.items()}


def by_either_lever(version: str) -> Iterator[tuple[Question, Answer, Answer]]:
    """The questions of `migration` that were recorded with each lever alone, and both answers."""
    recording = _recording("migration", version)
    for state, asked in recording:
        other = replace(asked, lever="media type")
        if asked.lever == "preference" and (state, other) in recording:
            question = Question("GET", asked.request, token="token")
            by_preference = _answer(recording[state, asked], "x-probe", question.token)
            by_media_type = _answer(recording[state, other], "text/x-nothing", question.token)
            yield question, by_preference, by_media_type


class RecordedAdmin(Client):
    """The admin server of a scenario's last state, which shows the whole schema cache."""

    def __init__(self, scenario: str, version: str) -> None:
        super().__init__("http://recorded", Credentials())
        self._recording = Recording.load(f"{scenario}-{version}")

    def ask(self, question: Question, *, most: int = ANSWER_BYTES) -> Answer:
        """What was recorded last at that path. Raises `Unrecorded`."""
        del most
        for step in reversed(self._recording.steps):
            if step.get("admin") == question.target:
                return Answer(step["status"], {}, json.dumps(step["body"]).encode())
        raise Unrecorded(str(question))
