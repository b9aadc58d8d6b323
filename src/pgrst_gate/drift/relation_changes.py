"""How the relations of two surfaces differ: their kinds, columns and grants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pgrst_gate.drift import lines, renames
from pgrst_gate.drift.grant_changes import compare_grants
from pgrst_gate.drift.rules import Change, Rule
from pgrst_gate.drift.type_changes import compared
from pgrst_gate.schema import Column, Relation
from pgrst_gate.surface import ColumnShape, RelationShape

_NO_NULLS_SHOWN: Final = frozenset({"view", "materialized view"})
"""PostgreSQL knows of no column of theirs that it is never null."""
_OVERFLOWS: Final = "JavaScript reads whole numbers exactly up to 2^53 only"
_UNSURE: Final = "unless it is an identity or generated, which the source does not show"

Relations = Mapping[Relation, RelationShape]


def compare_relations(before: Relations, after: Relations, *, whole: bool) -> Iterator[Change]:
    """The changes of relations; of those that came or went, nothing but that."""
    removed = {one: before[one] for one in before if one not in after}
    added = {one: after[one] for one in after if one not in before}
    notes = renames.notes(
        renames.likely(
            {one: frozenset(shape.columns) for one, shape in removed.items()},
            {one: frozenset(shape.columns) for one, shape in added.items()},
        )
    )
    for one, shape in removed.items():
        note = notes.get(one, "")
        yield Change(Rule.RELATION_REMOVED, str(one), before=_described(shape), note=note)
    for one, shape in added.items():
        note = notes.get(one, "")
        yield Change(Rule.RELATION_ADDED, str(one), after=_described(shape), note=note)
    for one in before:
        if one in after and before[one] != after[one]:
            yield from _relation(before[one], after[one], whole=whole)


def _described(shape: RelationShape) -> str:
    return f"{shape.kind or 'relation'} of {counted(len(shape.columns), 'column')}"


def counted(count: int, noun: str) -> str:
    """The number with its noun, in the plural where it needs one."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _relation(before: RelationShape, after: RelationShape, *, whole: bool) -> Iterator[Change]:
    what = str(before.relation)
    if before.kind and after.kind and before.kind != after.kind:
        read_only = after.kind == "materialized view"
        rule = Rule.RELATION_READ_ONLY if read_only else Rule.RELATION_KIND_CHANGED
        yield Change(rule, what, before.kind, after.kind)
    yield from _columns(before, after, whole=whole)
    names = frozenset(one.name for one in after.columns)
    yield from compare_grants(what, before.grants, after.grants, names)


def _columns(before: RelationShape, after: RelationShape, *, whole: bool) -> Iterator[Change]:
    old = {Column(before.relation, one.name): one for one in before.columns}
    new = {Column(before.relation, one.name): one for one in after.columns}
    removed = {one: old[one] for one in old if one not in new}
    added = {one: new[one] for one in new if one not in old}
    notes = renames.notes(
        renames.likely(
            {one: lines.column(shape) for one, shape in removed.items()},
            {one: lines.column(shape) for one, shape in added.items()},
        )
    )
    for one, shape in removed.items():
        note = notes.get(one, "")
        yield Change(Rule.COLUMN_REMOVED, str(one), before=lines.column(shape), note=note)
    for one, shape in added.items():
        yield _added(one, shape, notes.get(one, ""))
    same_kind = (before.kind in _NO_NULLS_SHOWN) is (after.kind in _NO_NULLS_SHOWN)
    for one, shape in old.items():
        if one in new and shape != new[one]:
            yield from _type(str(one), shape.type, new[one].type, whole=whole)
            if same_kind:
                yield from _filling(str(one), shape, new[one])


def _added(one: Column, shape: ColumnShape, note: str) -> Change:
    required = shape.nullable is False and not shape.filled
    if required and shape.filled is None:
        note = "; ".join(filter(None, (note, _UNSURE)))
    rule = Rule.REQUIRED_COLUMN_ADDED if required else Rule.COLUMN_ADDED
    return Change(rule, str(one), after=lines.column(shape), note=note)


def _type(what: str, before: str, after: str, *, whole: bool) -> Iterator[Change]:
    change = compared(before, after, whole=whole)
    if change == "changed":
        yield Change(Rule.COLUMN_TYPE_CHANGED, what, before, after)
    elif change == "widened":
        note = _OVERFLOWS if after.startswith(("bigint", "numeric", "int64")) else ""
        yield Change(Rule.COLUMN_TYPE_WIDENED, what, before, after, note)


def _filling(what: str, before: ColumnShape, after: ColumnShape) -> Iterator[Change]:
    """What changed for those who insert, or meet a null."""
    rule = _rule_of_filling(before, after)
    if rule:
        yield Change(rule, what, _filled(before), _filled(after))


def _rule_of_filling(before: ColumnShape, after: ColumnShape) -> Rule | None:
    if before.nullable is False and after.nullable:
        return Rule.COLUMN_NULLABLE
    if before.required is False and after.required:
        return Rule.COLUMN_REQUIRED
    if before.nullable and after.nullable is False:
        return Rule.COLUMN_NOT_NULL
    if before.required and after.required is False:
        return Rule.COLUMN_OPTIONAL
    if None in {before.filled, after.filled} or before.filled == after.filled:
        return None
    return Rule.COLUMN_DEFAULT_CHANGED


def _filled(shape: ColumnShape) -> str:
    null = {True: "nullable", False: "not null", None: ""}[shape.nullable]
    default = {True: "with a default", False: "without a default", None: ""}[shape.filled]
    return ", ".join(filter(None, (null, default)))
