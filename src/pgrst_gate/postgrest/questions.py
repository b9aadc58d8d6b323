"""The questions that can be asked of a PostgREST, as values: no I/O, and none has a side effect.

Plan-only questions carry two independent levers that stop a request after it was planned against
the schema cache and before any SQL: a strict preference that does not exist (PGRST122) and a media
type that cannot be produced (PGRST107). A gateway that drops one of them leaves the other in
place. Both hold a token made for this one question, so that an answer kept by a cache in between
is not taken for the server's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Write = Literal["insert", "update", "delete"]

JSON: Final = "application/json"
OPENAPI: Final = "application/openapi+json"
PLAN: Final = "application/vnd.pgrst.plan+json"
"""The plan that PostgreSQL makes of a request, in place of running it (`db-plan-enabled`)."""
ANYTHING: Final = "*/*"
"""For OPTIONS, whose answer has no body: 10 refuses JSON there (415; P/ApiRequest.hs@v10.2.0)."""
RANDOM_NAME: Final = "pgrst_gate_no_such_"
UNREADABLE: Final = b""
"""A body for writes and calls with `columns`: PostgreSQL refuses it (22P02) before it writes a row
or calls anything.

Where `columns` is given PostgREST plans by them and hands the body on unread (getPayload in
PostgREST src/PostgREST/ApiRequest.hs, all versions; recorded with other bodies).
"""


@dataclass(frozen=True, slots=True)
class Question:
    """One HTTP request relative to the API's base URL."""

    method: Method
    target: str
    """Path and query, percent-encoded, with a leading slash."""
    schema: str = ""
    """Sent as both profiles; empty sends none, so that the server's first schema answers."""
    body: bytes | None = None
    accept: str = JSON
    token: str = ""
    """Not empty for a plan-only question: what both levers hold."""
    counted: bool = False
    """The answer tells how many rows there are in all."""

    @property
    def headers(self) -> dict[str, str]:
        """All headers but the credentials.

        Both profiles are sent always: the one that does not fit the method is ignored without a
        word and the first exposed schema is used (recordings/doors-*).
        """
        found = {"Accept": f"application/x-{self.token}" if self.token else self.accept}
        if self.token:
            found["Prefer"] = f"handling=strict, x-{self.token}=1"
        elif self.counted:
            found["Prefer"] = "count=exact"
        if self.body is not None:
            found["Content-Type"] = JSON
        if self.schema:
            found["Accept-Profile"] = found["Content-Profile"] = self.schema
        return found

    def __str__(self) -> str:
        explained = " (explained)" if self.accept == PLAN else ""
        return f"{self.method} {self.target}" + (" (plan only)" if self.token else explained)


def random_name() -> str:
    """A name that no schema has."""
    return RANDOM_NAME + secrets.token_hex(6)


def _token() -> str:
    return "pgrst-gate-" + secrets.token_hex(6)


def _segment(name: str) -> str:
    """A raw name as a path segment, without SQL quotes (recordings/functions-*)."""
    return quote(name, safe="")


def _names(names: Iterable[str]) -> str:
    """Names for `select` and `columns`, quoted where they are not plain words."""

    def one(name: str) -> str:
        if name.isascii() and name.replace("_", "a").isalnum():
            return name
        return quote('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"', safe="")

    return ",".join(map(one, names))


def plan_relation(schema: str, relation: str) -> Question:
    """Is the relation cached? Asked by a read; reads are planned from 13 on."""
    return Question("GET", f"/{_segment(relation)}?limit=0", schema, token=_token())


def plan_columns(schema: str, relation: str, columns: Iterable[str]) -> Question:
    """Are all these columns cached? Asked by an insert that is never run: see `UNREADABLE`."""
    target = f"/{_segment(relation)}?columns={_names(columns)}"
    return Question("POST", target, schema, UNREADABLE, token=_token())


def plan_function(schema: str, function: str, arguments: Iterable[str]) -> Question:
    """Is a function with these argument names cached? Asked by a call that is never run."""
    names = _names(arguments)
    target = f"/rpc/{_segment(function)}"
    if not names:  # `?columns=` alone does not parse (PGRST100)
        return Question("POST", target, schema, b"{}", token=_token())
    return Question("POST", f"{target}?columns={names}", schema, UNREADABLE, token=_token())


def plan_relationship(schema: str, origin: str, target: str) -> Question:
    """Is the relationship cached? Asked by an embedding read that is never run."""
    return Question("GET", _embed(origin, target), schema, token=_token())


def options_relation(schema: str, relation: str) -> Question:
    """Is the relation cached? Answered from the cache alone in every version, without SQL.

    Never with Origin *and* Access-Control-Request-Method: then the CORS layer says 200 to any path.
    """
    return Question("OPTIONS", f"/{_segment(relation)}", schema, accept=ANYTHING)


def options_function(schema: str, function: str) -> Question:
    """Is a function cached that can be called without arguments? Answered from the cache alone."""
    return Question("OPTIONS", f"/rpc/{_segment(function)}", schema, accept=ANYTHING)


def read_relation(schema: str, relation: str) -> Question:
    """May this role read the relation? Answered by the database, with no rows."""
    return Question("GET", f"/{_segment(relation)}?limit=0", schema)


def count_rows(schema: str, relation: str) -> Question:
    """How many rows does this role see? Answered by the database, with none of them."""
    return Question("GET", f"/{_segment(relation)}?limit=0", schema, counted=True)


def explain_read(schema: str, relation: str) -> Question:
    """Does this server show plans? See `explain_write`."""
    return Question("GET", f"/{_segment(relation)}?limit=0", schema, accept=PLAN)


def explain_write(schema: str, relation: str, column: str, verb: Write) -> Question:
    """May this role write the column, or delete? Only for servers that were seen to show plans.

    PostgreSQL checks privileges before it shows a plan, and runs nothing. Were it run all the same,
    it would be for no row: there is none in the body, or none that the filter lets through.
    """
    name = _names([column])
    if verb == "delete":
        target = f"/{_segment(relation)}?{name}=is.null&{name}=not.is.null"
        return Question("DELETE", target, schema, accept=PLAN)
    method: Method = "POST" if verb == "insert" else "PATCH"
    return Question(method, f"/{_segment(relation)}?columns={name}", schema, b"[]", PLAN)


def read_columns(schema: str, relation: str, columns: Iterable[str]) -> Question:
    """Does the database have these columns, and may this role read them? With no rows."""
    return Question("GET", f"/{_segment(relation)}?select={_names(columns)}&limit=0", schema)


def read_relationship(schema: str, origin: str, target: str, column: str = "") -> Question:
    """May this role read both ends? On 10 and 11 it also tells whether it is cached.

    Of the target all columns are read, or the one that is named.
    """
    return Question("GET", _embed(origin, target, column), schema)


def call_for_no_row(schema: str, function: str, arguments: Iterable[str]) -> Question:
    """May this role call the function? From 11 on, an empty array calls it for no row at all.

    Only for functions with named arguments: without any, or with one unnamed, this *runs* it.
    """
    target = f"/rpc/{_segment(function)}?columns={_names(arguments)}"
    return Question("POST", target, schema, b"[]")


def call_that_cannot_run(schema: str, function: str, argument: str) -> Question:
    """Does a function of this name take this argument? Asked by a call that PostgreSQL refuses."""
    target = f"/rpc/{_segment(function)}?columns={_names([argument])}"
    return Question("POST", target, schema, UNREADABLE)


def description(schema: str) -> Question:
    """The OpenAPI document of the schema, for this role."""
    return Question("GET", "/", schema, accept=OPENAPI)


def random_schema() -> Question:
    """A schema that is not exposed: the refusal (PGRST106) names those that are.

    Without levers, for 10 and 11 refuse a media type before they look at the schema.
    """
    return read_relation(random_name(), random_name())


def _embed(origin: str, target: str, column: str = "") -> str:
    shown = _names([column]) if column else "*"
    return f"/{_segment(origin)}?select={_names([target])}({shown})&limit=0"
