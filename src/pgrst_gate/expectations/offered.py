"""What clients may expect of a surface: everything it offers that names alone can tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pgrst_gate.schema import (
    ANY_KEYS,
    Argument,
    Column,
    Derived,
    Expectation,
    Function,
    Item,
    Relation,
)
from pgrst_gate.surface import WHOLE_BODIES, FunctionShape, Surface


def expected(
    surface: Surface, origin: Derived, *, typed: bool, any_keys: bool = False
) -> Expectation:
    """That all of a surface is served, with its types where ``typed`` asks for them.

    ``any_keys``: on this server a single named argument of a whole body's type takes any keys.
    Left out is what no request can reach: functions that the names of their arguments do not tell
    from another overload, and relations that are joined in more than one way.
    """
    found = tuple(
        dict.fromkeys(
            (
                *_relations(surface, typed=typed),
                *_functions(surface, typed=typed, any_keys=any_keys),
                *_embeds(surface),
            )
        )
    )
    return Expectation(found, (), dict.fromkeys(found, origin))


def left_over(cached: Surface, offered: Surface) -> tuple[Item, ...]:
    """What a cache still has and the database no longer offers.

    Of a relation that is gone the relation alone; of functions those whose names and arguments no
    other one takes in its place.
    """
    relations = [one for one in cached.relations if one not in offered.relations]
    embeds = () if offered.relationships is None else cached.relationships or ()
    return (
        *relations,
        *_columns_left(cached, offered),
        *(
            function
            for function in _functions(cached, typed=False, any_keys=False)
            if not any(_may_take(shape, function) for shape in offered.functions)
        ),
        *(
            one
            for one in embeds
            if one not in (offered.relationships or ())
            and {one.origin, Relation(one.origin.schema, one.target)}.isdisjoint(relations)
        ),
    )


def _columns_left(cached: Surface, offered: Surface) -> Iterator[Column]:
    for relation, shape in cached.relations.items():
        if relation in offered.relations:
            there = {one.name for one in offered.relations[relation].columns}
            gone = (one.name for one in shape.columns if one.name not in there)
            yield from (Column(relation, name) for name in gone)


def _may_take(shape: FunctionShape, function: Item) -> bool:
    """Whether a call of the function may be taken by this overload."""
    if not isinstance(function, Function) or (shape.schema, shape.name) != (
        function.schema,
        function.name,
    ):
        return False
    names = {one.name for one in function.arguments}
    if ANY_KEYS in names or _takes_any_keys(shape, any_keys=True):
        return True
    required = {one.name for one in shape.parameters if one.required}
    return required <= names <= {one.name for one in shape.parameters}


def _relations(surface: Surface, *, typed: bool) -> Iterator[Item]:
    for relation, shape in surface.relations.items():
        yield relation
        for column in shape.columns:
            yield Column(relation, column.name, _without_length(column.type) if typed else "")


def _functions(surface: Surface, *, typed: bool, any_keys: bool) -> Iterator[Item]:
    overloads: dict[tuple[str, str], list[FunctionShape]] = {}
    for shape in surface.functions:
        overloads.setdefault((shape.schema, shape.name), []).append(shape)
    for group in overloads.values():
        takers = [shape for shape in group if _takes_any_keys(shape, any_keys=any_keys)]
        if takers and len(group) == 1:
            yield Function(group[0].schema, group[0].name, (Argument(ANY_KEYS),))
        elif not takers:
            calls = [shape.called for shape in group if _is_told_apart(shape, group)]
            yield from calls if typed else map(_untyped, calls)


def _takes_any_keys(shape: FunctionShape, *, any_keys: bool) -> bool:
    alone = len(shape.parameters) == 1 and shape.parameters[0].type in WHOLE_BODIES
    return shape.takes_whole_body or (any_keys and alone)


def _is_told_apart(shape: FunctionShape, group: Iterable[FunctionShape]) -> bool:
    """Whether a call that names all its arguments can only mean this overload."""
    names = frozenset(one.name for one in shape.parameters)
    return not any(
        frozenset(one.name for one in other.parameters if one.required)
        <= names
        <= frozenset(one.name for one in other.parameters)
        for other in group
        if other is not shape
    )


def _untyped(function: Function) -> Function:
    return replace(function, arguments=tuple(Argument(one.name) for one in function.arguments))


def _embeds(surface: Surface) -> Iterator[Item]:
    for relationship, ways in (surface.relationships or {}).items():
        if ways == 1:
            yield relationship


def _without_length(kind: str) -> str:
    """The type as `format_type` writes it without its modifier: lengths are not compared."""
    if '"' in kind:  # a name, which may hold anything
        return kind
    base, _, rest = kind.partition("(")
    return base.rstrip() + rest.partition(")")[2]
