"""What is asked together, and what may be used and believed in asking.

A probe looks at one of three sides: the *cache* side asks what PostgREST has loaded (`cache_side`),
the *access* side whether this role may use it now, and the *database* side whether the database has
it at all (`access_side`). None writes a row, runs a function or fires a trigger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.openapi import Description
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.postgrest.versions import Dialect
from pgrst_gate.schema import Column, Item, Relation


@dataclass(frozen=True, slots=True)
class Room:
    """What the probes may use to ask, and what they may believe."""

    dialect: Dialect
    ask: Callable[[Question], Answer] = field(repr=False)
    describe: Callable[[str], Description | None] = field(repr=False)
    """The OpenAPI document of a schema, read at most once a round."""
    options_of_relations: bool = True
    """`OPTIONS` refuses a random relation. A gateway may answer it for any path."""
    options_of_functions: bool = True
    """`OPTIONS` refuses a random function."""
    described_elsewhere: Callable[[str], Description | None] = field(
        default=lambda _: None, repr=False
    )
    """The same document as another role is shown it."""

    def describe_to_any(self, schema: str) -> Description | None:
        """The document, also where this role is shown none: for what is the same for all roles.

        That is what there is, and of which type; never what this role may use.
        """
        return self.describe(schema) or self.described_elsewhere(schema)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one series of questions can tell about: columns of one relation, or one item."""

    items: tuple[Item, ...]


def probes_of(items: Sequence[Item]) -> tuple[Probe, ...]:
    """The items, with the columns of each relation put together in one probe."""
    columns: dict[Relation, list[Item]] = {}
    for item in items:
        if isinstance(item, Column):
            columns.setdefault(item.relation, []).append(item)
    grouped = (Probe(tuple(group)) for group in columns.values())
    return (*grouped, *(Probe((item,)) for item in items if not isinstance(item, Column)))
