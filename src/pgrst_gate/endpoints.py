"""The user's own requests, made once after the cache is proven, and never a second time."""

from __future__ import annotations

import json

from pgrst_gate.expectations.endpoints import Endpoint
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.preflight import Api
from pgrst_gate.report import EndpointResult

SHOWN_CHARACTERS = 200


def call_all(api: Api, requests: tuple[Endpoint, ...], *, send: bool) -> tuple[EndpointResult, ...]:
    """A result for each request; with ``send`` false nothing is sent and `passed` is None."""
    return tuple(
        _call(api, request) if send else EndpointResult(request.line, _expected(request), "", None)
        for request in requests
    )


def _call(api: Api, request: Endpoint) -> EndpointResult:
    body = request.body.encode() if request.body else None
    question = Question(request.method, request.path, api.schema, body)
    with api.client.using(api.client.credentials.only(request.role)) as client:
        answer = client.ask(question)
    answered = (
        answer.failure
        or f"{answer.status} {answer.body[:SHOWN_CHARACTERS].decode('utf-8', 'replace')}"
    )
    return EndpointResult(
        request.line, _expected(request), answered.strip(), _fits(request, answer)
    )


def _expected(request: Endpoint) -> str:
    status = "any 2xx" if request.status is None else str(request.status)
    return f"{status} {request.answer}".strip()


def _fits(request: Endpoint, answer: Answer) -> bool:
    if answer.failure:
        return False
    if not (answer.succeeded if request.status is None else answer.status == request.status):
        return False
    return not request.answer or answer.json == json.loads(request.answer)
