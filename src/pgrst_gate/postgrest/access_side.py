"""Whether this role may use it now, and whether the database has it at all.

Asked after the cache side, by requests that the database answers: reads of no rows, and calls for
no row. Where a call would run the function, the OpenAPI document's list of functions is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pgrst_gate.postgrest import questions
from pgrst_gate.postgrest.answers import Answer, Plan, obstacle, plan, told
from pgrst_gate.postgrest.openapi import Description, Signature
from pgrst_gate.postgrest.probes import Probe, Room
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.schema import ANY_KEYS, Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Cause, Facts

_MISSING_IN_DATABASE: Final = {"42703", "42P01", "42883"}
_NOT_ALLOWED: Final = "42501"
_SEVERAL_FIT: Final = "42725"
_ONLY_READS: Final = {"0A000", "25001", "25006"}
"""A replica refuses all calls that might write, whoever may call: that says nothing of grants."""
_NOT_PLANNED: Final = {Plan.MISSING, Plan.AMBIGUOUS}

OTHER_SCHEMA: Final = "another schema answered: something drops the headers that name the schema"
OTHER_OVERLOAD: Final = "the list of functions shows another overload of this name only"
NOT_LISTED: Final = "OpenAPI does not list it for this role"
NO_ROOT: Final = "the API's root is closed to this key, so its list of functions cannot be read"


def in_use(room: Room, probe: Probe, cached: Mapping[Item, Facts]) -> dict[Item, Facts]:
    """What the cache side found, and whether this role may use the items now."""
    first = probe.items[0]
    if isinstance(first, Function):
        return {first: _callable(room, first, cached[first])}
    seen = _used(room, _read(probe), Facts())
    if isinstance(first, Relation | Relationship) and seen.allowed is False:
        seen = _readable_in_part(room, first, seen) or seen
    both: dict[int, Facts] = {}  # by identity: the columns of a relation mostly share one value
    found: dict[Item, Facts] = {}
    for item in probe.items:
        facts = cached[item]
        if id(facts) not in both:
            both[id(facts)] = _together(facts, seen)
        found[item] = both[id(facts)]
    return found


def _together(facts: Facts, seen: Facts) -> Facts:
    """The facts of the cache side with those of the access side."""
    return replace(
        facts,
        cached=facts.cached if seen.cached is None else seen.cached,
        exists=seen.exists,
        allowed=seen.allowed,
        obstacle=seen.obstacle,
        told=facts.told + seen.told,
        note=facts.note or seen.note,
    )


def _read(probe: Probe) -> Question:
    """A read of no rows that uses all items of the probe, which are no functions."""
    first = probe.items[0]
    if isinstance(first, Column):
        names = [item.name for item in probe.items if isinstance(item, Column)]
        return questions.read_columns(first.schema, first.relation.name, names)
    if isinstance(first, Relationship):
        return questions.read_relationship(first.schema, first.origin.name, first.target)
    return questions.read_relation(first.schema, first.name)


def _readable_in_part(room: Room, item: Relation | Relationship, refused: Facts) -> Facts | None:
    """The item, read by a single column: a role may hold grants on some columns only.

    None when no column that the OpenAPI document shows can be read. It shows all columns of a
    relation on which the role has any privilege, and nothing of the others.
    """
    described = room.describe(item.schema)
    relation = item.name if isinstance(item, Relation) else item.target
    for column in described.relations.get(relation, ()) if described else ():
        if isinstance(item, Relation):
            question = questions.read_columns(item.schema, item.name, [column])
        else:
            origin = item.origin.name
            question = questions.read_relationship(item.schema, origin, item.target, column)
        seen = _used(room, question, Facts(told=refused.told))
        if seen.allowed:
            return replace(seen, note="this role may read some of its columns only")
    return None


def _callable(room: Room, item: Function, facts: Facts) -> Facts:
    names = [argument.name for argument in item.arguments]
    if names and names != [ANY_KEYS] and room.dialect.empty_array_calls_nothing and facts.cached:
        question = questions.call_for_no_row(item.schema, item.name, names)
        answer = room.ask(question)
        seen = _answered(question, answer, facts)
        if answer.code not in _ONLY_READS:
            return seen
        facts = replace(facts, told=seen.told)
    described = room.describe(item.schema)
    if described is None:
        return replace(facts, note=facts.note or NO_ROOT)
    # The list is live and holds what this role may execute (recordings/migration-*: ungranted_fn).
    if item.name not in described.functions:
        seen = replace(facts, told=(*facts.told, NOT_LISTED))
        return replace(seen, allowed=False) if facts.cached else seen
    listed = described.functions[item.name]
    if listed is not None and not _is_of(listed, names):  # it lists one overload of each name
        return replace(facts, note=facts.note or OTHER_OVERLOAD)
    told_too = (*facts.told, "OpenAPI lists it for this role")
    return _in_schema(
        room, replace(facts, exists=True, allowed=True, told=told_too), described, item
    )


def _in_schema(room: Room, facts: Facts, described: Description, item: Function) -> Facts:
    """The facts, unless this role may not use the schema, which the lists do not look at.

    It is asked by a read of any relation in the schema; where there is none, the list is believed.
    """
    for relation in sorted(described.relations)[:1]:
        question = questions.read_relation(item.schema, relation)
        answer = room.ask(question)
        if answer.code == _NOT_ALLOWED and _is_of_schema(answer):
            return replace(facts, allowed=False, told=(*facts.told, told(question, answer)))
    return facts


def _is_of_schema(answer: Answer) -> bool:
    return answer.text("message").startswith("permission denied for schema")


def _is_of(listed: Signature, names: Sequence[str]) -> bool:
    """Whether a call with these names is one of the function that is listed."""
    if names == [ANY_KEYS]:
        return listed.names == {""}
    return listed.takes(frozenset(names))


def _used(room: Room, question: Question, facts: Facts) -> Facts:
    """The facts, with what a request that reaches the database adds to them."""
    return _answered(question, room.ask(question), facts)


def _answered(question: Question, answer: Answer, facts: Facts) -> Facts:
    """The facts, with what the answer to such a request adds to them."""
    seen = replace(facts, told=(*facts.told, told(question, answer)))
    if (
        question.schema
        and answer.headers.get("content-profile", question.schema) != question.schema
    ):
        return replace(seen, obstacle=Cause.NOT_POSTGREST, note=OTHER_SCHEMA)
    if answer.succeeded:
        return replace(seen, exists=True, allowed=True)
    if answer.code == _NOT_ALLOWED:
        # Names are resolved before privileges are checked, but for the schema's own USAGE.
        return replace(seen, exists=None if _is_of_schema(answer) else True, allowed=False)
    if answer.code in _MISSING_IN_DATABASE:
        return replace(seen, exists=False)
    if answer.code == _SEVERAL_FIT:  # overloads that the cache does not hold yet
        return replace(seen, exists=True, ambiguous=True)
    if (planned := plan(question, answer)) in _NOT_PLANNED:
        # swapped since the cache side was asked, or another instance
        return replace(seen, cached=planned is Plan.AMBIGUOUS, ambiguous=planned is Plan.AMBIGUOUS)
    blocked = obstacle(answer)
    by_whom = "the database" if answer.is_sqlstate else "PostgREST"
    refused = "" if blocked else f"{by_whom} refused it with {answer.code}"
    return replace(seen, obstacle=blocked, note=facts.note or refused)


def in_database(room: Room, item: Item, facts: Facts) -> Facts:
    """The facts of an item, and whether the database has it, as far as the API can tell.

    Where reads are planned (13+) nothing but the cache can be asked for a whole relation.
    """
    if isinstance(item, Function):
        return _listed(room, item, facts)
    reads_reach_it = facts.cached or not room.dialect.reads_are_planned
    if isinstance(item, Relationship) or (isinstance(item, Relation) and not reads_reach_it):
        return facts
    seen = _used(room, _read(Probe((item,))), Facts())
    refused = seen.obstacle if seen.obstacle is Cause.UNAUTHORIZED else facts.obstacle
    return replace(facts, exists=seen.exists, obstacle=refused, told=facts.told + seen.told)


def _listed(room: Room, item: Function, facts: Facts) -> Facts:
    described = room.describe_to_any(item.schema)
    if described is None or item.name not in described.functions:
        return facts
    listed = described.functions[item.name]
    names = frozenset(argument.name for argument in item.arguments)
    if listed is None or listed.names == names:
        return replace(
            facts, exists=True, told=(*facts.told, "OpenAPI lists it: the database has it")
        )
    shown = f"{item.name}({', '.join(sorted(listed.names))})"
    seen = (*facts.told, f"OpenAPI lists {shown}: the database has that signature")
    return replace(facts, other_signature=facts.other_signature or shown, told=seen)
