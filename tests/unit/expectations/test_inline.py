"""The small language of expectations."""

from collections.abc import Callable

import pytest

from pgrst_gate.expectations import in_schema, inline
from pgrst_gate.expectations.inline import SyntaxProblem
from pgrst_gate.schema import (
    Argument,
    Column,
    Expectation,
    Function,
    Item,
    Relation,
    Relationship,
)

SCANS = Relation("", "scans")
ODD = Relation("", "Odd Table")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  \n# nothing but a comment\n", ()),
        ("scans", (SCANS,)),
        ("scans, heartbeats\nscans", (SCANS, Relation("", "heartbeats"))),
        ("scans,  # the comma may end the line\n", (SCANS,)),
        ('"odd #1" # a comment', (Relation("", "odd #1"),)),
        ("api.scans", (Relation("api", "scans"),)),
        ('"Odd Table", "with ""quotes"""', (ODD, Relation("", 'with "quotes"'))),
        ("Scans_2$", (Relation("", "Scans_2$"),)),
        ("größe", (Relation("", "größe"),)),
    ],
)
def test_tables(text: str, expected: tuple[Relation, ...]) -> None:
    """Tables are separated by commas or lines, each once."""
    assert inline.tables(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scans: ended_at", (Column(SCANS, "ended_at"),)),
        (
            "scans: ended_at, last_activity_at timestamptz",
            (Column(SCANS, "ended_at"), Column(SCANS, "last_activity_at", "timestamptz")),
        ),
        (
            "scans: price numeric(10, 2), tags text[]",
            (Column(SCANS, "price", "numeric(10, 2)"), Column(SCANS, "tags", "text[]")),
        ),
        ('"Odd Table": "Odd Col" int', (Column(ODD, "Odd Col", "int"),)),
        ("api.scans: a", (Column(Relation("api", "scans"), "a"),)),
    ],
)
def test_columns(text: str, expected: tuple[Column, ...]) -> None:
    """A line names one relation and its columns, with a type where one is to be checked."""
    assert inline.columns(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ping()", Function("", "ping")),
        ("f(a, b text)", Function("", "f", (Argument("a"), Argument("b", "text")))),
        ("api.f(a numeric(3, 1))", Function("api", "f", (Argument("a", "numeric(3, 1)"),))),
        ("f(*)", Function("", "f", (Argument("*"),))),
        (
            '"Quoted Name"("Odd Arg" int)',
            Function("", "Quoted Name", (Argument("Odd Arg", "int"),)),
        ),
    ],
)
def test_functions(text: str, expected: Function) -> None:
    """A function is named with all of its arguments."""
    assert inline.functions(text) == (expected,)


def test_functions_may_share_a_line() -> None:
    """Commas between functions are not those between arguments."""
    found = inline.functions("f(a, b), g()")

    assert [str(function) for function in found] == ["f(a, b)", "g()"]


@pytest.mark.parametrize("arrow", ["->", "→"])
def test_relationships(arrow: str) -> None:
    """Both arrows mean the same."""
    assert inline.relationships(f"scans {arrow} projects") == (Relationship(SCANS, "projects"),)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("old_table", Relation("", "old_table")),
        ("scans: legacy", Column(SCANS, "legacy")),
        ("retired(a)", Function("", "retired", (Argument("a"),))),
        ("child -> parent", Relationship(Relation("", "child"), "parent")),
        ('"a:b"', Relation("", "a:b")),
    ],
)
def test_items_of_any_kind_are_told_apart(line: str, expected: Item) -> None:
    """What must be absent may be of any kind."""
    assert inline.items(line) == (expected,)


@pytest.mark.parametrize(
    ("read", "text", "part"),
    [
        (inline.tables, "a b", "line 1, `a b`: expected `,` or the end of the line"),
        (inline.tables, "a\n-x", "line 2, `-x`: expected a table"),
        (inline.tables, '""', "expected a table"),
        (inline.tables, "a.", "a name after the dot, found the end"),
        (inline.columns, "scans", "expected `:` and the columns"),
        (inline.columns, "scans:", "expected a column, found the end"),
        (inline.columns, "scans: *", "expected a column, found `*`"),
        (inline.functions, "f", "`f()` if it takes none"),
        (inline.functions, "f(a", "expected `,` or `)`"),
        (inline.functions, "f(a,", "expected the name of an argument"),
        (inline.relationships, "scans", "expected `->`"),
        (inline.relationships, "a.scans -> b.projects", "both tables in one schema"),
        (inline.items, "", None),
    ],
)
def test_what_does_not_read_is_told_with_its_place(
    read: Callable[[str], object], text: str, part: str | None
) -> None:
    """An error names the line, what was expected and what was found."""
    if part is None:
        assert read(text) == ()
        return
    with pytest.raises(SyntaxProblem) as caught:
        read(text)

    assert part in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ['"Odd Table"', 'api."x""y"', "scans: a", 'scans: "B c" int', "f(a, b text)", "a -> b", "f(*)"],
)
def test_an_item_reads_back_from_its_own_text(text: str) -> None:
    """What the gate prints of an item can be pasted into `expected-absent`."""
    (item,) = inline.items(text)
    shown = str(item)
    if isinstance(item, Column):
        shown = f"{item.relation}: {shown.removeprefix(f'{item.relation}.')}"

    assert inline.items(shown) == (item,)


def test_items_without_a_schema_are_put_into_the_runs() -> None:
    """A named schema stays, an empty one becomes the run's, and doubles fall together."""
    expectation = Expectation(
        (SCANS, Relation("public", "scans"), Column(SCANS, "a"), Function("api", "f")),
        (Relationship(SCANS, "projects"),),
    )

    placed = in_schema(expectation, "public")

    assert list(map(str, placed.items)) == [
        "public.scans",
        "public.scans.a",
        "api.f()",
        "public.scans -> projects",
    ]
