"""The admin server: load counters and the schema cache itself. From 12.2 on, where reachable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.client import DOCUMENT_BYTES, Client
from pgrst_gate.postgrest.questions import Question

_COUNTER: Final = re.compile(
    r'^pgrst_schema_cache_loads_total\{status="(SUCCESS|FAIL)"\} ([0-9.e+]+)$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Counters:
    """Loads since the process started. They begin at 0 again with every process."""

    finished: float
    failed: float


@dataclass(frozen=True, slots=True)
class Cache:
    """The types that the schema cache holds. Its shape is called unstable upstream."""

    columns: Mapping[tuple[str, str, str], tuple[str, str]]
    """(schema, relation, column) → the type, and the name of its domain or the type again."""
    functions: Mapping[tuple[str, str], tuple[Mapping[str, str], ...]]
    """(schema, function) → for each overload: argument → type."""


def counters(client: Client) -> Counters | None:
    """The load counters; None where the admin server does not show them (before 12.2)."""
    answer = client.ask(Question("GET", "/metrics", accept="*/*"))
    if not answer.succeeded:
        return None
    found = dict(_COUNTER.findall(answer.body.decode("utf-8", "replace")))
    if "SUCCESS" not in found and b"pgrst_" not in answer.body:
        return None
    return Counters(float(found.get("SUCCESS", 0)), float(found.get("FAIL", 0)))


def ready(client: Client) -> Answer:
    """What the admin server says of its server: 200 where it has a cache and its listener."""
    return client.ask(Question("GET", "/ready", accept="*/*"))


def cache(client: Client) -> Cache | None:
    """The live schema cache; None where it is not shown, or while there is none."""
    return read_cache(client.ask(Question("GET", "/schema_cache"), most=DOCUMENT_BYTES))


def read_cache(answer: Answer) -> Cache | None:
    """Reads the document; None when it is not in the shape that was recorded from 12.2 to 16."""
    document: Any = answer.json if answer.succeeded else None
    try:
        return Cache(dict(_columns(document["dbTables"])), dict(_functions(document["dbRoutines"])))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _columns(tables: Any) -> Any:  # noqa: ANN401 - a foreign document, checked by reading it
    for key, table in tables:
        for name, column in table["tableColumns"].items():
            found = (column["colType"], column.get("colNominalType", column["colType"]))
            yield (key["qiSchema"], key["qiName"], name), found


def _functions(routines: Any) -> Any:  # noqa: ANN401 - as above
    for key, overloads in routines:
        yield (
            (key["qiSchema"], key["qiName"]),
            tuple({p["ppName"]: p["ppType"] for p in one["pdParams"]} for one in overloads),
        )
