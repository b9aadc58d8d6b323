"""Two exposed schemas with namesakes: what one has proves nothing of the other."""

from collections.abc import Iterator
from typing import Final

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import Kind, World, start_world

from pgrst_sandbox.postgres import Postgres

SETUP: Final = """
create schema v1;
create schema v2;
grant usage on schema v1, v2 to anon;
create table v1.items (id int primary key);
create table v2.items (id int primary key, extra text);
create table v2.only_two (id int primary key);
create function v1.f(a int) returns int language sql stable as $$ select a $$;
create function v2.f(a int, b int) returns int language sql stable as $$ select a + b $$;
grant select on all tables in schema v1, v2 to anon;
"""


@pytest.fixture(scope="module")
def world(
    cluster: Postgres, kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A PostgREST that exposes both, `v1` first."""
    home = tmp_path_factory.mktemp("bin")
    both = {"PGRST_DB_SCHEMAS": "v1, v2"}
    with start_world(cluster, kind, home, setup=SETUP, environment=both) as started:
        yield started


CALLS: Final = needs("tells calls")
SERVED: Final = (
    ("", "expected_columns", "items: id", "served"),
    ("", "expected_columns", "v2.items: extra", "served"),
    ("", "expected_columns", "v1.items: extra", "not-applied"),
    ("", "expected_tables", "v2.only_two", "served"),
    pytest.param("", "expected_functions", "f(a)", "served", marks=CALLS),
    pytest.param("", "expected_functions", "v2.f(a, b)", "served", marks=CALLS),
    ("v2", "expected_columns", "items: extra", "served"),
    pytest.param("v2", "expected_functions", "f(a, b)", "served", marks=CALLS),
    ("v2, v1", "expected_tables", "only_two", "served"),
    ("v1", "expected_columns", "items: extra", "not-applied"),
    pytest.param("v1", "expected_tables", "only_two", "stale", marks=needs("plans reads")),
    pytest.param("v1", "expected_functions", "f(a, b)", "stale", marks=CALLS),
    ("", "expected_tables", "v3.items", "not-exposed"),
    ("v3", "expected_tables", "items", "not-exposed"),
)


@pytest.mark.parametrize(("schema", "kind_of_item", "item", "cause"), SERVED)
def test_each_schema_is_asked_for_its_own(
    world: World, schema: str, kind_of_item: str, item: str, cause: str
) -> None:
    """A name without a schema is of the first one, which is the server's unless it is given."""
    report = gate(world.url, timeout=BRIEF, schema=schema, **{kind_of_item: item})

    assert set(causes(report).values()) == {cause}
    assert report.exit_code == (0 if cause == "served" else 1)


def test_an_absence_in_one_schema_is_not_one_in_the_other(world: World) -> None:
    """The column is gone from the one, and there in the other."""
    report = gate(world.url, timeout=BRIEF, expected_absent="v1.items: extra\nv2.items: extra")

    assert causes(report) == {"v1.items.extra": "gone", "v2.items.extra": "still-served"}
