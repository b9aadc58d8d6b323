"""Request lines: the HTTP checks people write, run after the cache is proven.

    /scans?select=ended_at
    GET /scans?select=ended_at as anonymous -> 401
    POST /rpc/update_scan_heartbeat {"scan_id": 1, "progress_msg": "test"} -> 204
    /rpc/ping -> 200 "pong"

By themselves they prove nothing about the cache. Where nothing else is expected, what they name is
expected: their relation, the columns in `select`, the function with the keys of the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from pgrst_gate.expectations.inline import SyntaxProblem
from pgrst_gate.postgrest.questions import Method
from pgrst_gate.schema import Argument, Column, Expectation, Function, Item, Relation

ROLES: Final = ("anonymous", "api-key", "token")

_HEAD: Final = re.compile(r"(?:(?P<method>[A-Za-z]+)\s+)?(?P<path>/\S*)\s*")
_AS: Final = re.compile(r"as\s+(?P<role>[\w-]+)\s*")
_STATUS: Final = re.compile(r"(?:->|→|=>)\s*(?P<status>\d{3})\s*")
_PLAIN_COLUMN: Final = re.compile(r"[^\W\d][\w$]*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request and what its answer must be."""

    line: str
    """As it was written, for people."""
    method: Method
    path: str
    """Path and query below the base URL, as written."""
    body: str = ""
    """JSON text; empty sends none."""
    role: str = "token"
    """Whose credentials: all of them, the API key alone, or none."""
    status: int | None = None
    """None: any of the 200s."""
    answer: str = ""
    """JSON that the body must equal; empty: any."""


def endpoints(text: str) -> tuple[Endpoint, ...]:
    """One request line each; blank lines and lines that begin with `#` are left out."""
    return tuple(
        _endpoint(line.strip(), number)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    )


def implied(requests: tuple[Endpoint, ...]) -> Expectation:
    """What the requests name, so that their own success is not taken for a fresh cache."""
    found = [item for request in requests if _succeeds(request) for item in _named(request)]
    return Expectation(tuple(dict.fromkeys(found)))


def _succeeds(request: Endpoint) -> bool:
    return request.status is None or request.status in range(200, 300)


def _named(request: Endpoint) -> list[Item]:
    parts = urlsplit(request.path)
    path = [unquote(part) for part in parts.path.strip("/").split("/")]
    if path[0] == "rpc" and len(path) == len(("rpc", "f")):
        body = json.loads(request.body) if request.body else {}
        if request.method != "POST" or not isinstance(body, dict):
            return []
        return [Function("", path[1], tuple(map(Argument, body)))]
    if not path[0] or len(path) > 1:
        return []
    relation = Relation("", path[0])
    selected = dict(parse_qsl(parts.query)).get("select", "")
    names = _top_level(selected)
    plain = [name for name in names if _PLAIN_COLUMN.fullmatch(name)]
    return [relation, *(Column(relation, name) for name in plain)]


def _top_level(selected: str) -> list[str]:
    """The entries of a `select`, with what is in parentheses left out with its entry."""
    while (flat := re.sub(r"[\w!.:]*\([^()]*\)", "", selected)) != selected:
        selected = flat
    return [name for name in selected.split(",") if name]


def _endpoint(line: str, number: int) -> Endpoint:
    def fail(what: str) -> SyntaxProblem:
        return SyntaxProblem(f"line {number}, `{line}`: {what}")

    head = _HEAD.match(line)
    if not head:
        raise fail(
            "a request line begins with a path, or a method and a path: `GET /scans?limit=1`"
        )
    method = (head["method"] or "GET").upper()
    if method not in get_args(Method):
        raise fail(f"{method} is no method; use one of {', '.join(get_args(Method))}")
    rest = line[head.end() :]
    body, rest = _json(rest, fail)
    role = status = None
    if found := _AS.match(rest):
        role, rest = found["role"], rest[found.end() :]
        if role not in ROLES:
            raise fail(f"`as {role}`: credentials are {', '.join(ROLES)}")
    if found := _STATUS.match(rest):
        status, rest = int(found["status"]), rest[found.end() :]
    answer, rest = _json(rest, fail) if status else ("", rest)
    if rest:
        raise fail(
            f"`{rest}` is left over; the order is: method path body `as` role `->` status body"
        )
    return Endpoint(
        line, cast("Method", method), head["path"], body, role or "token", status, answer
    )


def _json(text: str, fail: Callable[[str], SyntaxProblem]) -> tuple[str, str]:
    if not text or text[0] not in '{["0123456789tfn':
        return "", text
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError as error:
        raise fail(f"the body is not JSON: {error}") from error
    return text[:end], text[end:].lstrip()
