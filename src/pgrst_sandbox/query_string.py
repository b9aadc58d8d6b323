"""The query string: what to select, filter, order and limit, and which columns a body has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote

from pgrst_sandbox.errors import ApiError

_RESERVED: Final = frozenset({"select", "columns", "order", "limit", "offset", "on_conflict"})
OPERATORS: Final = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "like": "LIKE",
    "ilike": "ILIKE",
    "match": "~",
    "imatch": "~*",
    "cs": "@>",
    "cd": "<@",
    "in": "IN",
    "is": "IS",
}
_FIELD: Final = re.compile(
    r'(?:(?P<alias>[^:,()!"]+):(?!:))?(?P<name>"(?:[^"\\]|\\.)*"|[^,()!:"]+)'
    r"(?:::(?P<cast>[a-z0-9_ ]+))?(?P<hints>(?:![^!,()]+)*)"
)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_LISTED: Final = re.compile(rf"{_QUOTED.pattern}|[^,]+")
_FIELD_EXPECTED: Final = "expecting field name (* or [a..z0..9_$])"
_IS_VALUES: Final = frozenset({"null", "not_null", "true", "false", "unknown"})


@dataclass(frozen=True, slots=True)
class Field:
    """A column to select; `*` is all of them."""

    name: str
    alias: str | None = None
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """Related rows to select. `hint` tells relationships apart."""

    target: str
    alias: str | None
    hint: str | None
    inner: bool
    select: tuple["Field | Embed", ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition. `path` leads through embeds to the relation that has the column."""

    path: tuple[str, ...]
    column: str
    operator: str
    value: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an order; `suffix` is SQL: direction and place of nulls."""

    column: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query string. `arguments` are those of a call by GET."""

    select: tuple[Field | Embed, ...] = (Field("*"),)
    filters: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
    columns: tuple[str, ...] | None = None
    arguments: tuple[tuple[str, str], ...] = ()
    canonical: str = field(default="", compare=False)
    """Sorted and encoded, as `Content-Location` shows it."""


@lru_cache(maxsize=1024)
def parse(text: str, *, call: bool) -> Query:
    """Read a query string; for a `call`, parameters that are no filters are its arguments.

    Raises ApiError PGRST100.
    """
    if not text:
        return Query()
    pairs = parse_qsl(text, keep_blank_values=True)
    given = dict(pairs)
    filters: list[Filter] = []
    arguments: list[tuple[str, str]] = []
    for name, value in pairs:
        if name in _RESERVED:
            continue
        if call and not _is_filter(value):
            arguments.append((name, value))
        else:
            filters.append(_filter(name, value))
    return Query(
        select=_select(given["select"]) if "select" in given else (Field("*"),),
        filters=tuple(filters),
        order=_order(given["order"]) if "order" in given else (),
        limit=_count(given, "limit"),
        offset=_count(given, "offset"),
        columns=_columns(given["columns"]) if "columns" in given else None,
        arguments=tuple(arguments),
        canonical="&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(pairs)
        ),
    )


def _problem(what: str, text: str, expected: str, column: int = 1) -> ApiError:
    message = f'"failed to parse {what} ({text})" (line 1, column {column})'
    found = f'unexpected "{text[column - 1]}"' if column <= len(text) else "unexpected end of input"
    return ApiError(400, "PGRST100", message, f"{found} {expected}")


def _columns(text: str) -> tuple[str, ...]:
    names = tuple(_unquote(name) for name in _LISTED.findall(text))
    if not names:
        raise _problem("columns parameter", text, _FIELD_EXPECTED)
    return names


def _unquote(name: str) -> str:
    if _QUOTED.fullmatch(name):
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name.strip()


def _select(text: str) -> tuple[Field | Embed, ...]:
    if not text:
        return ()
    items, end = _select_items(text, 0)
    if end < len(text):
        raise _problem("select parameter", text, _FIELD_EXPECTED, end + 1)
    return items


def _select_items(text: str, start: int) -> tuple[tuple[Field | Embed, ...], int]:
    """The items from `start` on, up to the end or a closing parenthesis, and where that is."""
    items: list[Field | Embed] = []
    if text.startswith(")", start):
        return (), start
    while True:
        item, start = _select_item(text, start)
        items.append(item)
        if not text.startswith(",", start):
            return tuple(items), start
        start += 1


def _select_item(text: str, start: int) -> tuple[Field | Embed, int]:
    match = _FIELD.match(text, start)
    if match is None:
        raise _problem("select parameter", text, _FIELD_EXPECTED, start + 1)
    name, alias, end = _unquote(match["name"]), match["alias"], match.end()
    if not text.startswith("(", end):
        return Field(name, alias, match["cast"]), end
    hints = match["hints"].split("!")[1:]
    children, end = _select_items(text, end + 1)
    if not text.startswith(")", end):
        raise _problem("select parameter", text, 'expecting ")"', end + 1)
    hint = next((hint for hint in hints if hint not in {"inner", "left"}), None)
    return Embed(name, alias, hint, "inner" in hints, children), end + 1


def _is_filter(value: str) -> bool:
    return value.removeprefix("not.").partition(".")[0] in OPERATORS and "." in value


def _filter(name: str, value: str) -> Filter:
    if not _is_filter(value):
        raise _problem("filter", value, 'expecting "not" or operator (eq, gt, ...)')
    *path, column = name.split(".") if not name.startswith('"') else [_unquote(name)]
    negated = value.startswith("not.")
    operator, _, operand = value.removeprefix("not.").partition(".")
    if operator == "is" and operand.lower() not in _IS_VALUES:
        raise _problem("filter", value, "expecting isVal: (null, not_null, true, false, unknown)")
    return Filter(tuple(path), column, operator, operand, negated)


def _order(text: str) -> tuple[Order, ...]:
    terms: list[Order] = []
    for term in text.split(","):
        column, *options = term.split(".")
        suffix = ""
        for option in options:
            if option in {"asc", "desc"}:
                suffix += f" {option.upper()}"
            elif option in {"nullsfirst", "nullslast"}:
                suffix += f" NULLS {option.removeprefix('nulls').upper()}"
            else:
                raise _problem("order", text, "expecting asc, desc, nullsfirst or nullslast")
        terms.append(Order(_unquote(column), suffix))
    return tuple(terms)


def _count(given: dict[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None or not text.isdecimal():
        return None
    return int(text)


def in_list(operand: str) -> Sequence[str]:
    """The members of `(a,b,"c,d")`."""
    inside = operand.removeprefix("(").removesuffix(")")
    return [_unquote(member) for member in _LISTED.findall(inside)]
