"""What may be expected of a surface is what names alone can tell of it."""

import pytest

from pgrst_gate.expectations.offered import expected, left_over
from pgrst_gate.schema import (
    ANY_KEYS,
    Argument,
    Column,
    Derived,
    Function,
    Item,
    Relation,
    Relationship,
)
from pgrst_gate.surface import ColumnShape, FunctionShape, Parameter, RelationShape, Surface

DATABASE = Derived("the database", in_database=True)
SCANS = Relation("public", "scans")


def of_functions(*functions: FunctionShape) -> Surface:
    """A surface of functions only."""
    return Surface(("public",), {}, functions, {})


def f(*parameters: Parameter) -> FunctionShape:
    """An overload of `f`."""
    return FunctionShape("public", "f", parameters)


def call(*names: str) -> Function:
    """A call of `f` by the names of its arguments."""
    return Function("public", "f", tuple(map(Argument, names)))


A = Parameter("a", "integer", required=True)
A_TEXT = Parameter("a", "text", required=True)
B = Parameter("b", "integer", required=True)
B_OPTIONAL = Parameter("b", "integer", required=False)
UNNAMED = Parameter("", "json", required=True)
PAYLOAD = Parameter("payload", "jsonb", required=True)


@pytest.mark.parametrize(
    ("surface", "any_keys", "items"),
    [
        (of_functions(f()), False, [call()]),
        (of_functions(f(A, B_OPTIONAL)), False, [call("a", "b")]),
        (of_functions(f(A), f(A, B)), False, [call("a"), call("a", "b")]),
        (of_functions(f(A), f(A, B_OPTIONAL)), False, [call("a", "b")]),  # f(a) is both
        (of_functions(f(A), f(A_TEXT)), False, []),
        (of_functions(f(UNNAMED)), False, [call(ANY_KEYS)]),
        (of_functions(f(UNNAMED), f(A, B)), False, []),  # it takes the keys of the other
        (of_functions(f(PAYLOAD)), False, [call("payload")]),
        (of_functions(f(PAYLOAD)), True, [call(ANY_KEYS)]),
        (of_functions(f(PAYLOAD), f(A, B)), True, []),
        (of_functions(f(A)), True, [call("a")]),
    ],
)
def test_functions_that_their_arguments_tell_apart(
    surface: Surface, items: list[Item], *, any_keys: bool
) -> None:
    """A call by all its names must mean one function only."""
    found = expected(surface, DATABASE, typed=False, any_keys=any_keys)

    assert list(found.present) == items


def test_relations_and_their_columns_with_types_where_those_are_seen() -> None:
    """Lengths are left out: no server shows them."""
    columns = (
        ColumnShape("id", "bigint"),
        ColumnShape("name", "character varying(20)"),
        ColumnShape("at", "timestamp(3) with time zone"),
        ColumnShape("odd", 'public."odd(type)"'),
    )
    surface = Surface(("public",), {SCANS: RelationShape(SCANS, "table", columns)}, (f(A),), None)
    typed = {
        "id": "bigint",
        "name": "character varying",
        "at": "timestamp with time zone",
        "odd": 'public."odd(type)"',
    }

    assert expected(surface, DATABASE, typed=True).present == (
        SCANS,
        *(Column(SCANS, name, kind) for name, kind in typed.items()),
        Function("public", "f", (Argument("a", "integer"),)),
    )
    assert expected(surface, DATABASE, typed=False).present == (
        SCANS,
        *(Column(SCANS, name) for name in typed),
        call("a"),
    )


def test_relations_that_are_joined_in_one_way() -> None:
    """With more than one a client must choose, and so must the gate."""
    one, two = Relationship(SCANS, "projects"), Relationship(SCANS, "users")

    found = expected(Surface(("public",), {}, (), {one: 1, two: 2}), DATABASE, typed=False)

    assert (found.present, found.derived) == ((one,), {one: DATABASE})


OLD = Relation("public", "old")
ID, NOTE = ColumnShape("id", "integer"), ColumnShape("note", "text")


def of_relations(*shapes: tuple[Relation, tuple[ColumnShape, ...]], embeds: str = "") -> Surface:
    """A surface of relations, in which `scans` embeds another one."""
    relations = {one: RelationShape(one, "table", columns) for one, columns in shapes}
    found = {Relationship(SCANS, embeds): 1} if embeds else {}
    return Surface(("public",), relations, (), found)


BOTH = of_relations((SCANS, (ID, NOTE)), (OLD, (ID,)), embeds="old")


@pytest.mark.parametrize(
    ("cached", "offered", "items"),
    [
        (BOTH, BOTH, ()),
        (BOTH, of_relations((SCANS, (ID, NOTE))), (OLD,)),
        (BOTH, of_relations((SCANS, (ID,)), (OLD, (ID,)), embeds="old"), (Column(SCANS, "note"),)),
        (
            BOTH,
            of_relations((SCANS, (ID, NOTE)), (OLD, (ID,))),
            (Relationship(SCANS, "old"),),
        ),
        (of_relations((SCANS, (ID,))), BOTH, ()),  # what is new is no matter here
        (of_functions(f(A)), of_functions(), (call("a"),)),
        (of_functions(f(A), f(A, B)), of_functions(f(A, B)), (call("a"),)),
        (of_functions(f(A)), of_functions(f(A, B_OPTIONAL)), ()),  # which takes the same call
        (of_functions(f(A)), of_functions(f(UNNAMED)), ()),  # which takes any keys
        (of_functions(f(A)), of_functions(f(PAYLOAD)), ()),  # so may this one
        (of_functions(f(UNNAMED)), of_functions(f(A)), ()),  # a call of it may be one of f(a)
        (of_functions(f(A)), of_functions(f(A_TEXT)), ()),
    ],
)
def test_what_the_cache_has_and_the_database_has_not(
    cached: Surface, offered: Surface, items: tuple[Item, ...]
) -> None:
    """All that must be gone, once each; nothing that another one would answer for."""
    assert left_over(cached, offered) == items
