"""An expectation as the YAML that `config` takes, for people to start from and to keep."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from pgrst_gate.schema import Column, Expectation, Function, Item, Relation, Relationship, quoted


def as_config(expectation: Expectation) -> str:
    """The inputs that expect the same, every name with its schema.

    What is typed must be usable by the key that asks, so what is not for everybody is to be left
    out by hand.
    """
    present = expectation.present
    inputs = {
        "expected-tables": [str(item) for item in present if isinstance(item, Relation)],
        "expected-columns": _by_relation(present),
        "expected-functions": [str(item) for item in present if isinstance(item, Function)],
        "expected-relationships": [str(item) for item in present if isinstance(item, Relationship)],
        "expected-absent": [_in_a_line(item) for item in expectation.absent],
    }
    given = {name: items for name, items in inputs.items() if items}
    return yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=100)


def _by_relation(items: Iterable[Item]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        if isinstance(item, Column):
            found.setdefault(str(item.relation), []).append(_column(item))
    return found


def _column(item: Column) -> str:
    return f"{quoted(item.name)} {item.type}".rstrip()


def _in_a_line(item: Item) -> str:
    return f"{item.relation}: {_column(item)}" if isinstance(item, Column) else str(item)
