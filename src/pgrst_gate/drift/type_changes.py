"""Whether every value of one type is a value of another, and looks alike in JSON.

That is what clients notice: of a column they read and write values, to a function they hand them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from pgrst_gate.postgrest.types import is_builtin, same_type

TypeChange = Literal["same", "widened", "changed"]

_TYPE: Final = re.compile(
    r'(?P<base>(?:"(?:[^"]|"")*"|[^"(\[])*)(?:\((?P<sizes>[-\d, ]+)\))?'
    r'(?P<rest>[^"\[]*)(?P<array>\[\])?',
    re.DOTALL,
)
_OPENAPI: Final = {"int32": "integer", "int64": "bigint"}
_WIDER: Final = {
    "smallint": {"integer", "bigint", "numeric", "real", "double precision"},
    "integer": {"bigint", "numeric", "double precision"},
    "bigint": {"numeric"},
    "real": {"double precision"},
    "character": {"character varying", "text"},
    "character varying": {"text"},
    "text": {"character varying"},
    "json": {"jsonb"},
    "cidr": {"inet"},
}
"""To which types each goes without losing anything, lengths apart. JSON shows all of them alike."""
_DIGITS: Final = {"smallint": 5, "integer": 10, "bigint": 19}
_PRECISION: Final = 6
"""Digits of a second that times have unless fewer are asked for (PostgreSQL, Date/Time Types)."""


@dataclass(frozen=True, slots=True)
class _Type:
    base: str
    sizes: tuple[int, ...]
    array: bool

    @property
    def room(self) -> tuple[float, ...]:
        """How much fits in, number by number; empty for types that sizes do not order."""
        if self.base in _DIGITS:
            return (_DIGITS[self.base], 0)
        if self.base == "numeric":
            digits, scale = (*self.sizes, 0)[:2] if self.sizes else (math.inf, 0)
            return (digits - scale, scale if self.sizes else math.inf)
        if self.base in {"character", "character varying", "text", "bit varying"}:
            return self.sizes or (math.inf,)
        if self.base.startswith("time"):
            return self.sizes or (_PRECISION,)
        return ()


def compared(before: str, after: str, *, whole: bool) -> TypeChange:
    """What became of a type; ``whole`` if both surfaces are.

    Where they are not, a difference that may lie in what is not shown is none.
    """
    if before == after or (not whole and _may_be_one(before, after)):
        return "same"
    return "widened" if _fits(_read(before), _read(after)) else "changed"


def _may_be_one(one: str, other: str) -> bool:
    if is_builtin(one) != is_builtin(other):  # a domain, and what it is made of
        return True
    return same_type(one, other) or same_type(other, one)


def _fits(before: _Type, after: _Type) -> bool:
    if before.array != after.array:
        return False
    if after.base != before.base and after.base not in _WIDER.get(before.base, ()):
        return False
    if before.room and after.room:
        return all(old <= new for old, new in zip(before.room, after.room, strict=True))
    return before.sizes == after.sizes or not after.sizes


def _read(name: str) -> _Type:
    found = _TYPE.fullmatch(name)
    if not found:
        return _Type(name, (), array=False)
    base = found["base"].strip() + found["rest"].rstrip()
    sizes = tuple(map(int, found["sizes"].split(","))) if found["sizes"] else ()
    return _Type(_OPENAPI.get(base, base), sizes, array=bool(found["array"]))
