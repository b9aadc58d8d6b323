"""Where the columns of views come from, read from their stored query trees.

PostgreSQL keeps a view as a rewrite rule. In its text each entry of the target list names the table
and column that it passes on unchanged (`:resorigtbl`, `:resorigcol`), or 0 for an expression.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Origin = tuple[int, str]
"""(oid of a table, name of a column of it)."""

_TOKEN: Final = re.compile(r"\\.|[{}()]|:targetList |:(resno|resorigtbl|resorigcol) (\d+)")

# A rule is `({QUERY ... :targetList ({TARGETENTRY ...} ...) ...})`: how deep in brackets each lies.
_QUERY_DEPTH: Final = 2
_LIST_DEPTH: Final = 3
_ENTRY_DEPTH: Final = 4


@dataclass(frozen=True, slots=True)
class View:
    """A view, and for each column of a table that it passes on its own names for it."""

    exposed: Mapping[Origin, tuple[str, ...]]

    def names_of(self, table: int, columns: Sequence[str]) -> tuple[str, ...] | None:
        """The view's names for these columns of a table; None unless it has all of them."""
        found = [self.exposed.get((table, column), ()) for column in columns]
        return tuple(names[0] for names in found) if all(found) else None

    def primary_key(self, keys: Mapping[int, Sequence[str]]) -> list[str]:
        """The names of all primary keys (by table) that the view has completely."""
        tables = {table for table, _ in self.exposed}
        found = (self.names_of(table, keys[table]) for table in tables if table in keys)
        return [name for names in found if names for name in names]


def origins(rows: Iterable[Any], attributes: Mapping[int, Mapping[int, str]]) -> dict[int, View]:
    """Views by oid. `rows` are (oid, rule text, [(column number, column name)]).

    `attributes` has the columns of the tables with keys, by oid and number; columns of other tables
    are left out. Views over views are followed to the tables.
    """
    named = {oid: dict(columns) for oid, _, columns in rows}
    direct = {oid: _target_list(rule) for oid, rule, _ in rows}

    def table_column(table: int, number: int, seen: frozenset[int]) -> Origin | None:
        if table in direct and table not in seen:
            inner = direct[table].get(number)
            return table_column(*inner, seen | {table}) if inner else None
        name = attributes.get(table, {}).get(number)
        return (table, name) if name else None

    views: dict[int, View] = {}
    for oid, entries in direct.items():
        exposed: dict[Origin, tuple[str, ...]] = {}
        for number, (table, column) in sorted(entries.items()):
            origin = table_column(table, column, frozenset({oid}))
            if origin is not None and number in named[oid]:
                exposed[origin] = (*exposed.get(origin, ()), named[oid][number])
        views[oid] = View(exposed)
    return views


def _target_list(rule: str) -> dict[int, tuple[int, int]]:
    """(table, column) by column number of the view, of the outermost target list."""
    entries: dict[int, tuple[int, int]] = {}
    fields: dict[str, int] = {}
    depth, inside = 0, False
    for token in _TOKEN.finditer(rule):
        text = token.group()
        if text in "{(":
            depth += 1
        elif text in "})":
            depth -= 1
            if inside and depth == _QUERY_DEPTH:
                break
            if inside and depth == _LIST_DEPTH:
                if fields["resorigtbl"]:
                    entries[fields["resno"]] = (fields["resorigtbl"], fields["resorigcol"])
                fields = {}
        elif text == ":targetList ":
            inside = inside or depth == _QUERY_DEPTH
        elif token.group(1) and inside and depth == _ENTRY_DEPTH:
            fields[token.group(1)] = int(token.group(2))
    return entries
