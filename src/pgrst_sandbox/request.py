"""A request as PostgREST understands it before it looks at the schema cache."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import unquote

from pgrst_sandbox.config import Config
from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.errors import ApiError, NotFound
from pgrst_sandbox.query_string import Query, parse

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT"]
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT"})
_CALL_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
_READ_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_TYPES: Final = {
    "application/json": "json",
    "text/plain": "text",
    "text/xml": "xml",
    "application/octet-stream": "bytea",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What came over the wire. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The `Prefer` header. `invalid` are the unknown ones, as they were sent."""

    returns: str | None = None
    count: str | None = None
    strict: bool = False
    applied: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A request body. `keys` are those of its JSON object, or of every object of its array."""

    text: bytes
    kind: str
    """json, text, xml or bytea."""
    keys: tuple[str, ...]
    is_array: bool
    """Otherwise it is made one, for PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request of which everything but the plan is known. `target` is None for the root."""

    method: Method
    path: str
    target: str | None
    is_call: bool
    schema: str
    profile_asked: bool
    query: Query
    preferences: Preferences
    accept: str
    body: Body | None


def understand(http: HttpRequest, config: Config, dialect: Dialect) -> Request:
    """Check path, schema, method, query string and body, in this order.

    Raises ApiError PGRST125, 106, 117, 101, 100, 102.
    """
    target, is_call = _target(http.path, dialect)
    method = http.method
    profile = http.headers.get("accept-profile" if method in _READ_METHODS else "content-profile")
    if profile is not None and profile not in config.db_schemas:
        raise _not_exposed(profile, config.db_schemas, dialect)
    if method not in _METHODS:
        raise ApiError(405, "PGRST117", f"Unsupported HTTP method: {method}")
    if is_call and method not in _CALL_METHODS:
        raise ApiError(405, "PGRST101", f"Cannot use the {method} method on RPC")
    return Request(
        method=method,  # type: ignore[arg-type]  # one of _METHODS
        path=http.path,
        target=target,
        is_call=is_call,
        schema=profile or config.db_schemas[0],
        profile_asked=profile is not None or len(config.db_schemas) > 1,
        query=parse(http.query, call=is_call and method in dialect.argument_methods),
        preferences=_preferences(http.headers.get("prefer", "")),
        accept=http.headers.get("accept", "*/*"),
        body=_body(http) if method in {"POST", "PATCH", "PUT"} else None,
    )


def _not_exposed(profile: str, exposed: tuple[str, ...], dialect: Dialect) -> ApiError:
    names = ", ".join(exposed)
    if not dialect.names_wrong_schema:
        message = f"The schema must be one of the following: {names}"
        return ApiError(406, "PGRST106", message)
    hint = f"Only the following schemas are exposed: {names}"
    return ApiError(406, "PGRST106", f"Invalid schema: {profile}", hint=hint)


def _target(path: str, dialect: Dialect) -> tuple[str | None, bool]:
    match [unquote(segment) for segment in path.split("/")[1:]]:
        case [""]:
            return None, False
        case [name]:
            return name, False
        case ["rpc", name]:
            return name, True
        case _ if dialect.names_wrong_paths:
            raise ApiError(404, "PGRST125", "Invalid path specified in request URL")
        case _:
            raise NotFound


# What each known preference may be; None: anything.
_KNOWN: Final[dict[str, frozenset[str] | None]] = {
    "resolution": frozenset({"merge-duplicates", "ignore-duplicates"}),
    "missing": frozenset({"default", "null"}),
    "return": frozenset({"representation", "minimal", "headers-only"}),
    "count": frozenset({"exact", "planned", "estimated"}),
    "tx": frozenset({"commit", "rollback"}),
    "handling": frozenset({"strict", "lenient"}),
    "timezone": None,
    "max-affected": None,
}


@lru_cache(maxsize=64)
def _preferences(header: str) -> Preferences:
    found: dict[str, str] = {}
    invalid: list[str] = []
    for preference in filter(None, (part.strip() for part in header.split(","))):
        name, _, value = preference.partition("=")
        allowed = _KNOWN.get(name, frozenset())
        if allowed is None or value in allowed:
            found.setdefault(name, value)
        else:
            invalid.append(preference)
    return Preferences(
        returns=found.get("return"),
        count=found.get("count"),
        strict=found.get("handling") == "strict",
        applied=tuple(
            f"{name}={found[name]}" for name in ("return", "count", "handling") if name in found
        ),
        invalid=tuple(invalid),
    )


def _body(http: HttpRequest) -> Body:
    media_type = http.headers.get("content-type", "application/json").partition(";")[0].strip()
    kind = _BODY_TYPES.get(media_type)
    if kind is None:
        raise ApiError(415, "PGRST102", f"Content-Type not acceptable: {media_type}")
    if kind != "json":
        return Body(http.body, kind, (), is_array=False)
    with_columns = "columns=" in http.query
    try:
        value: Any = json.loads(http.body if with_columns else http.body or b"{}")
    except ValueError:
        if with_columns:  # handed on unread and as it is: PostgreSQL refuses it
            return Body(http.body, kind, (), is_array=True)
        raise ApiError(400, "PGRST102", "Empty or invalid json") from None
    if isinstance(value, dict):
        return Body(http.body or b"{}", kind, tuple(value), is_array=False)
    if not isinstance(value, list):
        return Body(http.body, kind, (), is_array=False)
    rows = [frozenset(row) if isinstance(row, dict) else None for row in value]
    if not with_columns and any(keys is None or keys != rows[0] for keys in rows):
        raise ApiError(400, "PGRST102", "All object keys must match")
    return Body(http.body, kind, tuple(value[0]) if value else (), is_array=True)
