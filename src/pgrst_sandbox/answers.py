"""Answers as they go out: status, headers, body."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.errors import ApiError
from pgrst_sandbox.request import HttpRequest, Request

JSON: Final = "application/json"
JSON_OBJECT: Final = "application/vnd.pgrst.object+json"
OPENAPI: Final = "application/openapi+json"

_UNAVAILABLE: Final = 503

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, complete but for `Date`, `Server` and the length."""

    status: int
    headers: Headers
    body: bytes


def preflight(http: HttpRequest) -> Response | None:
    """The answer of the CORS layer, which knows no paths, if the request is for it."""
    headers = http.headers
    if http.method != "OPTIONS" or not {"origin", "access-control-request-method"} <= set(headers):
        return None
    asked = headers.get("access-control-request-headers")
    cors = (
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"),
        ("Access-Control-Allow-Headers", f"Authorization, {asked}" if asked else "Authorization"),
        ("Access-Control-Max-Age", "86400"),
    )
    return Response(200, cors, b"")


def refusal(error: ApiError, dialect: Dialect, retry_after: int) -> Response:
    """The answer for an error. It never says which schema was asked.

    `retry_after` is in seconds, for an answer that says that the server is unavailable.
    """
    headers = [content_type(JSON)]
    if dialect.names_errors_in_header:
        headers.append(("Proxy-Status", f"PostgREST; error={error.code}"))
    if error.status == _UNAVAILABLE:
        headers.append(("Retry-After", str(retry_after)))
    if error.authenticate:
        headers.append(("WWW-Authenticate", error.authenticate))
    return Response(error.status, tuple(headers), error.body.encode())


def success(
    request: Request, dialect: Dialect, headers: Headers, body: bytes = b"", status: int = 200
) -> Response:
    """The answer to a request that went well."""
    if request.profile_asked:
        headers += (("Content-Profile", request.schema),)
    if dialect.sends_vary:
        headers += (("Vary", "Accept, Prefer, Range"),)
    return Response(status, headers, body)


def content_type(media_type: str) -> tuple[str, str]:
    """The `Content-Type` header."""
    return "Content-Type", f"{media_type}; charset=utf-8"


def content_range(first: int, rows: int, total: int | None) -> tuple[str, str]:
    """The `Content-Range` header: which rows, of how many."""
    shown = f"{first}-{first + rows - 1}" if rows else "*"
    return "Content-Range", f"{shown}/{'*' if total is None else total}"


def content_location(request: Request) -> tuple[str, str]:
    """The `Content-Location` header: the path decoded, the parameters encoded and in order."""
    path, query = unquote(request.path), request.query.canonical
    return "Content-Location", f"{path}?{query}" if query else path


def preference_applied(request: Request, dialect: Dialect) -> Headers:
    """The `Preference-Applied` header, if there is anything to say."""
    applied = ", ".join(
        preference
        for preference in request.preferences.applied
        if preference.partition("=")[0] in dialect.applied_preferences
    )
    return (("Preference-Applied", applied),) if applied else ()
