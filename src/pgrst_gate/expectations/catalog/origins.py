"""Which columns of tables a view passes on, as PostgREST finds them: in the view's stored rule.

A view is a rewrite rule, a query tree in PostgreSQL's own notation: `{TYPE :field value ...}` with
lists in parentheses. Each entry of the outermost target list names the table and the column that it
passes on unchanged (`:resorigtbl`, `:resorigcol`), or 0 for an expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Origin = tuple[int, str]
"""(oid of a table, name of a column of it)."""

_PART: Final = re.compile(r"(?:\\.|[^\s(){}\\])+|[(){}]", re.DOTALL)
# A rule is `({QUERY ... :targetList ({TARGETENTRY ...} ...) ...})`: how deep in brackets each lies.
_QUERY: Final = 2
_LIST: Final = 3
_FIELDS: Final = {":resno", ":resorigtbl", ":resorigcol"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A view's stored rule, and its columns by their numbers."""

    action: str
    columns: Mapping[int, str]


def origins(
    rules: Mapping[int, Rule], tables: Mapping[int, Mapping[int, str]]
) -> dict[int, dict[Origin, str]]:
    """For each view, by oid: the columns of these tables that it passes on → its name for them.

    ``tables`` are columns by oid and number. Views of views are followed down to the tables.
    """
    entries = {oid: _entries(rule.action) for oid, rule in rules.items()}

    def origin(relation: int, number: int) -> Origin | None:
        passed: set[int] = set()
        while relation in entries and relation not in passed:
            passed.add(relation)
            relation, number = entries[relation].get(number, (0, 0))
        name = tables.get(relation, {}).get(number)
        return (relation, name) if name is not None else None

    found: dict[int, dict[Origin, str]] = {}
    for oid, rule in rules.items():
        found[oid] = {}
        for number, name in sorted(rule.columns.items()):
            if number in entries[oid] and (seen := origin(oid, number)):
                found[oid].setdefault(seen, name)
    return found


def _entries(action: str) -> dict[int, tuple[int, int]]:
    """(relation, column number) by the view's own column number.

    Queries within it, in the range table or in expressions, have target lists too, but lie deeper.
    """
    found: dict[int, tuple[int, int]] = {}
    entry: dict[str, int] = {}
    depth, field, inside = 0, "", False
    for part in _PART.findall(action):
        if part in "({":
            depth += 1
        elif part in ")}":
            depth -= 1
            if inside and depth == _LIST and entry[":resorigtbl"]:
                found[entry[":resno"]] = (entry[":resorigtbl"], entry[":resorigcol"])
            if inside and depth == _QUERY:
                break
        elif part.startswith(":"):
            field = part
            inside = inside or (depth == _QUERY and part == ":targetList")
        elif inside and depth == _LIST + 1 and field in _FIELDS:
            entry[field] = int(part)
    return found
