"""The surface that an OpenAPI document describes: as far as it goes, and to the role that asks.

Relations come from the schema cache, functions from a live query (see `openapi`). Not in it are
grants, relationships, results of functions, and more (`Surface.whole`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pgrst_gate.schema import Relation
from pgrst_gate.surface import ColumnShape, FunctionShape, Parameter, RelationShape, Surface


def surface(documents: Mapping[str, Any]) -> Surface:
    """The surface of some schemas, each with its document."""
    relations = [one for schema, found in documents.items() for one in _relations(schema, found)]
    functions = [one for schema, found in documents.items() for one in _functions(schema, found)]
    return Surface(
        tuple(documents),
        {one.relation: one for one in relations},
        tuple(functions),
        relationships=None,
        whole=False,
    )


def _relations(schema: str, document: Any) -> Iterator[RelationShape]:  # noqa: ANN401 - foreign
    for name, table in _mapping(_mapping(document).get("definitions")).items():
        required = _names(_mapping(table).get("required"))
        columns = tuple(
            ColumnShape(
                column,
                str(_mapping(about).get("format", "")),
                nullable=column not in required,
                filled=True if "default" in _mapping(about) else None,
            )
            for column, about in _mapping(_mapping(table).get("properties")).items()
        )
        yield RelationShape(Relation(schema, name), None, columns)


def _functions(schema: str, document: Any) -> Iterator[FunctionShape]:  # noqa: ANN401 - foreign
    for path, methods in _mapping(_mapping(document).get("paths")).items():
        body = _body(_mapping(_mapping(methods).get("post")))
        if path.startswith("/rpc/") and body is not None:
            required = _names(body.get("required"))
            parameters = tuple(
                Parameter(name, str(_mapping(about).get("format", "")), required=name in required)
                for name, about in _mapping(body.get("properties")).items()
            )
            yield FunctionShape(schema, path.removeprefix("/rpc/"), parameters)


def _body(method: Mapping[str, Any]) -> Mapping[str, Any] | None:
    parameters = method.get("parameters")
    for one in map(_mapping, parameters if isinstance(parameters, list) else ()):
        if one.get("in") == "body":
            return _mapping(one.get("schema"))
    return None


def _names(found: object) -> frozenset[str]:
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}
