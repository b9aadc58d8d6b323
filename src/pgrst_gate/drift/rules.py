"""The rules by which a change is judged for the clients of an API, and the change as a value.

Each rule has one impact, and its reason in docs/drift.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

FailOn = Literal["breaking", "any", "none"]
"""The least change that closes the gate."""


class Impact(Enum):
    """What a change does to clients that work now, the worst first."""

    BREAKING = "breaking"
    """Some request that is answered well now will fail, or be answered otherwise."""
    ADDITIVE = "additive"
    """Every request goes on as it is, and more can be asked."""
    NEUTRAL = "neutral"
    """No request is any different."""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return [*Impact].index(self)


class Rule(Enum):
    """The kinds of change: the id of each, and what it does to clients."""

    SCHEMA_REMOVED = "schema-removed", Impact.BREAKING
    DEFAULT_SCHEMA_CHANGED = "default-schema-changed", Impact.BREAKING
    RELATION_REMOVED = "relation-removed", Impact.BREAKING
    RELATION_READ_ONLY = "relation-read-only", Impact.BREAKING
    COLUMN_REMOVED = "column-removed", Impact.BREAKING
    REQUIRED_COLUMN_ADDED = "required-column-added", Impact.BREAKING
    COLUMN_TYPE_CHANGED = "column-type-changed", Impact.BREAKING
    COLUMN_REQUIRED = "column-required", Impact.BREAKING
    COLUMN_NOT_NULL = "column-not-null", Impact.BREAKING
    COLUMN_NULLABLE = "column-nullable", Impact.BREAKING
    FUNCTION_REMOVED = "function-removed", Impact.BREAKING
    FUNCTION_AMBIGUOUS = "function-ambiguous", Impact.BREAKING
    ARGUMENT_REMOVED = "argument-removed", Impact.BREAKING
    REQUIRED_ARGUMENT_ADDED = "required-argument-added", Impact.BREAKING
    ARGUMENT_REQUIRED = "argument-required", Impact.BREAKING
    ARGUMENT_TYPE_CHANGED = "argument-type-changed", Impact.BREAKING
    ARGUMENT_VARIADIC_CHANGED = "argument-variadic-changed", Impact.BREAKING
    RETURN_TYPE_CHANGED = "return-type-changed", Impact.BREAKING
    GRANT_LOST = "grant-lost", Impact.BREAKING
    RELATIONSHIP_LOST = "relationship-lost", Impact.BREAKING
    RELATIONSHIP_AMBIGUOUS = "relationship-ambiguous", Impact.BREAKING

    SCHEMA_ADDED = "schema-added", Impact.ADDITIVE
    RELATION_ADDED = "relation-added", Impact.ADDITIVE
    COLUMN_ADDED = "column-added", Impact.ADDITIVE
    COLUMN_TYPE_WIDENED = "column-type-widened", Impact.ADDITIVE
    COLUMN_OPTIONAL = "column-optional", Impact.ADDITIVE
    FUNCTION_ADDED = "function-added", Impact.ADDITIVE
    ARGUMENT_ADDED = "argument-added", Impact.ADDITIVE
    ARGUMENT_OPTIONAL = "argument-optional", Impact.ADDITIVE
    ARGUMENT_TYPE_WIDENED = "argument-type-widened", Impact.ADDITIVE
    GRANT_GAINED = "grant-gained", Impact.ADDITIVE
    RELATIONSHIP_GAINED = "relationship-gained", Impact.ADDITIVE

    RELATION_KIND_CHANGED = "relation-kind-changed", Impact.NEUTRAL
    COLUMN_DEFAULT_CHANGED = "column-default-changed", Impact.NEUTRAL

    def __init__(self, id_: str, impact: Impact) -> None:
        self.id: Final = id_
        self.impact: Final = impact


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two surfaces."""

    rule: Rule
    what: str
    """The item as text: `public.scans.note`, `select on public.scans to anon`."""
    before: str = ""
    """How it was, in few words; empty for what is new."""
    after: str = ""
    """How it is now; empty for what is gone."""
    note: str = ""
    """What else a reader should know, as a clause; often empty."""

    @property
    def impact(self) -> Impact:
        return self.rule.impact

    @property
    def subject(self) -> str:
        """What an allow-list names: `column-removed public.scans.note`."""
        return f"{self.rule.id} {self.what}"
