"""Where expectations come from.

Each module gives items whose schema is empty where none was written; `in_schema` puts them into
the schema that the run settled on.
"""

from __future__ import annotations

from dataclasses import replace

from pgrst_gate.schema import Column, Expectation, Function, Item, Relation, Relationship


def in_schema(expectation: Expectation, schema: str) -> Expectation:
    """The same expectation with the schema filled in where an item names none."""

    def placed(item: Item) -> Item:
        match item:
            case Relation(schema="") | Function(schema=""):
                return replace(item, schema=schema)
            case Column(relation=Relation(schema="") as relation):
                return replace(item, relation=replace(relation, schema=schema))
            case Relationship(origin=Relation(schema="") as origin):
                return replace(item, origin=replace(origin, schema=schema))
            case _:
                return item

    return Expectation(
        tuple(dict.fromkeys(map(placed, expectation.present))),
        tuple(dict.fromkeys(map(placed, expectation.absent))),
    )
