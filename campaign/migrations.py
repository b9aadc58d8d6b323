"""A random migration of what a database has, as SQL. Steps that PostgreSQL refuses are left out."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final

from campaign.bases import (
    ARGUMENT_TYPES,
    TYPES,
    column,
    create_function,
    foreign_key,
    function,
    new_name,
    partitioned,
    quoted,
    table,
    view,
)
from campaign.surface import Catalog, Name, Overload

EXPOSED: Final = ("api", "extra")


def migration(rng: Random, catalog: Catalog) -> Iterator[str]:
    """The steps, each of one or more statements."""
    draw = _Draw(rng, catalog)
    kinds = rng.choices(list(_STEPS), weights=[weight for weight, _ in _STEPS.values()], k=8)
    for kind in kinds[: rng.randint(3, 8)]:
        yield from _STEPS[kind][1](draw)


class _Draw:
    """Picks what a step is about."""

    def __init__(self, rng: Random, catalog: Catalog) -> None:
        self.rng, self.catalog = rng, catalog
        surface = catalog.surface
        self.used = {name.name for name in (*surface.columns, *surface.functions)}
        self.tables = sorted(name for name in surface.tables if name.schema in EXPOSED)
        self.relations = sorted(name for name in surface.columns if name.schema in EXPOSED)
        self.functions = sorted(name for name in surface.functions if name.schema in EXPOSED)

    def table(self) -> Name:
        return self.rng.choice(self.tables)

    def column(self, of: Name) -> str:
        return self.rng.choice(sorted(self.catalog.surface.columns[of]))

    def overload(self) -> tuple[Name, Overload]:
        name = self.rng.choice(self.functions)
        return name, self.rng.choice(self.catalog.surface.functions[name])

    def name(self, stem: str = "") -> str:
        return new_name(self.rng, self.used, stem)


def full(name: Name) -> str:
    """A qualified SQL name."""
    return f"{name.schema}.{quoted(name.name)}"


def arguments(overload: Overload, retyped: Mapping[str, str] | None = None) -> str:
    """The declaration of a function's arguments, some with another type."""
    return ", ".join(
        " ".join(
            filter(None, (
                "variadic" if one.variadic else "",
                quoted(one.name) if one.name else "",
                (retyped or {}).get(one.name, one.type),
                "" if one.required else "default null",
            ))
        )
        for one in overload.parameters
    )  # fmt: skip


def _drop(name: Name, overload: Overload) -> str:
    kinds = ", ".join(one.type for one in overload.parameters)
    return f"drop function {full(name)}({kinds})"


def _add_column(draw: _Draw) -> Iterator[str]:
    yield f"alter table {full(draw.table())} add column {column(draw.rng, draw.name())}"


def _rename_column(draw: _Draw) -> Iterator[str]:
    name = draw.table()
    old, new = quoted(draw.column(name)), quoted(draw.name())
    yield f"alter table {full(name)} rename column {old} to {new}"


def _drop_column(draw: _Draw) -> Iterator[str]:
    name = draw.table()
    cascade = draw.rng.choice(("", " cascade"))
    yield f"alter table {full(name)} drop column {quoted(draw.column(name))}{cascade}"


def _retype_column(draw: _Draw) -> Iterator[str]:
    name = draw.table()
    changed, kind = quoted(draw.column(name)), draw.rng.choice(TYPES)
    yield f"alter table {full(name)} alter column {changed} type {kind} using null"


def _add_table(draw: _Draw) -> Iterator[str]:
    yield from table(draw.rng, draw.rng.choice(EXPOSED), draw.name())


def _add_view(draw: _Draw) -> Iterator[str]:
    yield view(draw.rng, draw.table(), draw.name("seen_"))


def _add_partitioned(draw: _Draw) -> Iterator[str]:
    yield from partitioned(draw.name("parts_"))


def _drop_relation(draw: _Draw) -> Iterator[str]:
    name = draw.rng.choice(draw.relations)
    for kind in ("table", "view", "materialized view"):
        yield f"drop {kind} {full(name)} cascade"


def _rename_relation(draw: _Draw) -> Iterator[str]:
    yield f"alter table {full(draw.rng.choice(draw.relations))} rename to {quoted(draw.name())}"


def _add_function(draw: _Draw) -> Iterator[str]:
    yield from function(draw.rng, draw.rng.choice(EXPOSED), draw.name("do_"))


def _drop_function(draw: _Draw) -> Iterator[str]:
    yield _drop(*draw.overload())


def _rename_function(draw: _Draw) -> Iterator[str]:
    name, one = draw.overload()
    kinds = ", ".join(parameter.type for parameter in one.parameters)
    yield f"alter function {full(name)}({kinds}) rename to {quoted(draw.name('do_'))}"


def _retype_argument(draw: _Draw) -> Iterator[str]:
    name, one = draw.overload()
    if not one.parameters:
        return
    changed = {draw.rng.choice(one.parameters).name: draw.rng.choice(ARGUMENT_TYPES)}
    create = create_function(draw.rng, full(name), arguments(one, changed))
    yield f"{_drop(name, one)}; {create}"


def _rename_argument(draw: _Draw) -> Iterator[str]:
    name, one = draw.overload()
    if not one.parameters or not one.parameters[0].name:
        return
    old, new = quoted(one.parameters[0].name), quoted(draw.name())
    create = create_function(draw.rng, full(name), arguments(one).replace(old, new))
    yield f"{_drop(name, one)}; {create}"


def _add_optional_argument(draw: _Draw) -> Iterator[str]:
    name, one = draw.overload()
    further = f"{quoted(draw.name())} {draw.rng.choice(ARGUMENT_TYPES)} default null"
    listed = ", ".join(filter(None, (arguments(one), further)))
    drop = f"{_drop(name, one)}; " if draw.rng.random() < 0.6 else ""
    yield drop + create_function(draw.rng, full(name), listed)


def _overload_by_type(draw: _Draw) -> Iterator[str]:
    name, one = draw.overload()
    if one.parameters:
        changed = {one.parameters[0].name: draw.rng.choice(ARGUMENT_TYPES)}
        yield create_function(draw.rng, full(name), arguments(one, changed))


def _add_key(draw: _Draw) -> Iterator[str]:
    yield from foreign_key(draw.table(), draw.table(), f"key_{draw.rng.randrange(1000)}")


def _add_key_to_another_schema(draw: _Draw) -> Iterator[str]:
    yield from foreign_key(
        draw.rng.choice([one for one in draw.tables if one.schema == "api"]),
        draw.rng.choice([one for one in draw.tables if one.schema == "extra"]),
        f"key_{draw.rng.randrange(1000)}",
    )


def _drop_key(draw: _Draw) -> Iterator[str]:
    if draw.catalog.keys:
        of, constraint = draw.rng.choice(draw.catalog.keys)
        yield f"alter table {full(of)} drop constraint {quoted(constraint)}"


def _add_procedure(draw: _Draw) -> Iterator[str]:
    yield f"create procedure api.{quoted(draw.name('do_'))}(a int) language sql as $$ select 1 $$"


_STEPS: Final[Mapping[str, tuple[int, Callable[[_Draw], Iterator[str]]]]] = {
    "add column": (6, _add_column),
    "rename column": (3, _rename_column),
    "drop column": (3, _drop_column),
    "retype column": (3, _retype_column),
    "add table": (2, _add_table),
    "add view": (2, _add_view),
    "add partitioned": (1, _add_partitioned),
    "drop relation": (2, _drop_relation),
    "rename relation": (2, _rename_relation),
    "add function": (4, _add_function),
    "drop function": (2, _drop_function),
    "rename function": (2, _rename_function),
    "retype argument": (3, _retype_argument),
    "rename argument": (2, _rename_argument),
    "add optional argument": (3, _add_optional_argument),
    "overload by type": (2, _overload_by_type),
    "add key": (3, _add_key),
    "add key to another schema": (1, _add_key_to_another_schema),
    "drop key": (2, _drop_key),
    "add procedure": (1, _add_procedure),
}
