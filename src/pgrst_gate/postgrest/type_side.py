"""Whether an item has the expected types in the schema cache, where the expectation names any.

The admin server shows all types. Without it the OpenAPI document shows those of columns.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from pgrst_gate.postgrest import admin
from pgrst_gate.postgrest.probes import Room
from pgrst_gate.postgrest.types import is_builtin, same_type
from pgrst_gate.schema import Column, Function, Item
from pgrst_gate.verdicts import Facts

SHARED_FORMAT: Final = "int32"
INT32: Final = "integer and smallint look the same from here"
DOMAIN: Final = "a domain is shown as the type it is made of; its own name needs admin-url"


def with_types(room: Room, shown: admin.Cache | None, item: Item, facts: Facts) -> Facts:
    """The facts, with what is seen of types; `shown` is the admin server's schema cache, if any."""
    if isinstance(item, Column):
        return _with_column_type(room, shown, item, facts)
    if not isinstance(item, Function):
        return facts
    if shown is None:
        note = "types of arguments can be seen only in the admin server's /schema_cache (admin-url)"
        return replace(facts, note=facts.note or note)
    wanted = {argument.name: argument.type for argument in item.arguments}
    overloads = [
        one
        for one in shown.functions.get((item.schema, item.name), ())
        if one.keys() >= wanted.keys()
    ]
    if not overloads:
        told = (*facts.told, "/schema_cache: no function of this name has these arguments")
        return replace(facts, cached=False, told=told)
    fits = any(
        all(not kind or same_type(kind, one[name]) for name, kind in wanted.items())
        for one in overloads
    )
    seen = "; ".join(", ".join(f"{name} {kind}" for name, kind in one.items()) for one in overloads)
    return replace(facts, type_matches=fits, told=(*facts.told, f"/schema_cache: ({seen})"))


def _with_column_type(room: Room, shown: admin.Cache | None, item: Column, facts: Facts) -> Facts:
    if shown is not None:
        key = (item.schema, item.relation.name, item.name)
        return _seen(facts, item.type, tuple(shown.columns.get(key, ())), "/schema_cache")
    described = room.describe_to_any(item.schema)
    columns = described.relations.get(item.relation.name, {}) if described else {}
    names = (columns[item.name],) if item.name in columns else ()
    return _seen(facts, item.type, names, "OpenAPI")


@lru_cache(maxsize=1024)
def _seen(facts: Facts, expected: str, names: tuple[str, ...], source: str) -> Facts:
    """The facts of a column whose type is shown by these names.

    Columns that were asked together share their facts, and types are few: hence the cache.
    """
    seen = " / ".join(dict.fromkeys(names))
    if not seen:
        note = f"{source} does not show its type to this key"
        return replace(facts, note=facts.note or note)
    note = INT32 if seen == SHARED_FORMAT else ""
    matches: bool | None = any(same_type(expected, name) for name in names)
    if not matches and source == "OpenAPI" and not is_builtin(expected) and is_builtin(seen):
        matches, note = None, DOMAIN
    told = (*facts.told, f"{source}: {seen}")
    return replace(facts, type_matches=matches, note=facts.note or note, told=told)
