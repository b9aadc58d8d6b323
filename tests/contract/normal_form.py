"""What is compared of an answer or a log: versions, times, ports and the order of maps left out."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

_TIME: Final = re.compile(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000: ")
_VARYING: Final = (
    (_TIME, "<time>: "),
    (re.compile(r"PostgreSQL \d[^\"]*?\d\d-bit"), "PostgreSQL <version>"),
    (re.compile(r"(127\.0\.0\.1):(\d+|<[a-z-]+>)"), r"\1:<port>"),
    (re.compile(r"\bport (\d+|<n>|<admin-port>)"), "port <port>"),
    (re.compile(r"[\d.]+ milliseconds"), "<n> milliseconds"),
    (re.compile(r"\d+ Timezones"), "<n> Timezones"),
    (re.compile(r"(cache_query_time_seconds) [\d.e-]+"), r"\1 <n>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00"), "<timestamp>"),
)

# The recorder asked `GET /` until the server was up, and so left its traces in the log.
_OF_THE_RECORDER: Final = ('{"code":"PGRST002"', '"GET / HTTP/1.1" 503')

# Which of a load's small queries a statement_timeout of 1 ms hits is chance.
_CHANCE: Final = re.compile(
    r"Failed to query (the role settings|database settings|the PostgreSQL version).*57014"
    r"|An error ocurred when trying to query (the role|database) settings"
)

# Where a server tries again without a pause, the recorder cut its log short.
_CUT: Final = "more lines of the same"
_NOT_CONNECTED: Final = re.compile(rf"{_CUT}|Attempting to reconnect")


def lines(log: Sequence[str]) -> list[str]:
    """Lines of a log without what varies by chance, or comes from the recorder's own requests.

    At a start, two threads of PostgREST 10 may write into one line.
    """
    return [
        _line(line)
        for written in log
        for line in _TIME.sub(r"\n\g<0>", written).split("\n")
        if line
        and not any(trace in line for trace in _OF_THE_RECORDER)
        and not _CHANCE.search(line)
    ]


def arranged(found: list[str], *, like: list[str]) -> list[str]:
    """Lines as they are compared with a recorded log (`like`).

    At a start two threads write in any order; how often something was tried again is chance.
    """
    if any(_CUT in line for line in like):  # some of the attempts did not get so far as to connect
        return sorted({line for line in found if not _NOT_CONNECTED.search(line)})
    if any("Attempting to reconnect" in line for line in like):
        return sorted(set(found))
    if any("Admin server listening" in line for line in like):
        return sorted(found)
    return found


def _line(text: str) -> str:
    for pattern, replacement in _VARYING:
        text = pattern.sub(replacement, text)
    return text


def value(found: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON with what varies replaced in all its strings."""
    match found:
        case str():
            return _line(found)
        case list() | tuple():
            return [value(member) for member in found]
        case dict():
            return {name: value(member) for name, member in found.items()}
        case _:
            return found


def parsed(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """A body as the recordings have it: JSON if it is, the OpenAPI document reduced."""
    try:
        body = response.json()
    except json.JSONDecodeError:
        return response.text
    return _reduced(body) if isinstance(body, dict) and "swagger" in body else body


def _reduced(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "swagger": document["swagger"],
        "info": document["info"],
        "keys": sorted(document),
        "definitions": document["definitions"],
        "paths": {
            path: {method: _parameters(path, operation) for method, operation in methods.items()}
            for path, methods in document["paths"].items()
        },
    }


def _parameters(path: str, operation: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if path.startswith("/rpc/"):
        return operation.get("parameters")
    return sorted(parameter["$ref"] for parameter in operation.get("parameters", []))


def admin_body(path: str, body: Any, *, like: Any) -> Any:  # noqa: ANN401 - JSON
    """A body of the admin server, to the extent that a recorded one (`like`) has it."""
    if path == "/metrics":
        found = body.splitlines() if isinstance(body, str) else body
        return [_line(line) for line in found if "pgrst_schema_cache" in line]
    if path == "/schema_cache" and like:
        return _kinds(body) if "list" in like.values() else _entries(body)
    return body


def _kinds(cache: Mapping[str, Any]) -> Mapping[str, str]:
    """`/schema_cache` reduced to its keys, as some recordings have it."""
    return {
        name: members if isinstance(members, str) else type(members).__name__
        for name, members in cache.items()
    }


def _entries(cache: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """`/schema_cache` as text, sorted: the real one writes its maps in hash order.

    Names of timezones are the machine's, so only that there are some is kept.
    """
    return {
        name: ["<timezones>"] if name == "dbTimezones" else sorted(map(_entry, members))
        for name, members in cache.items()
    }


def _entry(entry: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(entry, sort_keys=True)
