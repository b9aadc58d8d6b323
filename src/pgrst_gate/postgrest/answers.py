"""What an answer means, read by code and never by wording, which changes within a version."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from pgrst_gate.postgrest.questions import Question
from pgrst_gate.verdicts import Cause

SQLSTATE: Final = re.compile(r"[0-9A-Z]{5}")
_NO_DATABASE: Final = {"PGRST000", "PGRST001", "PGRST003"}
_BAD_TOKEN: Final = {"PGRST300", "PGRST301", "PGRST302", "PGRST303"}
_GATEWAY_DOWN: Final = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_TOLD_CHARACTERS: Final = 160


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, or why there was none. All text in it is untrusted."""

    status: int = 0
    """0 when there was no answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    """At most the number of bytes that was asked for."""
    failure: str = ""
    """Why there was no answer: `connection refused`."""

    @property
    def succeeded(self) -> bool:
        """Whether the status is of the 200s."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def json(self) -> Any:  # noqa: ANN401 - a foreign document
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @cached_property
    def error(self) -> Mapping[str, Any]:
        """PostgREST's error object: `code`, `message`, `details`, `hint`; empty when it is none."""
        if self.status < HTTPStatus.MULTIPLE_CHOICES or not self.body.startswith(b"{"):
            return {}
        found = self.json
        return found if isinstance(found, dict) and isinstance(found.get("code"), str) else {}

    @property
    def code(self) -> str:
        """`PGRST204` or a SQLSTATE; empty when PostgREST is not the one speaking."""
        return str(self.error.get("code", ""))

    @property
    def is_sqlstate(self) -> bool:
        """Whether PostgreSQL refused the request: it was planned, so PostgREST found its names."""
        return bool(SQLSTATE.fullmatch(self.code))

    def text(self, key: str) -> str:
        """One entry of the error object as text; empty when it is missing or null."""
        value = self.error.get(key)
        return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def told(question: Question, answer: Answer) -> str:
    """The question and its answer in one line, for people."""
    if answer.failure:
        return f"{question}: {answer.failure}"
    if question.token and plan(question, answer) is Plan.PASSED:
        return f"{question}: in the cache ({answer.status} {answer.code})"
    said = " ".join(filter(None, (str(answer.status), answer.code, answer.text("message"))))
    return f"{question}: {said[:_TOLD_CHARACTERS]}"


def obstacle(answer: Answer) -> Cause | None:
    """Why this answer says nothing of the item that was asked for; None when it does."""
    code = answer.code
    if answer.failure or code in _NO_DATABASE:
        return Cause.UNREACHABLE
    if code == "PGRST002":
        return Cause.RELOADING
    if code == "PGRST106":
        return Cause.NOT_EXPOSED
    if code in _BAD_TOKEN or (
        code == "22023" and answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
    ):
        # 22023: the role in the token does not exist; 400 up to 13.0.0 (recordings/doors-*)
        return Cause.UNAUTHORIZED
    if code == "PGRST125":
        return Cause.NOT_POSTGREST
    if code or answer.succeeded or is_bare_not_found(answer):
        return None
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Cause.UNAUTHORIZED
    return Cause.UNREACHABLE if answer.status in _GATEWAY_DOWN else Cause.NOT_POSTGREST


def is_bare_not_found(answer: Answer) -> bool:
    """The `404 {}` by which 10 to 12 say that OPTIONS, or a write, found no such relation."""
    return answer.status == HTTPStatus.NOT_FOUND and answer.body.strip() == b"{}"


class Plan(Enum):
    """How a plan against the schema cache ended."""

    PASSED = "passed"
    MISSING = "missing"
    """A relation, column, function or relationship is not cached."""
    AMBIGUOUS = "ambiguous"
    """More than one function or relationship fits (300): cached, but no client can use it so."""
    UNTOLD = "untold"
    """This answer does not tell."""


BY_LEVER: Final = {"PGRST107", "PGRST122"}
"""The refusals of the two levers."""
_MISSING: Final = {"PGRST200", "PGRST202", "PGRST204", "PGRST205"}
_AMBIGUOUS: Final = {"PGRST201", "PGRST203"}


def plan(question: Question, answer: Answer) -> Plan:
    """Whether the names in a question were found in the schema cache.

    A plan-only question has passed only if a lever's own refusal came back with our token in it.
    Other questions have passed when PostgreSQL answered, with success or with a SQLSTATE.
    """
    code = answer.code
    if code in _MISSING or is_bare_not_found(answer):
        return Plan.MISSING
    if code in _AMBIGUOUS:
        return Plan.AMBIGUOUS
    if question.token:
        return Plan.PASSED if _stopped_by_lever(question, answer) else Plan.UNTOLD
    if question.method == "OPTIONS":
        passed = answer.succeeded and "allow" in answer.headers
        return Plan.PASSED if passed else Plan.UNTOLD
    if obstacle(answer) is None and (answer.is_sqlstate or answer.succeeded):
        return Plan.PASSED
    return Plan.UNTOLD


def _stopped_by_lever(question: Question, answer: Answer) -> bool:
    if answer.code == "PGRST107":
        # 406, and 415 up to 12.0.2. (10 and 11 say it before the plan: they are never asked so.)
        return question.token in answer.text("message")
    # With `client-error-verbosity=minimal` (16) an error has no details to hold the token.
    return answer.code == "PGRST122" and (
        "details" not in answer.error or question.token in answer.text("details")
    )
