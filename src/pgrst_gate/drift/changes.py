"""The comparison of two surfaces: every difference that a client may notice, judged by a rule.

What one of the two does not show is not compared. Of a schema, relation or function that came or
went nothing else is told: the rest follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pgrst_gate.drift.function_changes import compare_functions
from pgrst_gate.drift.relation_changes import compare_relations, counted
from pgrst_gate.drift.rules import Change, Rule
from pgrst_gate.schema import Relation, Relationship, quoted
from pgrst_gate.surface import Surface


def compare(before: Surface, after: Surface) -> tuple[Change, ...]:
    """What changed from one surface to the other, the worst first and then by name."""
    shared = {*before.schemas} & {*after.schemas}
    whole = before.whole and after.whole
    relations = [
        {one: shape for one, shape in surface.relations.items() if one.schema in shared}
        for surface in (before, after)
    ]
    functions = [
        [one for one in surface.functions if one.schema in shared] for surface in (before, after)
    ]
    found = [
        *_schemas(before, after),
        *compare_relations(relations[0], relations[1], whole=whole),
        *compare_functions(functions[0], functions[1], whole=whole),
        *_relationships(before, after),
    ]
    return tuple(sorted(found, key=lambda one: (one.impact.rank, one.what, one.rule.id)))


def _schemas(before: Surface, after: Surface) -> Iterator[Change]:
    for schema in before.schemas:
        if schema not in after.schemas:
            yield Change(Rule.SCHEMA_REMOVED, quoted(schema), before=_contents(before, schema))
    for schema in after.schemas:
        if schema not in before.schemas:
            yield Change(Rule.SCHEMA_ADDED, quoted(schema), after=_contents(after, schema))
    first = [quoted(surface.schemas[0]) for surface in (before, after) if surface.schemas]
    if len({*first}) > 1:
        yield Change(Rule.DEFAULT_SCHEMA_CHANGED, "default schema", *first)


def _contents(surface: Surface, schema: str) -> str:
    relations = sum(one.schema == schema for one in surface.relations)
    functions = sum(one.schema == schema for one in surface.functions)
    return f"{counted(relations, 'relation')}, {counted(functions, 'function')}"


def _relationships(before: Surface, after: Surface) -> Iterator[Change]:
    if before.relationships is None or after.relationships is None:
        return
    for one in {**before.relationships, **after.relationships}:
        if _stayed(before.relations, one) and _stayed(after.relations, one):
            was, now = before.relationships.get(one, 0), after.relationships.get(one, 0)
            if was != now:
                rule = _rule(was, now)
                yield Change(rule, str(one), _ways(was), _ways(now))


def _stayed(relations: Mapping[Relation, object], one: Relationship) -> bool:
    """Whether both ends are there, so that it did not come or go with one of them."""
    return one.origin in relations and Relation(one.origin.schema, one.target) in relations


def _rule(was: int, now: int) -> Rule:
    if now < was:  # also from two ways to one: a request that names the other way fails
        return Rule.RELATIONSHIP_LOST
    return Rule.RELATIONSHIP_AMBIGUOUS if was == 1 else Rule.RELATIONSHIP_GAINED


def _ways(count: int) -> str:
    return counted(count, "way") if count else ""
