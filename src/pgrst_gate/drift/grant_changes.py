"""Grants that were lost or gained: who may no longer do what he did, or may do more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from pgrst_gate.drift.rules import Change, Rule
from pgrst_gate.schema import quoted
from pgrst_gate.surface import Grants

_EVERYBODY: Final = "public"
_PRIVILEGE: Final = re.compile(r"(?P<name>[^(]*?)\s*(?:\((?P<columns>.*)\))?", re.DOTALL)
_COLUMN: Final = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')

_ALL: Final = ""
"""In place of a column: a privilege on the whole."""


def compare_grants(
    what: str, before: Grants | None, after: Grants | None, columns: AbstractSet[str] = frozenset()
) -> Iterator[Change]:
    """The changes of the grants on a relation or function, the ``columns`` that it has by now.

    What everybody may is no loss or gain of a single role, and what everybody lost is told once.
    """
    if before is None or after is None or before == after:
        return
    told = set[tuple[Rule, str, str]]()
    for role in sorted({*before, *after}, key=lambda role: (role != _EVERYBODY, role)):
        had, has = _effective(before, role), _effective(after, role)
        for rule, parts in (
            (Rule.GRANT_LOST, _minus(had, has, columns)),
            (Rule.GRANT_GAINED, _minus(has, had, columns)),
        ):
            new = {part for part in parts if (rule, *part) not in told}
            yield from _changes(rule, new, what, role)
            if role == _EVERYBODY:
                told |= {(rule, *part) for part in new}


def _changes(
    rule: Rule, parts: AbstractSet[tuple[str, str]], what: str, role: str
) -> Iterator[Change]:
    by_privilege: dict[str, list[str]] = {}
    for privilege, column in sorted(parts):
        by_privilege.setdefault(privilege, []).append(column)
    for privilege, columns in by_privilege.items():
        named = "" if columns == [_ALL] else f" ({', '.join(map(quoted, columns))})"
        has, has_not = f"{privilege}{named}", "no grant"
        shown = (has, has_not) if rule is Rule.GRANT_LOST else (has_not, has)
        yield Change(rule, f"{privilege}{named} on {what} to {quoted(role)}", *shown)


def _effective(grants: Grants, role: str) -> frozenset[tuple[str, str]]:
    """(privilege, column) for all that a role may do, by itself or as one of everybody."""
    granted = grants.get(role, frozenset()) | grants.get(_EVERYBODY, frozenset())
    return frozenset(part for one in granted for part in _parts(one))


def _parts(privilege: str) -> Iterator[tuple[str, str]]:
    found = _PRIVILEGE.fullmatch(privilege)
    if not found or found["columns"] is None:
        yield privilege, _ALL
        return
    for name in _COLUMN.finditer(found["columns"]):
        yield found["name"], (name[1] or "").replace('""', '"') or name[2]


def _minus(
    some: frozenset[tuple[str, str]], others: frozenset[tuple[str, str]], columns: AbstractSet[str]
) -> set[tuple[str, str]]:
    """What others lack of some. A privilege on the whole is one on each column that there is."""
    left = set[tuple[str, str]]()
    for privilege, column in some:
        if (privilege, _ALL) in others or (privilege, column) in others:
            continue
        named = {name for held, name in others if held == privilege}
        if column == _ALL and named:
            left |= {(privilege, name) for name in columns - named}
        elif column == _ALL or column in columns:
            left.add((privilege, column))
    return left
