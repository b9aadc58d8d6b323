"""Likely renames: nothing but a guess, so they are a note on a removal and an addition."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name")


def likely(removed: Mapping[Name, Hashable], added: Mapping[Name, Hashable]) -> dict[Name, Name]:
    """Old name → new name, where exactly one was removed and one added of the same shape."""
    new = _sole(added)
    return {old: new[shape] for shape, old in _sole(removed).items() if shape in new}


def _sole(shapes: Mapping[Name, Hashable]) -> dict[Hashable, Name]:
    """The shapes that one name alone has."""
    found: dict[Hashable, list[Name]] = {}
    for name, shape in shapes.items():
        found.setdefault(shape, []).append(name)
    return {shape: names[0] for shape, names in found.items() if len(names) == 1}


def notes(renamed: Mapping[Name, Name]) -> dict[Name, str]:
    """What to say of each name, old or new."""
    return {
        name: text
        for old, new in renamed.items()
        for name, text in (
            (old, f"looks like a rename to {new}"),
            (new, f"looks like a rename of {old}"),
        )
    }
