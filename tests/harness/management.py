"""A double of Supabase's Management API, held to an excerpt of its published description.

What it is asked and what it answers is checked against the description; what was reported of the
service beyond that is named below. Statements run on a real PostgreSQL.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import psycopg
from jsonschema import Draft202012Validator
from psycopg.rows import dict_row

from pgrst_sandbox.faults.gateway import Request, Response, serving

REF: Final = "abcdefghijklmnopqrst"
TOKEN: Final = "sbp_a-token-of-the-double"
JWT_SECRET: Final = "the secret that the API answers with, and nobody may see"
ALL: Final = frozenset(
    {"database_write", "database_read", "data_api_config_read", "project_admin_read"}
)
LIMIT: Final = 120
NO_FAULT: Final = ""
LOST: Final = "lost"
"""A fault: the request is carried out, and the connection breaks before the answer."""

# Not in the description: SQL errors (stackblitz/bolt.new#4737), an unknown project (Supabase's
# discussion 50315), a gateway's own answers.
_REPORTED: Final = {400, 404, 502, 503, 504, 544}
_PRIVILEGES: Final = "Your account does not have the necessary privileges to access this endpoint."

_DESCRIPTION: Final = json.loads(Path(__file__).with_name("management_api.json").read_text())


@dataclass
class ManagementApi:
    """One hosted project: its database, and the REST API over it."""

    dsn: str
    rest_url: str = ""
    owner_token: str = ""
    """A JWT of the role that the description is made for."""
    permissions: frozenset[str] = ALL
    status: str = "ACTIVE_HEALTHY"
    rest_status: str = "ACTIVE_HEALTHY"
    rest_error: str = ""
    schemas: str = "public"
    answers: list[Response | str] = field(default_factory=list)
    """What the next requests get instead, in turn: an answer, `LOST`, or `NO_FAULT`."""
    after: Callable[[str], None] = lambda _: None
    """Called after each statement that was run."""
    remaining: int = LIMIT
    reset: int = 60
    asked: list[str] = field(default_factory=list)
    """Method and path below the project, of every request."""
    statements: list[str] = field(default_factory=list)
    """What was run."""
    problems: list[str] = field(default_factory=list)
    """Where a request or an answer is not as described."""
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        with self._one_at_a_time:
            answer = self._answer(request)
        self.remaining = max(0, self.remaining - 1)
        limits = {
            "X-RateLimit-Limit": str(LIMIT),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
            "Content-Type": "application/json",
        }
        return Response(answer.status, limits | dict(answer.headers), answer.body)

    def _answer(self, request: Request) -> Response:
        parts = urlsplit(request.target)
        path = parts.path.removeprefix(f"/v1/projects/{REF}")
        self.asked.append(f"{request.method} {path}")
        fault = self.answers.pop(0) if self.answers else None
        if isinstance(fault, Response):
            return fault
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _json(401, {"message": "Unauthorized"})
        if path == parts.path:
            return Response(404)
        if self.remaining <= 0:
            return _json(429, {"message": "ThrottlerException: Too Many Requests"})
        described = _DESCRIPTION["paths"].get("/v1/projects/{ref}" + path, {})
        operation = described.get(request.method.lower())
        if operation is None:
            self.problems.append(f"there is no {request.method} {path}")
            return Response(404)
        query = dict(parse_qsl(parts.query))
        self.problems += _wrong_request(operation, query, request.body)
        if not self.permissions & _needed(operation):
            return _json(403, {"message": _PRIVILEGES})
        answer = self._carried_out(path, query, request.body)
        self.problems += _wrong_answer(operation, answer)
        if fault == LOST:
            raise ConnectionResetError
        return answer

    def _carried_out(self, path: str, query: Mapping[str, str], body: bytes) -> Response:
        match path:
            case "/database/query":
                return self._ran(json.loads(body))
            case "/database/openapi":
                return self._described(query.get("schema", "public"))
            case "/postgrest":
                found = {
                    "db_schema": self.schemas,
                    "max_rows": 1000,
                    "db_extra_search_path": "public, extensions",
                    "db_pool": None,
                    "jwt_secret": JWT_SECRET,
                }
                return _json(200, found)
            case "/health":
                healthy = self.rest_status == "ACTIVE_HEALTHY"
                health = {"name": "rest", "healthy": healthy, "status": self.rest_status}
                error = {"error": self.rest_error} if self.rest_error else {}
                return _json(200, [health | error])
            case _:
                return _json(200, self._project())

    def _ran(self, body: Mapping[str, Any]) -> Response:
        read_only = body.get("read_only", False) or "database_write" not in self.permissions
        try:
            with psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row) as connection:
                connection.read_only = read_only
                with connection.transaction(force_rollback=read_only):
                    cursor = connection.execute(body["query"].encode())
                    rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            said = (
                f"Failed to run sql query: ERROR:  {error.sqlstate}: {error.diag.message_primary}"
            )
            return _json(400, {"message": said})
        self.statements.append(body["query"])
        self.after(body["query"])
        return _json(201, rows)

    def _described(self, schema: str) -> Response:
        headers = {"Authorization": f"Bearer {self.owner_token}", "Accept-Profile": schema}
        found = httpx.get(self.rest_url, headers=headers)
        return Response(200, {}, found.content) if found.is_success else _json(500, {})

    def _project(self) -> dict[str, Any]:
        database = {"host": f"db.{REF}.supabase.co", "version": "17.6.1"}
        return {
            "id": REF,
            "ref": REF,
            "organization_id": "tsrqponmlkjihgfedcba",
            "organization_slug": "tsrqponmlkjihgfedcba",
            "name": "demo",
            "region": "eu-central-1",
            "created_at": "2026-11-01T10:00:00Z",
            "status": self.status,
            "database": database | {"postgres_engine": "17", "release_channel": "ga"},
        }


@contextmanager
def serving_management(api: ManagementApi) -> Iterator[str]:
    """The double on a free port; gives its URL. Raises AssertionError for what is not described."""
    with serving(api) as url:
        yield url
    assert api.problems == []


def _json(status: int, document: object) -> Response:
    return Response(status, {}, json.dumps(document).encode())


def _needed(operation: Mapping[str, Any]) -> frozenset[str]:
    """Any one of them will do."""
    return frozenset(
        name for one in operation["security"] for name in one.get("fga_permissions", ())
    )


def _wrong_request(
    operation: Mapping[str, Any], query: Mapping[str, str], body: bytes
) -> Iterator[str]:
    known = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
    yield from (f"there is no parameter {name}" for name in query.keys() - known.keys())
    for name, parameter in known.items():
        if name not in query:
            if parameter["required"]:
                yield f"the parameter {name} is missing"
            continue
        kind = parameter["schema"]["type"]
        value: object = query[name]
        if kind == "integer":
            value = int(query[name])
        elif kind == "array":
            value = [query[name]]
        yield from _wrong(parameter["schema"], value)
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield from _wrong(schema, json.loads(body))


def _wrong_answer(operation: Mapping[str, Any], answer: Response) -> Iterator[str]:
    described = operation["responses"].get(str(answer.status))
    if described is None:
        if answer.status not in _REPORTED:
            yield f"{operation['operationId']} does not answer {answer.status}"
        return
    if content := described.get("content"):
        yield from _wrong(content["application/json"]["schema"], json.loads(answer.body))


def _wrong(schema: Mapping[str, Any], value: object) -> Iterator[str]:
    whole = {"components": _DESCRIPTION["components"], "allOf": [schema]}
    for error in Draft202012Validator(_as_json_schema(whole)).iter_errors(value):
        yield error.message


def _as_json_schema(found: Any) -> Any:  # noqa: ANN401 - a JSON document
    """OpenAPI 3.0 says `nullable` where JSON Schema has another type."""
    if isinstance(found, Mapping):
        made = {name: _as_json_schema(part) for name, part in found.items()}
        return made | {"type": [made["type"], "null"]} if made.get("nullable") is True else made
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [_as_json_schema(part) for part in found]
    return found
