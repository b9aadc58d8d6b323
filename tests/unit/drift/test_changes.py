"""What each difference of two surfaces does to the clients of an API."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.drift.surfaces import surfaces

from pgrst_gate.drift import snapshot
from pgrst_gate.drift.changes import compare
from pgrst_gate.drift.rules import Change, Impact, Rule
from pgrst_gate.surface import Surface

TABLE = "relations: {p.t: {kind: table, columns: {%s}}}"
GRANTS = "relations: {p.t: {columns: {id: text, note: text}, grants: {%s}}}"
ENDS = "relations: {p.a: {}, p.b: {}}\nembeds: {p.a: [%s]}"
CALL = "functions: ['p.f(%s) -> void']"


def surface(text: str, schemas: str = "p") -> Surface:
    """The surface of a snapshot without its head."""
    return snapshot.read(f"pgrst-gate-snapshot: 1\nschemas: [{schemas}]\n{text}", "api.yml")


def column(line: str) -> str:
    """A table with this column, and another."""
    return TABLE % f"id: bigint not null default, c: '{line}'"


def told(changes: tuple[Change, ...]) -> list[str]:
    """Each change in one line."""
    return [f"{one.impact.value}: {one.subject}" for one in changes]


PAIRS = {
    "nothing": (column("text"), column("text"), []),
    "the order of columns": (TABLE % "a: text, b: text", TABLE % "b: text, a: text", []),
    "a table is gone": (
        "relations: {p.t: {kind: table, columns: {id: text}}, p.u: {}}",
        "relations: {p.u: {}}",
        ["breaking: relation-removed p.t"],
    ),
    "a table is new": (
        "relations: {p.u: {}}",
        "relations: {p.u: {}, p.t: {columns: {id: text not null}}}",
        ["additive: relation-added p.t"],
    ),
    "a table is renamed": (
        "relations: {p.t: {columns: {id: text}}}",
        "relations: {p.u: {columns: {id: text}}}",
        ["breaking: relation-removed p.t", "additive: relation-added p.u"],
    ),
    "a table becomes a view": (
        "relations: {p.t: {kind: table, columns: {id: text not null default}}}",
        "relations: {p.t: {kind: view, columns: {id: text}}}",
        ["neutral: relation-kind-changed p.t"],
    ),
    "a view becomes a table": (
        "relations: {p.t: {kind: view, columns: {id: text}}}",
        "relations: {p.t: {kind: table, columns: {id: text not null}}}",
        ["neutral: relation-kind-changed p.t"],
    ),
    "a table becomes a materialized view": (
        "relations: {p.t: {kind: table}}",
        "relations: {p.t: {kind: materialized view}}",
        ["breaking: relation-read-only p.t"],
    ),
    "its kind was not seen": ("relations: {p.t: {kind: table}}", "relations: {p.t: {}}", []),
    "a column is gone": (
        TABLE % "id: text, c: text",
        TABLE % "id: text",
        ["breaking: column-removed p.t.c"],
    ),
    "a column is renamed": (
        TABLE % "id: bigint, old: text",
        TABLE % "id: bigint, new: text",
        ["breaking: column-removed p.t.old", "additive: column-added p.t.new"],
    ),
    "a column is new": (TABLE % "", TABLE % "c: text", ["additive: column-added p.t.c"]),
    "a new column fills itself": (
        TABLE % "",
        TABLE % "c: text not null default",
        ["additive: column-added p.t.c"],
    ),
    "a new column is required": (
        TABLE % "",
        TABLE % "c: text not null",
        ["breaking: required-column-added p.t.c"],
    ),
    "a new column may be required": (
        TABLE % "",
        TABLE % "c: text not null default?",
        ["breaking: required-column-added p.t.c"],
    ),
    "a column must be given now": (
        column("text"),
        column("text not null"),
        ["breaking: column-required p.t.c"],
    ),
    "a column takes no null any more": (
        column("text"),
        column("text not null default"),
        ["breaking: column-not-null p.t.c"],
    ),
    "a column may be null now": (
        column("text not null"),
        column("text"),
        ["breaking: column-nullable p.t.c"],
    ),
    "a default is lost": (
        column("text not null default"),
        column("text not null"),
        ["breaking: column-required p.t.c"],
    ),
    "a default is given": (
        column("text not null"),
        column("text not null default"),
        ["additive: column-optional p.t.c"],
    ),
    "a default that nobody needs is lost": (
        column("text default"),
        column("text"),
        ["neutral: column-default-changed p.t.c"],
    ),
    "a default was not seen": (column("text default"), column("text default?"), []),
    "nulls were not seen": (column("text not null"), column("text null?"), []),
    "a type and a null": (
        column("bigint not null"),
        column("integer"),
        ["breaking: column-nullable p.t.c", "breaking: column-type-changed p.t.c"],
    ),
    "a grant is lost": (
        GRANTS % "anon: 'insert, select'",
        GRANTS % "anon: select",
        ["breaking: grant-lost insert on p.t to anon"],
    ),
    "a role lost all": (
        GRANTS % "a b: select",
        GRANTS % "",
        ['breaking: grant-lost select on p.t to "a b"'],
    ),
    "a grant is gained": (
        GRANTS % "",
        GRANTS % "anon: select",
        ["additive: grant-gained select on p.t to anon"],
    ),
    "a grant goes to everybody": (
        GRANTS % "anon: select",
        GRANTS % "public: select",
        ["additive: grant-gained select on p.t to public"],
    ),
    "everybody lost a grant": (
        GRANTS % "public: select, anon: insert",
        GRANTS % "anon: insert",
        ["breaking: grant-lost select on p.t to public"],
    ),
    "a grant shrinks to a column": (
        GRANTS % "anon: select",
        GRANTS % "anon: select (id)",
        ["breaking: grant-lost select (note) on p.t to anon"],
    ),
    "a grant grows to all columns": (
        GRANTS % "anon: select (id)",
        GRANTS % "anon: select",
        ["additive: grant-gained select (note) on p.t to anon"],
    ),
    "a grant on a column goes with it": (
        "relations: {p.t: {columns: {id: text, c: text}, grants: {anon: 'select (id, c)'}}}",
        "relations: {p.t: {columns: {id: text}, grants: {anon: select (id)}}}",
        ["breaking: column-removed p.t.c"],
    ),
    "all columns one by one": (GRANTS % "anon: select", GRANTS % "anon: 'select (id, note)'", []),
    "grants were not seen": (
        GRANTS % "anon: select",
        "relations: {p.t: {columns: {id: text, note: text}}}",
        [],
    ),
    "a function is gone": (CALL % "", "", ["breaking: function-removed p.f()"]),
    "a function is new": ("", CALL % "a text", ["additive: function-added p.f(a)"]),
    "a function is renamed": (
        "functions: [p.f(a text) -> text]",
        "functions: [p.g(a text) -> text]",
        ["breaking: function-removed p.f(a)", "additive: function-added p.g(a)"],
    ),
    "an argument is renamed": (
        CALL % "a text",
        CALL % "b text",
        [
            "breaking: argument-removed a of p.f(a)",
            "breaking: required-argument-added b of p.f(a)",
        ],
    ),
    "an argument is added": (
        CALL % "a text",
        CALL % "a text, b text",
        ["breaking: required-argument-added b of p.f(a)"],
    ),
    "an argument with a default is added": (
        CALL % "a text",
        CALL % "a text, b text default",
        ["additive: argument-added b of p.f(a)"],
    ),
    "an argument with a default is gone": (
        CALL % "a text, b text default",
        CALL % "a text",
        ["breaking: argument-removed b of p.f(a, b)"],
    ),
    "arguments in another order": (CALL % "a text, b text", CALL % "b text, a text", []),
    "an argument is required now": (
        CALL % "a text default",
        CALL % "a text",
        ["breaking: argument-required a of p.f(a)"],
    ),
    "an argument may be left out now": (
        CALL % "a text",
        CALL % "a text default",
        ["additive: argument-optional a of p.f(a)"],
    ),
    "an argument is narrowed": (
        CALL % "a bigint",
        CALL % "a integer",
        ["breaking: argument-type-changed a of p.f(a)"],
    ),
    "an argument is widened": (
        CALL % "a integer",
        CALL % "a bigint",
        ["additive: argument-type-widened a of p.f(a)"],
    ),
    "an argument is no longer variadic": (
        CALL % "a text[] variadic",
        CALL % "a text[]",
        ["breaking: argument-variadic-changed a of p.f(a)"],
    ),
    "a sole argument without a name": (
        CALL % "* jsonb",
        CALL % "* text",
        ["breaking: argument-type-changed * of p.f(*)"],
    ),
    "a result of another type": (
        "functions: [p.f() -> integer]",
        "functions: [p.f() -> bigint]",
        ["breaking: return-type-changed p.f()"],
    ),
    "a result becomes a set": (
        "functions: [p.f() -> p.t]",
        "functions: [p.f() -> setof p.t]",
        ["breaking: return-type-changed p.f()"],
    ),
    "a result was not seen": ("functions: [p.f() -> p.t]", "functions: [p.f()]", []),
    "a caller lost the function": (
        "functions: ['p.f() for anon, web']",
        "functions: [p.f() for web]",
        ["breaking: grant-lost execute on p.f() to anon"],
    ),
    "an overload with other arguments": (
        CALL % "a text",
        "functions: [p.f(a text) -> void, p.f(b text) -> void]",
        ["additive: function-added p.f(b)"],
    ),
    "an overload that takes the same call": (
        CALL % "a text",
        "functions: [p.f(a text) -> void, 'p.f(a text, b text default) -> void']",
        ["breaking: function-ambiguous p.f(a)", "additive: function-added p.f(a, b)"],
    ),
    "an overload of the same names": (
        CALL % "a text",
        "functions: [p.f(a text) -> void, p.f(a uuid) -> void]",
        ["breaking: function-ambiguous p.f(a)", "additive: function-added p.f(a)"],
    ),
    "one of two overloads is gone": (
        "functions: [p.f(a text) -> void, p.f(b text) -> void]",
        CALL % "b text",
        ["breaking: function-removed p.f(a)"],
    ),
    "an overload without a name": (
        CALL % "a text",
        "functions: [p.f(a text) -> void, p.f(* json) -> void]",
        ["additive: function-added p.f(*)"],
    ),
    "an embed is lost": (ENDS % "b", ENDS % "", ["breaking: relationship-lost p.a -> b"]),
    "an embed is gained": (ENDS % "", ENDS % "b", ["additive: relationship-gained p.a -> b"]),
    "an embed becomes ambiguous": (
        ENDS % "b",
        ENDS % "b (2 ways)",
        ["breaking: relationship-ambiguous p.a -> b"],
    ),
    "a further way of several": (
        ENDS % "b (2 ways)",
        ENDS % "b (3 ways)",
        ["additive: relationship-gained p.a -> b"],
    ),
    "one way of two is lost": (
        ENDS % "b (2 ways)",
        ENDS % "b",
        ["breaking: relationship-lost p.a -> b"],
    ),
    "an embed goes with its table": (
        ENDS % "b",
        "relations: {p.a: {}}\nembeds: {}",
        ["breaking: relation-removed p.b"],
    ),
    "embeds were not seen": (ENDS % "b", "relations: {p.a: {}, p.b: {}}", []),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_each_difference_has_its_impact(pair: tuple[str, str, list[str]]) -> None:
    """A difference is judged by what it does to requests that work now."""
    before, after, expected = pair
    assert told(compare(surface(before), surface(after))) == expected


TYPES = [
    ("integer", "smallint", "breaking"),
    ("smallint", "integer", "additive"),
    ("integer", "bigint", "additive"),
    ("bigint", "numeric", "additive"),
    ("integer", "numeric(12,2)", "additive"),
    ("integer", "numeric(10,2)", "breaking"),
    ("numeric", "numeric(10,2)", "breaking"),
    ("numeric(8,2)", "numeric(10,2)", "additive"),
    ("numeric(10,2)", "numeric(10,4)", "breaking"),
    ("integer", "double precision", "additive"),
    ("bigint", "double precision", "breaking"),
    ("integer", "text", "breaking"),
    ("text", "character varying(10)", "breaking"),
    ("character varying(20)", "character varying(10)", "breaking"),
    ("character varying(10)", "character varying(20)", "additive"),
    ("character varying(10)", "text", "additive"),
    ("character varying(10)[]", "character varying(20)[]", "additive"),
    ("text", "text[]", "breaking"),
    ("timestamp with time zone", "date", "breaking"),
    ("timestamp with time zone", "timestamp without time zone", "breaking"),
    ("timestamp(3) with time zone", "timestamp with time zone", "additive"),
    ("timestamp with time zone", "timestamp(0) with time zone", "breaking"),
    ("json", "jsonb", "additive"),
    ("jsonb", "json", "breaking"),
    ("p.status", "text", "breaking"),
    ('p."odd (1)"', 'p."odd (2)"', "breaking"),
    ("x.geometry(Point,4326)", "x.geometry(Point,3857)", "breaking"),
    ("bit(3)", "bit(5)", "breaking"),
    ("interval", "interval day to second", "breaking"),
]


@pytest.mark.parametrize(("before", "after", "impact"), TYPES)
def test_a_type_breaks_clients_unless_it_holds_all_values(
    before: str, after: str, impact: str
) -> None:
    """A column of another type is additive where every value stays and looks the same in JSON."""
    (change,) = compare(surface(TABLE % f"c: '{before}'"), surface(TABLE % f"c: '{after}'"))
    assert (change.impact.value, change.before, change.after) == (impact, before, after)


@pytest.mark.parametrize(
    ("shown", "exact", "changes"),
    [
        ("character varying", "character varying(10)", 0),
        ("int32", "smallint", 0),
        ("int64", "bigint", 0),
        ("text", "p.email", 0),
        ("int64", "integer", 1),
        ("text", "uuid", 1),
        ("p.status", "p.state", 1),
    ],
)
def test_what_a_source_leaves_out_is_no_difference(shown: str, exact: str, changes: int) -> None:
    """An OpenAPI document shows no lengths, int32 for two types, and domains by their base."""
    described = surface("whole: false\n" + TABLE % f"c: '{shown}'")
    catalog = surface(TABLE % f"c: '{exact}'")
    assert len(compare(described, catalog)) == len(compare(catalog, described)) == changes


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        ("[p.f(a text) -> void, p.f(b text) -> void]", []),
        ("['p.f(a text[] variadic) -> void']", ["breaking: argument-type-changed a of p.f(a)"]),
        ("[p.f(c text)]", ["breaking: argument-removed a of p.f(a)"]),
        ("[]", ["breaking: function-removed p.f(a)"]),
    ],
)
def test_one_of_several_overloads_is_all_of_them(functions: str, expected: list[str]) -> None:
    """An OpenAPI document shows one overload of a function, and none of it when there is none."""
    described = surface("whole: false\nfunctions: [p.f(a text)]")
    changes = compare(described, surface(f"functions: {functions}"))
    assert told(changes)[: len(expected)] == expected
    assert bool(changes) is bool(expected)


def test_of_a_schema_that_came_or_went_nothing_else_is_told() -> None:
    """A schema is one change, whatever was in it; another first one answers requests without."""
    text = "relations: {p.t: {}, q.t: {}}\nfunctions: [q.f()]\nembeds: {q.t: [t]}"
    before, after = surface(text, "q, p"), surface("relations: {p.t: {}, r.t: {}}", "p, r")

    changes = compare(before, after)

    assert told(changes) == [
        "breaking: default-schema-changed default schema",
        "breaking: schema-removed q",
        "additive: schema-added r",
    ]
    assert [(one.before, one.after) for one in changes] == [
        ("q", "p"),
        ("1 relation, 1 function", ""),
        ("", "1 relation, 0 functions"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        (
            "relations: {p.t: {columns: {id: text}}}",
            "relations: {p.u: {columns: {id: text}}}",
            ["looks like a rename to p.u", "looks like a rename of p.t"],
        ),
        (
            "relations: {p.t: {columns: {id: text}}, p.s: {columns: {id: text}}}",
            "relations: {p.u: {columns: {id: text}}}",
            ["", "", ""],
        ),
        (
            TABLE % "old: text",
            TABLE % "new: text",
            ["looks like a rename to p.t.new", "looks like a rename of p.t.old"],
        ),
        (TABLE % "old: text", TABLE % "new: uuid", ["", ""]),
        (
            CALL % "a text",
            CALL % "b text",
            ["looks like a rename to b", "looks like a rename of a"],
        ),
        (
            column("integer"),
            column("bigint"),
            ["JavaScript reads whole numbers exactly up to 2^53 only"],
        ),
        (
            TABLE % "",
            TABLE % "c: text not null default?",
            ["unless it is an identity or generated, which the source does not show"],
        ),
    ],
)
def test_a_likely_rename_or_a_doubt_is_noted(before: str, after: str, notes: list[str]) -> None:
    """One gone and one new of the same shape are taken for a rename; of three, none is."""
    assert [one.note for one in compare(surface(before), surface(after))] == notes


@given(surfaces)
def test_a_surface_does_not_differ_from_itself(one: Surface) -> None:
    """Neither as it is, nor when it was shown with less."""
    less = replace(one, relationships=None, whole=False)
    assert compare(one, one) == compare(one, less) == compare(less, one) == ()


@given(surfaces, surfaces)
def test_the_worst_comes_first(one: Surface, other: Surface) -> None:
    """Whatever was compared, breaking changes lead, and no two are the same."""
    changes = compare(one, other)
    ranks = [change.impact.rank for change in changes]
    assert ranks == sorted(ranks)
    assert len({*changes}) == len(changes)


def test_every_rule_is_shown_here() -> None:
    """The tables of pairs above name each rule at least once."""
    shown = {subject.split()[1] for *_, subjects in PAIRS.values() for subject in subjects}
    elsewhere = {"schema-removed", "schema-added", "default-schema-changed", "column-type-widened"}
    assert {rule.id for rule in Rule} == shown | elsewhere
    assert {rule.impact for rule in Rule} == {*Impact}
