"""Everything that decides what is right at one moment, and what can be looked up in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from campaign.surface import Catalog, Embed, Name, Overload, Parameter, Surface
from pgrst_gate.schema import ANY_KEYS, Column, Function, Item, Relation, Relationship

READS_ARE_PLANNED: Final = (13,)
COLUMNS_ARE_PLANNED: Final = (11,)
ALL_IS_PLANNED: Final = (12,)
_NAMED_JSON_TAKES_ANY: Final = (14, 2)
"""Before it, a single *named* json argument took any keys, too."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decides what is right, at one moment."""

    version: tuple[int, ...]
    cached: Surface | None
    """The server's cache; None while it has none."""
    database: Catalog
    exposed: frozenset[str]
    resolves: Callable[[Name, tuple[Parameter, ...]], bool]
    """Whether PostgreSQL finds a function for these named arguments of these types."""
    same_type: Callable[[str, str], bool]
    """Whether PostgreSQL takes two names for one type."""
    readable: bool
    """The key and the role's USAGE let a plain read through to where names are looked up."""
    shares_int32: bool = False
    """The gate sees types by OpenAPI alone, where `int32` is integer and smallint (from 14.8)."""
    loads_seen: bool = False
    """The gate could see that a load began and ended after its refresh."""
    failing: bool = False
    """Loads fail."""


def name_of(item: Relation | Function) -> Name:
    """The name of an item as the catalog has it."""
    return Name(item.schema, item.name)


def is_cached(item: Item, state: State) -> bool:
    """Whether the cache has it."""
    cached = state.cached
    if cached is None:
        return False
    match item:
        case Relation():
            return name_of(item) in cached.columns
        case Column():
            return item.name in cached.columns.get(name_of(item.relation), ())
        case Function():
            return bool(fitting(item, cached, state.version))
        case Relationship():
            return bool(ways(item, cached))
        case _:
            assert_never(item)


def is_only_shown(item: Item, state: State) -> bool:
    """On 10: a dropped column that the cache still describes, and that nothing else looks up."""
    if not isinstance(item, Column) or state.version >= COLUMNS_ARE_PLANNED:
        return False
    return item.name not in state.database.all_columns.get(name_of(item.relation), ())


def is_reachable(item: Item, state: State) -> bool:
    """Whether a plain read gets at it although it is not cached."""
    planned = state.version >= READS_ARE_PLANNED
    everything = state.database.all_columns
    if item.schema not in state.database.usable_schemas or state.cached is None:
        return False
    match item:
        case Relation():
            return not planned and name_of(item) in everything
        case Column():
            name = name_of(item.relation)
            asked = not planned or name in state.cached.columns
            return asked and item.name in everything.get(name, ())
        case _:
            return False


def fitting(item: Function, surface: Surface, version: tuple[int, ...]) -> tuple[Overload, ...]:
    """The overloads that a call with these names means; none, one, or too many."""
    overloads = surface.functions.get(name_of(item), ())
    asked = frozenset(argument.name for argument in item.arguments)
    if asked == {ANY_KEYS}:
        return tuple(one for one in overloads if _takes_any_keys(one, version))
    named = [one for one in overloads if "" not in one.names]
    return tuple(one for one in named if one.required <= asked <= one.names)


def _takes_any_keys(overload: Overload, version: tuple[int, ...]) -> bool:
    if len(overload.parameters) != 1 or overload.parameters[0].type not in {"json", "jsonb"}:
        return False
    return not overload.parameters[0].name or version < _NAMED_JSON_TAKES_ANY


def ways(item: Relationship, surface: Surface) -> tuple[Embed, ...]:
    """The ways to embed that these two names mean; none, one, or too many."""
    ends = name_of(item.origin), Name(item.schema, item.target)
    return tuple(one for one in surface.embeds if (one.origin, one.target) == ends)
