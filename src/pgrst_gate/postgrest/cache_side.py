"""Whether the schema cache has it. The proofs, for each kind of item and each version line.

- Relation: a read that is planned only (13+), `OPTIONS` (10 to 12: there a read is answered by the
  database and proves nothing).
- Columns: an insert of nothing that is planned only (12+). Never `select=`, which every version
  hands to the database. On 11 the same insert would fire statement triggers, so the OpenAPI
  document is read there; on 10 nothing hides a column.
- Function: a call with all its argument names that is planned only (12+), a call for no row (11),
  `OPTIONS` without arguments (all); on 10 no safe question exists.
- Relationship: an embedding read (all).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from pgrst_gate.errors import NotObserved
from pgrst_gate.postgrest import questions
from pgrst_gate.postgrest.answers import BY_LEVER, Answer, Plan, obstacle, plan, told
from pgrst_gate.postgrest.probes import Probe, Room
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.schema import ANY_KEYS, Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Cause, Facts

KEPT: Final = "an answer to another question: something between here and PostgREST keeps answers"


def ensure_stopped(room: Room, items: Iterable[Item]) -> None:
    """Ask by reads, until one is seen to be stopped before it runs: then writes and calls are, too.

    Raises `NotObserved` when one is carried out: then something drops both levers on the way.
    """
    for relation in dict.fromkeys(map(_relation_of, items)):
        if relation is None:
            continue
        if _planned(room, questions.plan_relation(relation.schema, relation.name)).cached:
            return


def _relation_of(item: Item) -> Relation | None:
    match item:
        case Relation():
            return item
        case Column(relation=relation) | Relationship(origin=relation):
            return relation
        case Function():
            return None


def in_cache(room: Room, probe: Probe) -> dict[Item, Facts]:
    """Whether the schema cache has the items. One red column makes its whole probe red."""
    first = probe.items[0]
    match first:
        case Relation():
            return {first: _cached_relation(room, first)}
        case Column():
            columns = [item for item in probe.items if isinstance(item, Column)]
            return _cached_columns(room, first.relation, columns)
        case Function():
            return {first: _cached_function(room, first)}
        case Relationship():
            return {first: _cached_relationship(room, first)}


def _cached_relation(room: Room, item: Relation) -> Facts:
    if room.dialect.reads_are_planned:
        return _planned(room, questions.plan_relation(item.schema, item.name))
    if room.options_of_relations:
        return _planned(room, questions.options_relation(item.schema, item.name))
    described = room.describe(item.schema)
    listed = described is not None and item.name in described.relations
    seen = (f"OpenAPI lists it: {listed}",)
    if listed or described is None:
        return Facts(cached=True if listed else None, told=seen)
    # What the role may read is listed if it is cached: partitions never are, and yet can be read.
    question = questions.read_relation(item.schema, item.name)
    answer = room.ask(question)
    cached = False if answer.succeeded else None
    return Facts(cached=cached, obstacle=obstacle(answer), told=(*seen, told(question, answer)))


def _cached_columns(room: Room, relation: Relation, items: list[Column]) -> dict[Item, Facts]:
    if room.dialect.plan_only:
        question = questions.plan_columns(
            relation.schema, relation.name, [item.name for item in items]
        )
        return dict.fromkeys(items, _planned(room, question))
    described = room.describe(relation.schema)
    properties = described.relations.get(relation.name) if described else None
    if properties is None and room.dialect.columns_are_planned:
        whole = _cached_relation(room, relation)  # not cached, or not for this role?
        if whole.cached is False:
            return dict.fromkeys(items, whole)
    return {item: _described_column(room, item, properties) for item in items}


def _described_column(room: Room, item: Column, properties: Mapping[str, str] | None) -> Facts:
    hidden = room.dialect.columns_are_planned
    listed = None if properties is None else item.name in properties
    seen = "says nothing of the relation" if listed is None else f"lists the column: {listed}"
    if listed or hidden:
        return Facts(cached=listed, hidden_when_stale=hidden, told=(f"OpenAPI {seen}",))
    note = "on PostgREST 10 a stale cache does not hide a column; the cache itself is not proven"
    return Facts(hidden_when_stale=False, told=(f"OpenAPI {seen}",), note=note)


def _cached_function(room: Room, item: Function) -> Facts:
    names = [argument.name for argument in item.arguments]
    if not names:
        return _cached_without_arguments(room, item)
    if names == [ANY_KEYS]:
        return _takes_any_keys(room, item) if room.dialect.plan_only else _untold_function(room)
    if not room.dialect.plan_only:
        return _called_for_no_row(room, item, names)
    found = _planned(room, questions.plan_function(item.schema, item.name, names))
    if not found.cached or found.ambiguous:
        return found
    note = "a function of this name takes any keys, so names prove nothing"
    return _unless_any_keys(room, item, found, note)


def _cached_without_arguments(room: Room, item: Function) -> Facts:
    if room.options_of_functions:
        found = _planned(room, questions.options_function(item.schema, item.name))
        if found.cached or not room.dialect.plan_only:
            return found
    elif not room.dialect.plan_only:
        return _untold_function(room)
    else:
        found = _planned(room, questions.plan_function(item.schema, item.name, ()))
        if not found.cached:
            return found
    note = f"the cache has a {item.name}(*) that takes any keys; expect that if it is meant"
    return _unless_any_keys(room, item, found, note)


def _called_for_no_row(room: Room, item: Function, names: list[str]) -> Facts:
    """Cached if the call is accepted.

    An overload that takes any keys would run (recordings/functions-11.2.2: single_json), so each
    that might is ruled out first; OpenAPI cannot tell, for it lists one overload of each name. One
    with a single named json argument runs without a body where that has a default, so nothing may
    be callable without arguments; and a random argument must be refused.
    """
    if not room.dialect.empty_array_calls_nothing:
        return _untold_function(room)
    for control in (
        questions.options_function(item.schema, item.name),
        questions.call_that_cannot_run(item.schema, item.name, questions.random_name()),
    ):
        answer = room.ask(control)
        if plan(control, answer) is not Plan.MISSING:
            found = _untold_function(room)
            return replace(found, obstacle=obstacle(answer), told=(told(control, answer),))
    return _planned(room, questions.call_for_no_row(item.schema, item.name, names))


def _unless_any_keys(room: Room, item: Function, found: Facts, note: str) -> Facts:
    """What was found, where no function of that name takes any keys; else the note.

    A control without an answer rules nothing out.
    """
    control = _takes_any_keys(room, item)
    if control.cached is False:
        return found
    told_of_both = found.told + control.told
    seen = replace(found, cached=None, obstacle=control.obstacle, told=told_of_both)
    return replace(seen, note=note) if control.cached else seen


def _takes_any_keys(room: Room, item: Function) -> Facts:
    """Whether a random argument name is accepted: then one unnamed parameter takes any keys."""
    question = questions.plan_function(item.schema, item.name, [questions.random_name()])
    return _planned(room, question)


def _untold_function(room: Room) -> Facts:
    note = f"PostgREST {room.dialect.line} cannot be asked for this function without running it"
    return Facts(note=note)


def _cached_relationship(room: Room, item: Relationship) -> Facts:
    make = questions.plan_relationship if room.dialect.plan_only else questions.read_relationship
    return _planned(room, make(item.schema, item.origin.name, item.target))


def _planned(room: Room, question: Question) -> Facts:
    answer = room.ask(question)
    seen = (told(question, answer),)
    blocked = obstacle(answer)
    if question.token and (answer.succeeded or (answer.is_sqlstate and not blocked)):
        raise NotObserved(
            f"a request that must be refused before it runs was carried out: {seen[0]}",
            hint="something between here and PostgREST drops the headers Prefer and Accept, so"
            " nothing can be asked without a side effect: use the address of PostgREST itself",
            cause=Cause.NOT_POSTGREST,
        )
    match plan(question, answer):
        case Plan.PASSED:
            return Facts(cached=True, told=seen)
        case Plan.AMBIGUOUS:
            return Facts(cached=True, ambiguous=True, told=seen)
        case Plan.MISSING:
            return Facts(cached=False, other_signature=_hinted(question, answer), told=seen)
        case Plan.UNTOLD:
            kept = KEPT if question.token and answer.code in BY_LEVER else ""
            return Facts(obstacle=blocked, told=seen, note=kept)


def _hinted(question: Question, answer: Answer) -> str:
    """The other signature of the same function that a PGRST202 names in its hint; empty if none."""
    asked = unquote(question.target.partition("?")[0].removeprefix("/rpc/"))
    before, named, arguments = answer.text("hint").partition(f"{asked}(")
    return f"{named}{arguments}" if before.endswith((".", " ")) else ""
