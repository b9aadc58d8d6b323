"""What a reading of migrations gives: items, each with the line that made it or took it away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pgrst_gate.schema import Item


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a migration file; ``path`` as the folder was given."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Unreadable:
    """A statement whose effect cannot be known without running it, and why not."""

    place: Place
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


@dataclass(frozen=True, slots=True)
class Reading:
    """The net effect of the new migrations on the API. Schema names are filled in."""

    present: Mapping[Item, Place]
    """What is there after them and was not known to be there, just so, before."""
    absent: Mapping[Item, Place]
    """What they dropped or renamed away. Where a relation is gone its columns are not listed."""
    unreadable: tuple[Unreadable, ...]
    """What of the new files is not in the two above, in the order of the files."""
    files: tuple[Path, ...]
    """The new files, in the order in which they were read."""
