"""The surface that a schema cache shows: the document at `/schema_cache`, recorded from 12.2 to 16.

Not in it are grants, which of its relations are views of which kind, and whether a column without a
default is an identity or generated. Computed relationships are left out, as of the catalog.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pgrst_gate.postgrest.types import of_catalog
from pgrst_gate.schema import Relation, Relationship
from pgrst_gate.surface import ColumnShape, FunctionShape, Parameter, RelationShape, Surface


def surface(document: Any, schemas: Sequence[str]) -> Surface | None:  # noqa: ANN401 - foreign
    """The surface of these schemas; None when the document is in no shape that was recorded."""
    try:
        relations = {one.relation: one for one in _relations(document["dbTables"], schemas)}
        return Surface(
            tuple(schemas),
            relations,
            tuple(_functions(document["dbRoutines"], schemas)),
            Counter(_relationships(document["dbRelationships"], relations)),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _relations(tables: Any, schemas: Collection[str]) -> Iterator[RelationShape]:  # noqa: ANN401
    for key, table in tables:
        if key["qiSchema"] in schemas:
            columns = tuple(map(_column, table["tableColumns"].values()))
            yield RelationShape(_relation(key), None, columns)


def _column(one: Any) -> ColumnShape:  # noqa: ANN401 - a part of the document
    return ColumnShape(
        one["colName"],
        one.get("colNominalType", one["colType"]),
        nullable=one["colNullable"],
        filled=None if one["colDefault"] is None else True,
    )


def _functions(routines: Any, schemas: Collection[str]) -> Iterator[FunctionShape]:  # noqa: ANN401
    for key, overloads in routines:
        if key["qiSchema"] in schemas:
            for one in overloads:
                parameters = tuple(
                    Parameter(p["ppName"], p["ppType"], required=p["ppReq"], variadic=p["ppVar"])
                    for p in one["pdParams"]
                )
                returns = _returns(one["pdReturnType"])
                yield FunctionShape(key["qiSchema"], key["qiName"], parameters, returns)


def _returns(found: Any) -> str:  # noqa: ANN401 - a part of the document
    """`Single` or `SetOf` of a `Scalar` type or a `Composite` one, which says if it is an alias."""
    inside = found["contents"]["contents"]
    name = inside[0] if found["contents"]["tag"] == "Composite" else inside
    prefix = {"Single": "", "SetOf": "setof "}[found["tag"]]
    return prefix + of_catalog(name["qiSchema"], name["qiName"])


def _relationships(entries: Any, relations: Collection[Relation]) -> Iterator[Relationship]:  # noqa: ANN401
    for _, several in entries:
        for one in several:
            origin, target = _relation(one["relTable"]), _relation(one["relForeignTable"])
            seen = origin in relations and target in relations and origin.schema == target.schema
            if seen and one["tag"] == "Relationship" and not _is_upwards(one):
                yield Relationship(origin, target.name)


def _is_upwards(one: Any) -> bool:  # noqa: ANN401 - a part of the document
    """A row's own parent in the same table, which is embedded by the column's name alone."""
    return bool(one["relIsSelf"]) and one["relCardinality"]["tag"] == "M2O"


def _relation(name: Any) -> Relation:  # noqa: ANN401 - a part of the document
    return Relation(name["qiSchema"], name["qiName"])
