"""What is right to say of an item, by PostgREST's rules and not by the gate's.

The rule, per item that must be present. *Cached* is what the server's own cache holds, *there* what
the database has now, *granted* what the role may do with it now.

    no cache at all                  reload-failing, reloading or unreachable
    schema not exposed               not-exposed
    several fit these names          ambiguous
    cached, there, granted           served, or type-drift where a type is named and it is another
    cached, there, not granted       not-granted
    cached, not there                stale: dropped, renamed or retyped, and not reloaded
    not cached, there                stale
    not cached, not there            not-applied; wrong-signature where another overload is there

On PostgREST 10 a column need not be cached: reads and writes are handed to the database. On 11
nothing shows the cached columns of a relation that was dropped: it may be stale or not applied.
An item that must be absent is gone when no client can use it: it is not cached, and what the
database has of it cannot be reached by a plain read either. Otherwise it is still-served.

Embedded rows that row-level security hides from all are left out by the planner, and then nobody
asks for grants on them (PostgreSQL 18): served or not-granted.

Without the admin server, from 14.8 on, the only place that shows a column's type has one word for
integer and smallint; the gate says so in a note, and either verdict is right.

Where HTTP cannot tell two causes apart and no load was seen that began after the last change, both
are right (`_NOT_SEEN`). What nothing safe can tell at all the gate may call unproven; that is for
the tally to count, not for this rule.
"""

from dataclasses import dataclass
from typing import Final, assert_never

from campaign.state import (
    ALL_IS_PLANNED,
    COLUMNS_ARE_PLANNED,
    READS_ARE_PLANNED,
    State,
    fitting,
    is_cached,
    is_only_shown,
    is_reachable,
    name_of,
    ways,
)
from campaign.surface import Name
from pgrst_gate.schema import ANY_KEYS, Column, Function, Item, Relation, Relationship

_INT32: Final = frozenset({"integer", "smallint"})
_NO_CACHE: Final = frozenset({"reload-failing", "reloading", "unreachable"})
_NOT_SEEN: Final = frozenset({"stale", "not-applied"})
"""Neither cached nor there, or there and never cached; told apart only by a load that was seen."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is right: `as_expected`, or else one of the causes."""

    as_expected: bool
    causes: frozenset[str]


def truth(item: Item, state: State, *, expected_present: bool) -> Truth:
    """What is right to say of the item now."""
    if state.cached is None:
        return Truth(as_expected=False, causes=_NO_CACHE)
    if item.schema not in state.exposed:
        return _not("not-exposed")
    if not expected_present:
        reachable = is_cached(item, state) or is_reachable(item, state)
        if reachable and is_only_shown(item, state):
            return Truth(as_expected=True, causes=frozenset({"gone", "still-served"}))
        return _not("still-served", *_failing(state)) if reachable else _yes("gone")
    match item:
        case Relation():
            found = _relation(item, state)
        case Column():
            found = _column(item, state)
        case Function():
            found = _function(item, state)
        case Relationship():
            found = _relationship(item, state)
        case _:
            assert_never(item)
    return found


def _yes(cause: str) -> Truth:
    return Truth(as_expected=True, causes=frozenset({cause}))


def _not(*causes: str) -> Truth:
    return Truth(as_expected=False, causes=frozenset(causes))


def _failing(state: State) -> tuple[str, ...]:
    return ("reload-failing",) if state.failing else ()


def _missing(state: State, *, there: bool, seen: bool) -> Truth:
    """Not cached. `seen`: whether HTTP shows what the database has."""
    if there:
        return _not("stale", *_failing(state))
    told_apart = (seen and state.readable) or state.loads_seen
    return _not(*(("not-applied",) if told_apart else _NOT_SEEN), *_failing(state))


def _relation(item: Relation, state: State) -> Truth:
    name, database = name_of(item), state.database
    if name in database.partitions:
        # never cached: nothing but a load that was seen could tell that no reload will help
        return _not(*_NOT_SEEN, *_failing(state))
    there = name in database.surface.columns
    if not is_cached(item, state):
        return _missing(state, there=there, seen=state.version < READS_ARE_PLANNED)
    return _used(state, name, frozenset(), there=there)


def _used(state: State, name: Name, columns: frozenset[str], *, there: bool) -> Truth:
    """Cached. `columns` are those that must be readable; empty: any one."""
    database = state.database
    if name.schema not in database.usable_schemas:
        return _not("not-granted", *(() if there else ("stale",)))
    if not there:
        return _not("stale", *_failing(state))
    readable = database.readable.get(name, frozenset())
    allowed = columns <= readable if columns else bool(readable)
    return _yes("served") if allowed else _not("not-granted")


def _column(item: Column, state: State) -> Truth:
    name, cached = name_of(item.relation), state.cached
    there = item.name in state.database.all_columns.get(name, ())
    if state.version < COLUMNS_ARE_PLANNED:
        used = _used(state, name, frozenset({item.name}), there=there)
        if "stale" in used.causes:  # or not-applied: what the cache has of it matters to nobody
            used = _not("not-applied", *used.causes)
    elif not is_cached(item, state):
        whole = cached is not None and name in cached.columns
        if name in state.database.partitions:
            return _not(*_NOT_SEEN, *_failing(state))
        return _missing(state, there=there, seen=whole or state.version < READS_ARE_PLANNED)
    else:
        used = _used(state, name, frozenset({item.name}), there=there)
        if state.version < ALL_IS_PLANNED and name not in state.database.all_columns:
            used = _not("not-applied", *used.causes)
    if not used.as_expected or not item.type or cached is None:
        return used
    kinds = cached.columns.get(name_of(item.relation), {}).get(item.name, frozenset())
    if any(state.same_type(item.type, kind) for kind in kinds):
        return used
    alike = any(state.same_type(item.type, one) for one in _INT32) and kinds & _INT32
    if state.shares_int32 and alike:
        return Truth(as_expected=True, causes=frozenset({"served", "type-drift"}))
    return _not("type-drift")


def _function(item: Function, state: State) -> Truth:
    cached, database = state.cached, state.database
    fits = fitting(item, cached, state.version) if cached else ()
    there = fitting(item, database.surface, state.version)
    if not fits:
        return _missing_function(item, state, there=bool(there))
    if len(fits) > 1:
        return _not("ambiguous")
    asked = frozenset(argument.name for argument in item.arguments)
    used = tuple(one for one in fits[0].parameters if one.name in asked or asked == {ANY_KEYS})
    wanted = {argument.name: argument.type for argument in item.arguments if argument.type}
    kinds = {one.name: one.type for one in fits[0].parameters}
    drift = any(not state.same_type(kind, kinds[name]) for name, kind in wanted.items())
    if not state.resolves(name_of(item), used):
        # Without arguments to send, a dropped function and one without EXECUTE look the same.
        blind = not used or asked == {ANY_KEYS}
        further = [*(("not-granted",) if blind else ()), *(("type-drift",) if drift else ())]
        further += ["ambiguous"] if len(there) > 1 else []
        return _not("stale", *further, *_failing(state))
    executable = any(one.executable for one in there)
    if item.schema not in database.usable_schemas or not executable:
        return _not("not-granted")
    return _not("type-drift") if drift else _yes("served")


def _missing_function(item: Function, state: State, *, there: bool) -> Truth:
    if there:
        return _not("stale", *_failing(state))
    cached = state.cached.functions if state.cached else {}
    namesakes = name_of(item) in state.database.surface.functions or name_of(item) in cached
    causes = {"not-applied"} | ({"wrong-signature"} if namesakes else set())
    # Not listed means not there, or no EXECUTE: without a load that was seen nothing tells more.
    return _not(*causes, *(() if state.loads_seen else ("stale",)), *_failing(state))


def _relationship(item: Relationship, state: State) -> Truth:
    origin, target = name_of(item.origin), Name(item.schema, item.target)
    cached, database = state.cached, state.database
    found = ways(item, cached) if cached else ()
    if not found:
        there = bool(ways(item, database.surface))
        is_view = {origin, target} - database.surface.tables
        missing = _missing(state, there=there, seen=False)
        return _not(*missing.causes, *_NOT_SEEN) if is_view else missing
    if len(found) > 1:
        return _not("ambiguous")
    (way,) = found
    ends = [(origin, way.origin_columns), (target, way.target_columns)]
    there = all(
        set(columns) <= database.all_columns.get(name, frozenset()) for name, columns in ends
    )
    if way.junction:
        ends.append((Name(*way.junction), ()))
        there = there and Name(*way.junction) in database.all_columns
    for name, columns in ends:
        used = _used(state, name, frozenset(columns), there=there)
        if "not-granted" in used.causes and name in database.hidden:
            return Truth(as_expected=True, causes=frozenset({"served", "not-granted"}))
        if not used.as_expected:
            return used
    return _yes("served")
