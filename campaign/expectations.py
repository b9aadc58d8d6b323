"""A random expectation: of what a migration brings and takes, of what was there, of nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from campaign.bases import ARGUMENT_TYPES, ODD, TYPES
from campaign.surface import Catalog, Name, Overload
from pgrst_gate.schema import (
    ANY_KEYS,
    Argument,
    Column,
    Expectation,
    Function,
    Item,
    Relation,
    Relationship,
    quoted,
)

_ALIASES: Final = {
    "integer": ("int", "int4", "INTEGER"),
    "bigint": ("int8",),
    "timestamp with time zone": ("timestamptz",),
    "character varying": ("varchar", "varchar(20)"),
    "numeric": ("decimal", "numeric(10,2)"),
    "boolean": ("bool",),
    "double precision": ("float8",),
}


@dataclass(frozen=True, slots=True)
class _Pools:
    """The items of each origin."""

    new: list[Item]
    gone: list[Item]
    kept: list[Item]


def expectation(
    rng: Random, before: Catalog, after: Catalog, schemas: tuple[str, ...]
) -> Expectation:
    """Items in these schemas, drawn from both states.

    Half of the time only what a developer would expect: what the migration brings is present, what
    it takes is absent.
    """
    then = dict.fromkeys(_items(before, schemas))
    now = dict.fromkeys(_items(after, schemas))
    pools = _Pools(
        [item for item in now if item not in then],
        [item for item in then if item not in now],
        [item for item in now if item in then],
    )
    sensible = rng.random() < 0.5
    present = [
        _typed(rng, rng.choice(pool), before, after)
        for _ in range(rng.randint(2, 7))
        if (pool := _pool(rng, pools, schemas, sensible=sensible))
    ]
    absent = [
        rng.choice(pool)
        for _ in range(rng.choice((0, 0, 1, 2)))
        if (pool := pools.gone if sensible or rng.random() < 0.7 else _any(rng, pools, schemas))
    ]
    present = present or [Relation(schemas[0], "nothing")]  # a gate wants something to expect
    # What is present, and the relations it stands on, cannot be absent: the gate refuses to begin.
    shown = {one for item in present for one in (_untyped(item), *_stands_on(item))}
    return Expectation(
        tuple(dict.fromkeys(present)),
        tuple(item for item in dict.fromkeys(absent) if item not in shown),
    )


def _stands_on(item: Item) -> tuple[Relation, ...]:
    match item:
        case Column(relation=relation):
            return (relation,)
        case Relationship(origin=origin):
            return (origin, Relation(origin.schema, item.target))
        case _:
            return ()


def as_inputs(expected: Expectation) -> dict[str, str]:
    """The expectation in the grammar of the inputs."""
    lines: dict[str, list[str]] = {}
    names = {
        "relation": "expected-tables",
        "column": "expected-columns",
        "function": "expected-functions",
        "relationship": "expected-relationships",
    }
    for item in expected.present:
        lines.setdefault(names[item.kind], []).append(_written(item))
    lines["expected-absent"] = [_written(item) for item in expected.absent]
    return {name: "\n".join(texts) for name, texts in lines.items()}


def _written(item: Item) -> str:
    if isinstance(item, Column):
        return f"{item.relation}: {quoted(item.name)} {item.type}".rstrip()
    return str(item)


def _pool(rng: Random, pools: _Pools, schemas: tuple[str, ...], *, sensible: bool) -> list[Item]:
    if sensible:
        return pools.new if pools.new and rng.random() < 0.75 else pools.kept
    return _any(rng, pools, schemas)


def _any(rng: Random, pools: _Pools, schemas: tuple[str, ...]) -> list[Item]:
    shape = rng.random()
    if shape < 0.4:
        return pools.new
    if shape < 0.55:
        return pools.gone
    if shape < 0.85:
        return pools.kept
    return list(_nonsense(rng, pools, schemas))


def _items(catalog: Catalog, schemas: tuple[str, ...]) -> Iterator[Item]:
    for name, columns in catalog.all_columns.items():
        if name.schema in schemas:
            relation = Relation(*name)
            yield relation
            for column in sorted(columns):
                yield Column(relation, column)
    for name, overloads in catalog.surface.functions.items():
        if name.schema in schemas:
            for overload in overloads:
                yield from _calls(name, overload)
    for one in catalog.surface.embeds:
        if one.origin.schema in schemas:
            yield Relationship(Relation(*one.origin), one.target.name)


def _calls(name: Name, overload: Overload) -> Iterator[Function]:
    names = [one.name for one in overload.parameters]
    if names == [""]:
        yield Function(*name, (Argument(ANY_KEYS),))
    if "" in names:  # besides others it is cached, and nobody can name it
        return
    yield Function(*name, tuple(map(Argument, names)))
    required = [one.name for one in overload.parameters if one.required]
    if required != names:
        yield Function(*name, tuple(map(Argument, required)))


def _nonsense(rng: Random, pools: _Pools, schemas: tuple[str, ...]) -> Iterator[Item]:
    """Names that nothing has, some of them beside names that something has."""
    name, schema = f"{rng.choice(ODD)} nothing", rng.choice(schemas)
    yield Relation(schema, name)
    yield Function(schema, f"do_{name}", (Argument("a"),))
    for item in pools.kept:
        match item:
            case Relation():
                yield Column(item, name)
                yield Relationship(item, name)
            case Function() if item.arguments and item.arguments[0].name != ANY_KEYS:
                yield replace(item, arguments=(*item.arguments, Argument(name)))
            case _:
                pass


def _typed(rng: Random, item: Item, before: Catalog, after: Catalog) -> Item:
    """The item, now and then with types: those it has or had, or any."""
    if rng.random() < 0.7:
        return item
    catalog = after if rng.random() < 0.8 else before
    match item:
        case Column():
            kinds = catalog.surface.columns.get(Name(*_key(item.relation)), {}).get(item.name)
            return replace(item, type=_kind(rng, min(kinds) if kinds else "", TYPES))
        case Function() if item.arguments and item.arguments[0].name != ANY_KEYS:
            overloads = catalog.surface.functions.get(Name(*_key(item)), ())
            known = {one.name: one.type for overload in overloads for one in overload.parameters}
            return replace(item, arguments=tuple(
                Argument(one.name, _kind(rng, known.get(one.name, ""), ARGUMENT_TYPES))
                for one in item.arguments
            ))  # fmt: skip
        case _:
            return item


def _kind(rng: Random, known: str, others: tuple[str, ...]) -> str:
    if not known or rng.random() < 0.15:
        return rng.choice(others)
    return rng.choice((known, *_ALIASES.get(known, ())))


def _key(item: Relation | Function) -> tuple[str, str]:
    return item.schema, item.name


def _untyped(item: Item) -> Item:
    match item:
        case Column():
            return replace(item, type="")
        case Function():
            return replace(item, arguments=tuple(Argument(one.name) for one in item.arguments))
        case _:
            return item
