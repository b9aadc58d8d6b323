"""Who answers at a URL: whether it is a PostgREST, of which version, and what it exposes.

Both are found out by questions that no PostgREST can take amiss: a relation and a schema with
random names, and the OpenAPI document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.postgrest import openapi, questions, versions
from pgrst_gate.postgrest.answers import Answer, Plan, obstacle, plan, told
from pgrst_gate.postgrest.client import DOCUMENT_BYTES, Client
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.postgrest.versions import Dialect, Version
from pgrst_gate.verdicts import Cause

SIGNATURE: Final = "postgrest/"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered."""

    dialect: Dialect
    version: Version | None
    told_by: str
    """`Server header`, `OpenAPI document` or `its answers`."""
    reloading: bool = False
    """It had no schema cache just then (PGRST002)."""

    @property
    def version_text(self) -> str:
        """`14.14`, or `13 and later` when only the line is known."""
        return ".".join(map(str, self.version)) if self.version else self.dialect.line


def first_answer(client: Client, schema: str) -> tuple[Question, Answer]:
    """The first question of a run, and its answer: the negative control of relations."""
    question = questions.plan_relation(schema, questions.random_name())
    return question, client.ask(question)


def identify(client: Client, question: Question, answer: Answer) -> Identity:
    """Who gave this answer to `first_answer`.

    Raises `NotObserved` when it is not a PostgREST, or the key is refused, and `UsageError` when
    the PostgREST is older than 10.
    """
    _refuse_strangers(client, question, answer)
    reloading = obstacle(answer) is Cause.RELOADING
    header = answer.headers.get("server", "")
    if header.lower().startswith(SIGNATURE) and (version := versions.parse(header)):
        return _known(version, "Server header", reloading=reloading)
    described = openapi.read(
        client.ask(questions.description(question.schema), most=DOCUMENT_BYTES)
    )
    if described and (version := versions.parse(described.version)):
        return _known(version, "OpenAPI document", reloading=reloading)
    return Identity(_by_answer(answer), None, "its answers", reloading)


def _known(version: Version, told_by: str, *, reloading: bool) -> Identity:
    dialect = versions.dialect_of(version)
    if dialect is None:
        text = ".".join(map(str, version))
        raise UsageError(
            f"PostgREST {text} is too old for this gate",
            hint="PostgREST 10 and later can be verified; nothing was sent to reload this one",
        )
    return Identity(dialect, version, told_by, reloading)


def _by_answer(answer: Answer) -> Dialect:
    """The line whose way of refusing a plan-only read of a random relation this is.

    13 and later miss the relation (PGRST205), 12 stops at our media type after the plan (406), 11
    and 10 before it (415, recordings/migration-*); where it cannot be told, the oldest is the safe
    side.
    """
    if answer.code == "PGRST205":
        return versions.LINES[0]
    stopped = answer.code == "PGRST122" or (
        answer.code == "PGRST107" and answer.status == HTTPStatus.NOT_ACCEPTABLE
    )
    return versions.LINES[1] if stopped else versions.OLDEST


def _refuse_strangers(client: Client, question: Question, answer: Answer) -> None:
    seen = told(question, answer)
    match obstacle(answer):
        case Cause.UNREACHABLE:
            raise NotObserved(f"{client.url} does not answer: {seen}", hint=UNREACHABLE_HINT)
        case Cause.UNAUTHORIZED:
            raise NotObserved(
                f"the API refused the key: {seen}",
                hint="check `api-key` and `token`: not expired, for this project, and not swapped"
                " (values that start with sb_ are API keys, not tokens)",
                cause="unauthorized",
            )
        case Cause.NOT_POSTGREST:
            stranger = True
        case None:
            stranger = not answer.code or not _is_of(question, answer)
        case _:
            stranger = False
    if stranger and (elsewhere := answer.headers.get("location")):
        raise NotObserved(
            f"{client.url} redirects to {elsewhere}",
            hint="give the address it redirects to as `url`: redirects are not followed, so that no"
            " key goes astray",
            cause="not-postgrest",
        )
    if stranger:
        raise NotObserved(
            f"{client.url} does not answer as a PostgREST does: {seen}",
            hint="`url` is the API's base address, on Supabase https://<ref>.supabase.co/rest/v1;"
            " a gateway in front needs its path prefix",
            cause="not-postgrest",
        )


def _is_of(question: Question, answer: Answer) -> bool:
    """Whether a refusal is of this very question: each names the relation or the token.

    An answer that a cache in between has kept names another one.
    """
    names = (question.token, urlsplit(question.target).path.lstrip("/"))
    return any(name.encode() in answer.body for name in names)


UNREACHABLE_HINT: Final = (
    "is `url` right, and is it reachable from this machine? Nothing was sent to reload it"
)


def exposed_schemas(client: Client) -> tuple[str, ...] | None:
    """The schemas the server exposes, in its order; empty when it does not say which.

    It does not where it has no schema cache, for which it looks before the schema. None when a
    random schema is not refused: then the headers that name it do not get through. The refusal
    lists the schemas, in the message up to 13.0.6, in the hint later.
    """
    answer = client.ask(questions.random_schema())
    if obstacle(answer) is Cause.RELOADING:
        return ()
    if answer.code != "PGRST106":
        return None
    listed = re.search(r":\s*(\S.*)$", answer.text("hint") or answer.text("message"))
    names = [name.strip() for name in listed[1].split(",")] if listed else []
    return tuple(name for name in names if name and questions.RANDOM_NAME not in name)


def options_of_relations(client: Client, schema: str) -> bool:
    """Whether `OPTIONS` refuses a random relation, so that its answer proves something."""
    question = questions.options_relation(schema, questions.random_name())
    return plan(question, client.ask(question)) is Plan.MISSING


def options_of_functions(client: Client, schema: str) -> bool:
    """Whether `OPTIONS` refuses a random function, so that its answer proves something."""
    question = questions.options_function(schema, questions.random_name())
    return plan(question, client.ask(question)) is Plan.MISSING
