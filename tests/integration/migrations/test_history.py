"""The tables in which migration tools keep what they applied."""

from collections.abc import Iterator

import psycopg
import pytest

from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.expectations.migrations import Layout, applied
from pgrst_sandbox.postgres import Postgres, postgres

TABLES: dict[Layout, str] = {
    "supabase": """
        create schema supabase_migrations;
        create table supabase_migrations.schema_migrations (version text primary key, name text);
        insert into supabase_migrations.schema_migrations values ('2', 'b'), ('1', 'a');
    """,
    "flyway": """
        create table flyway_schema_history (version text, script text, success boolean);
        insert into flyway_schema_history
          values ('1', 'V1__a.sql', true), (null, 'R__b.sql', true), ('2', 'V2__c.sql', false);
    """,
    "dbmate": """
        create table schema_migrations (version varchar primary key);
        insert into schema_migrations values ('2'), ('1');
    """,
    "golang-migrate": """
        create table schema_migrations (version bigint, dirty boolean);
        insert into schema_migrations values (5, true);
    """,
    "sqitch": """
        create schema sqitch;
        create table sqitch.changes (change_id text, change text);
        insert into sqitch.changes values ('a1', 'users'), ('b2', 'api');
    """,
    "prisma": """
        create table _prisma_migrations
          (migration_name text, finished_at timestamptz, rolled_back_at timestamptz);
        insert into _prisma_migrations
          values ('1_a', now(), null), ('2_b', null, null), ('3_c', now(), now());
    """,
    "drizzle": """
        create schema drizzle;
        create table drizzle.__drizzle_migrations (id serial, hash text, created_at bigint);
        insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 17), ('y', 18);
    """,
}
VERSIONS: dict[Layout, tuple[str, ...]] = {
    "supabase": ("1", "2"),
    "flyway": ("R__b.sql", "V1__a.sql"),
    "dbmate": ("1", "2"),
    "golang-migrate": ("4",),
    "sqitch": ("api", "users"),
    "prisma": ("1_a",),
    "drizzle": ("17", "18"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One PostgreSQL for all tools, with a database for each."""
    with postgres() as started:
        yield started


@pytest.mark.parametrize(("layout", "versions"), VERSIONS.items())
def test_history_is_that_of_the_tool(
    server: Postgres, layout: Layout, versions: tuple[str, ...]
) -> None:
    """Failed and rolled back migrations are not applied; before the first one nothing is."""
    server.create_database(layout)
    url = server.dsn(layout)
    assert applied(url, layout) == ()

    server.execute(TABLES[layout], dbname=layout)

    assert applied(url, layout) == versions


def test_history_that_may_not_be_read_is_an_error(server: Postgres) -> None:
    """An unreadable history is none that is empty: all migrations would count as new."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create role nosy login; create schema supabase_migrations")
        connection.execute("create table supabase_migrations.schema_migrations (version text)")

    with pytest.raises(NotObserved, match="permission denied"):
        applied(server.dsn(user="nosy"), "supabase")


def test_plain_folder_has_no_history() -> None:
    """Who applies plain files by hand must say what is new."""
    with pytest.raises(UsageError, match="has no table"):
        applied("postgresql://nowhere", "plain")
