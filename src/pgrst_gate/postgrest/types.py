"""PostgreSQL's type names as people, catalogs and OpenAPI documents write them, made comparable."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pgrst_gate.schema import quoted

_ALIASES: Final = {
    "bool": "boolean",
    "bpchar": "character",
    "char": "character",
    "decimal": "numeric",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "serial4": "integer",
    "smallserial": "smallint",
    "bigserial": "bigint",
    "serial8": "bigint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
_OPENAPI: Final = {"int32": ("integer", "smallint"), "int64": ("bigint",)}
"""Formats that stand for more than a type's own name, from 14.8 on (recordings/tables-14.14)."""


_BUILTIN: Final = frozenset(_ALIASES.values()) | {
    "bit",
    "box",
    "bytea",
    "cidr",
    "circle",
    "date",
    "inet",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "oid",
    "path",
    "point",
    "polygon",
    "text",
    "tsquery",
    "tsvector",
    "uuid",
    "xml",
}
"""PostgreSQL's types that columns commonly have."""


def is_builtin(name: str) -> bool:
    """Whether a name, an OpenAPI format too, is that of a type of PostgreSQL's own or its array."""
    return name in _OPENAPI or _plain(name).removesuffix("[]") in _BUILTIN


def same_type(expected: str, seen: str) -> bool:
    """Whether a type a person wrote is the one that was seen.

    Lengths and precisions are not compared: neither the OpenAPI format nor the schema cache shows
    them. A name without a schema matches in any schema. `int32` is shared by integer and smallint,
    which therefore cannot be told apart there.
    """
    wanted = _plain(expected)
    candidates = {_plain(name) for name in _OPENAPI.get(seen, (seen,))}
    if "." not in wanted:
        candidates |= {name.rpartition(".")[2] for name in candidates}
    return wanted in candidates


def of_catalog(schema: str, name: str) -> str:
    """The type of that name in pg_type as `format_type` writes it under an empty search path.

    There an array has its element's name behind a `_`, and PostgreSQL's own types short names.
    """
    array = "[]" if name.startswith("_") else ""
    base = name.removeprefix("_") if array else name
    if schema == "pg_catalog":
        return _ALIASES.get(base, base) + array
    return f"{quoted(schema)}.{quoted(base)}{array}"


@lru_cache(maxsize=1024)  # a schema has many columns and few types
def _plain(name: str) -> str:
    text = re.sub(r"\s*\([^)]*\)", "", name.replace('"', "")).strip().lower()
    base, array = text.removesuffix("[]"), "[]" if text.endswith("[]") else ""
    base = re.sub(r"\s+", " ", base).removeprefix("pg_catalog.")
    return _ALIASES.get(base, base) + array
