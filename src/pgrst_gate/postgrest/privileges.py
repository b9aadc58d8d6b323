"""What the role of a request may do, told without a write and without a call.

For relations and functions that were seen to be cached. A refusal counts only if PostgreSQL says
that it is one of privileges (42501), or PostgREST that nobody may ask without a token (PGRST302).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pgrst_gate.postgrest import questions
from pgrst_gate.postgrest.access_side import NO_ROOT, NOT_LISTED, in_database, in_use
from pgrst_gate.postgrest.answers import Answer, obstacle, told
from pgrst_gate.postgrest.probes import Probe, Room
from pgrst_gate.postgrest.questions import Write
from pgrst_gate.schema import Function, Relation
from pgrst_gate.verdicts import Facts

_NOT_ALLOWED: Final = "42501"
_WRITTEN_BY_NOBODY: Final = "428C9"
"""A generated column. It is refused before privileges are looked at."""
_NO_ANONYMOUS: Final = "PGRST302"
_NOT_PRODUCED: Final = "PGRST107"
_TOTAL: Final = re.compile(r".*/(\d+)")

COLUMNS_UNSEEN: Final = f"{NO_ROOT}: single columns it may read were not looked for"
NO_PLANS: Final = (
    "this server shows no plans (`db-plan-enabled`), and nothing is written to find out"
)
LISTED_FOR_GATE: Final = "OpenAPI lists it for the gate's own role: the database has it"
LISTED_FOR_NOBODY: Final = "OpenAPI lists it for no role that was asked: it may be gone"
NO_COLUMN: Final = "no column tells: a delete that finds no row needs one that this role may read"


def refuses_strangers(room: Room, schema: str) -> str:
    """The refusal of all requests without a token, as question and answer; empty if there is none.

    Asked for a name that nothing has: the token is looked at first.
    """
    question = questions.read_relation(schema, questions.random_name())
    answer = room.ask(question)
    return told(question, answer) if answer.code == _NO_ANONYMOUS else ""


def may_use(room: Room, own: Room, item: Relation | Function) -> Facts:
    """Whether the role may read the relation, if only in part, or call the function.

    ``own`` asks as the gate itself: what is listed for nobody may just as well have been dropped.
    """
    seen = in_use(room, Probe((item,)), {item: Facts(cached=True)})[item]
    if isinstance(item, Relation):
        unseen = seen.allowed is False and not room.describe(item.schema)
        return replace(seen, note=COLUMNS_UNSEEN) if unseen else seen
    if NOT_LISTED not in seen.told:
        return seen
    if in_database(own, item, Facts()).exists:
        return replace(seen, exists=True, told=(*seen.told, LISTED_FOR_GATE))
    return replace(seen, allowed=None, note=LISTED_FOR_NOBODY)


def rows_seen(room: Room, relation: Relation) -> tuple[int | None, str]:
    """How many rows the role sees, None where it is not told; and the question with its answer."""
    question = questions.count_rows(relation.schema, relation.name)
    answer = room.ask(question)
    found = _TOTAL.fullmatch(answer.headers.get("content-range", ""))
    if not (answer.succeeded and found):
        return None, told(question, answer)
    return int(found[1]), f"{question}: {answer.status}, {found[1]} in all"


def may_write(room: Room, relation: Relation, verb: Write) -> Facts:
    """Whether the role may insert into, update (any column of) or delete from the relation."""
    read = may_use(room, room, relation)
    if read.obstacle or read.exists is not True:  # the schema is closed to it, or nothing is told
        return read if read.allowed is False else replace(read, allowed=None)
    described = room.describe(relation.schema)
    if described is None:
        return replace(read, allowed=None, note=NO_ROOT)
    columns = described.relations.get(relation.name)
    if not columns and read.allowed is False:
        # Shown is what the role has any privilege on at all (recordings/migration-*, all versions).
        return replace(read, told=(*read.told, "OpenAPI shows this role nothing of it"))
    if not (columns and _shows_plans(room, relation)):
        return replace(read, allowed=None, note=NO_PLANS)
    return _explained(room, relation, columns, verb, Facts(cached=True, exists=True))


def _explained(
    room: Room,
    relation: Relation,
    columns: Mapping[str, str],
    verb: Write,
    seen: Facts,
) -> Facts:
    """Column by column until one may be written; refused only if each of them is."""
    codes = set()
    for column in columns:
        question = questions.explain_write(relation.schema, relation.name, column, verb)
        answer = room.ask(question)
        seen = replace(seen, told=(*seen.told, told(question, answer)))
        if answer.succeeded:
            return replace(seen, allowed=_is_plan(answer) or None)
        if blocked := obstacle(answer):
            return replace(seen, obstacle=blocked)
        refused = answer.code == _NOT_ALLOWED
        if verb == "delete" and refused and _readable(room, relation, column):
            return replace(seen, allowed=False)
        codes.add(answer.code)
    if verb == "delete":
        return replace(seen, note=NO_COLUMN)
    each = _NOT_ALLOWED in codes <= {_NOT_ALLOWED, _WRITTEN_BY_NOBODY}
    return replace(seen, allowed=False if each else None)


def _readable(room: Room, relation: Relation, column: str) -> bool:
    """Whether the role may read the column, so that a filter on it is not what was refused."""
    return room.ask(questions.read_columns(relation.schema, relation.name, [column])).succeeded


def _shows_plans(room: Room, relation: Relation) -> bool:
    """Whether the server explains in place of running, and `Accept` gets through to it.

    A role that may not read is refused either way: then one that nobody can produce must be refused
    for that.
    """
    answer = room.ask(questions.explain_read(relation.schema, relation.name))
    if answer.code != _NOT_ALLOWED:
        return answer.succeeded and _is_plan(answer)
    control = questions.plan_relation(relation.schema, relation.name)
    refusal = room.ask(control)
    return refusal.code == _NOT_PRODUCED and control.token in refusal.text("message")


def _is_plan(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").startswith("application/vnd.pgrst.plan")
