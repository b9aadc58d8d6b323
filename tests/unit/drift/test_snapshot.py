"""A snapshot holds a whole surface, in one order, and says where it does not read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.drift.surfaces import surfaces

from pgrst_gate.drift import lines, snapshot
from pgrst_gate.errors import UsageError
from pgrst_gate.schema import Relation, Relationship
from pgrst_gate.surface import ColumnShape, FunctionShape, Parameter, RelationShape, Surface

SCANS = Relation("public", "scans")
SURFACE = Surface(
    ("public", "api"),
    {
        SCANS: RelationShape(
            SCANS,
            "table",
            (
                ColumnShape("note", "text", nullable=True, filled=False),
                ColumnShape("id", "bigint", nullable=False, filled=True),
                ColumnShape("Owner", "uuid", nullable=False, filled=False),
            ),
            {"anon": frozenset({"select"}), "writer": frozenset({"update (note)", "insert"})},
        )
    },
    (
        FunctionShape(
            "public",
            "finish",
            (
                Parameter("scan_id", "bigint", required=True),
                Parameter("note", "text", required=False),
            ),
            "setof public.scans",
            {"anon": frozenset({"execute"})},
        ),
    ),
    {Relationship(SCANS, "projects"): 1, Relationship(SCANS, "users"): 2},
)
TEXT = """\
pgrst-gate-snapshot: 1
schemas:
- public
- api
relations:
  public.scans:
    kind: table
    columns:
      Owner: uuid not null
      id: bigint not null default
      note: text
    grants:
      anon: select
      writer: insert, update (note)
functions:
- public.finish(scan_id bigint, note text default) -> setof public.scans for anon
embeds:
  public.scans:
  - projects
  - users (2 ways)
"""


def ordered(surface: Surface) -> Surface:
    """The surface in the order of a snapshot."""
    return replace(
        surface,
        relations={
            relation: replace(shape, columns=tuple(sorted(shape.columns, key=lambda c: c.name)))
            for relation, shape in surface.relations.items()
        },
        functions=tuple(sorted(surface.functions, key=lines.function)),
    )


def test_a_snapshot_reads_well() -> None:
    """One line for each column, overload, grant and embed, and nothing besides."""
    assert snapshot.write(SURFACE) == TEXT


@given(surfaces)
def test_what_was_written_is_read_again(surface: Surface) -> None:
    """Nothing of a surface is lost, whatever characters its names are of."""
    assert snapshot.read(snapshot.write(surface), "api.yml") == ordered(surface)


@given(surfaces)
def test_the_order_of_a_source_does_not_show(surface: Surface) -> None:
    """The same surface makes the same text, in whatever order it was read."""
    other = replace(
        surface,
        relations=dict([*surface.relations.items()][::-1]),
        functions=surface.functions[::-1],
    )
    assert snapshot.write(other) == snapshot.write(surface)


HEAD = "pgrst-gate-snapshot: 1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "api.yml:1: not a snapshot"),
        ("- a", "api.yml:1: not a snapshot"),
        ("url: http://localhost", "api.yml:1: not a snapshot"),
        ("pgrst-gate-snapshot: new", "api.yml:1: `pgrst-gate-snapshot` must be a number"),
        (
            "pgrst-gate-snapshot: 2\nunheard-of: {}",
            "api.yml:1: format 2 was made by a newer pgrst-gate; this one reads 1",
        ),
        (HEAD + "relation: {}", "api.yml:2: there is no key `relation` here; did you mean"),
        (HEAD + "relations:\n  scans: {}", "api.yml:3: `scans`: expected a schema and a name"),
        (
            HEAD + "relations:\n  a.b:\n    kind: table\n    column: {}",
            "api.yml:5: there is no key `column` here; did you mean `columns`?",
        ),
        (HEAD + "relations: {a.b: {kind: tabel}}", "api.yml:2: there is no kind `tabel`; did you"),
        (HEAD + "relations: {a.b: {columns: [id]}}", "api.yml:2: expected a mapping"),
        (HEAD + "functions: [a.f(]", "api.yml:2: `a.f(`: expected `)`"),
        (HEAD + "functions: [f() -> void]", "api.yml:2: `f() -> void`: expected a function"),
        (HEAD + "functions: [a.f(x)]", "api.yml:2: `a.f(x)`: expected an argument and its type"),
        (HEAD + "functions: [a.f() void]", "api.yml:2: `a.f() void`: expected ` -> ` and a type"),
        (HEAD + "embeds:\n  a.b: [c d]", "api.yml:3: `c d`: expected a relation"),
        (HEAD + "embeds:\n  a.b: c", "api.yml:3: expected a list"),
        (HEAD + "whole: partly", "api.yml:2: expected true or false"),
        (HEAD + "schemas: [[a]]", "api.yml:2: expected a text"),
        (HEAD + "schemas: [a]\nschemas: [b]", "api.yml:3: `schemas` is here twice"),
        (HEAD + "schemas: [", "api.yml:3: not YAML"),
        (HEAD + "---\na: b", "api.yml:2: a second document begins here"),
        (HEAD + "a: &x [b]\nb: *x", "api.yml:2: anchors and aliases are not taken"),
        (HEAD + "a: !!python/object:os.system x", "api.yml:2: the tag tag:yaml.org,2002:python"),
        (HEAD + "a: " + "[" * 50, "api.yml:2: nested too deep"),
        ("pgrst-gate-snapshot: \x00", "api.yml:1: not YAML"),
    ],
)
def test_a_broken_snapshot_is_refused_with_its_place(text: str, message: str) -> None:
    """File, line and what would be right, whatever is wrong."""
    with pytest.raises(UsageError) as raised:
        snapshot.read(text, "api.yml")
    assert str(raised.value).startswith(message)
