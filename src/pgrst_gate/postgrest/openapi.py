"""The OpenAPI document at the API's root, as far as it tells anything.

Relations, columns and formats come from the schema cache. Functions, and the absence of dropped
tables, come from a live query in the default mode (follow-privileges): they show what the
*database* has and this role may use, never what is cached (recordings/migration-*, all versions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pgrst_gate.postgrest.answers import Answer


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments of a function in the database. An unnamed one has the name ``""``."""

    names: frozenset[str]
    required: frozenset[str]

    def takes(self, names: frozenset[str]) -> bool:
        """Whether a call with arguments of exactly these names is one of this function."""
        return self.required <= names <= self.names


@dataclass(frozen=True, slots=True)
class Description:
    """What one role was shown of one schema."""

    version: str
    relations: Mapping[str, Mapping[str, str]]
    """Relation → column → format. A relation this role may not use at all is left out."""
    functions: Mapping[str, Signature | None]
    """Function → its arguments; None where the document does not say. Of several overloads one is
    shown."""


def read(answer: Answer) -> Description | None:
    """The document in an answer; None when there is none (closed, disabled, or not PostgREST)."""
    document = answer.json if answer.succeeded else None
    if not isinstance(document, dict) or "swagger" not in document:
        return None
    paths = _mapping(document.get("paths"))
    return Description(
        str(_mapping(document.get("info")).get("version", "")),
        {
            name: {
                column: str(_mapping(about).get("format", ""))
                for column, about in _mapping(_mapping(table).get("properties")).items()
            }
            for name, table in _mapping(document.get("definitions")).items()
        },
        {
            path.removeprefix("/rpc/"): _arguments(_mapping(methods))
            for path, methods in paths.items()
            if path.startswith("/rpc/")
        },
    )


def _arguments(methods: Mapping[str, Any]) -> Signature | None:
    for parameter in _mapping(methods.get("post")).get("parameters") or ():
        if _mapping(parameter).get("in") == "body":
            schema = _mapping(_mapping(parameter).get("schema"))
            required = schema.get("required")
            return Signature(
                frozenset(_mapping(schema.get("properties"))),
                frozenset(required if isinstance(required, list) else ()),
            )
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
