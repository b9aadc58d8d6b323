"""The state of a database, read as a user who may do no more than connect."""

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from pgrst_gate.errors import NotObserved
from pgrst_gate.health import read
from pgrst_gate.health.settings import in_force, seconds
from pgrst_gate.health.triggers import covers, notifies
from pgrst_gate.health.values import Health, Trigger, Unhandled
from pgrst_gate.schema import Relation
from pgrst_sandbox.postgres import Postgres, postgres

SETUP: Final = """
create role anon nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit;
create role nobody login;
alter role authenticator set statement_timeout = '8s';
alter database postgres set statement_timeout = '1min';
grant usage on schema public to anon;
revoke usage on schema public from public;
create table scans (id serial primary key, status text);
alter table scans enable row level security;
create policy own on scans for select to anon using (status = 'open');
grant select (id), insert on scans to anon;
create view calm with (security_invoker = true) as select 1 as id;
create function hidden(a int, out b int) language sql security definer
    set search_path = public as $$ select a $$;
revoke execute on function hidden from public;
create foreign data wrapper hollow;
create server away foreign data wrapper hollow;
create foreign table far (id int) server away;
create function watch() returns event_trigger language plpgsql as $$
    begin /* NOTIFY other */ if tg_tag in ('CREATE TABLE', 'ALTER TABLE') then
    NOTIFY pgrst, 'reload schema'; end if; end $$;
create event trigger watch on ddl_command_end execute function watch();
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """A database with something of each kind."""
    with postgres() as cluster:
        cluster.execute(SETUP, dbname="postgres")
        yield cluster


@pytest.fixture(scope="module")
def health(database: Postgres) -> Health:
    """Its state, as `nobody` sees it."""
    return read(database.dsn(user="nobody"), ("public", "nowhere"))


def test_schemas_that_do_not_exist_are_told(health: Health) -> None:
    """And of the others, who may use them."""
    assert health.missing == frozenset({"nowhere"})
    assert health.usage == {"public": frozenset({"anon"})}


def test_the_rights_of_a_role_are_told_by_table_and_column(health: Health) -> None:
    """Those on some columns only are written by column; and whether a sequence may be drawn."""
    assert health.tables is not None
    scans = health.tables[Relation("public", "scans")]
    rights = scans.rights["anon"]
    assert rights.whole == {"insert"}
    assert rights.allow("select", "id")
    assert not rights.allow("select", "status")
    assert [(str(one.relation), one.users) for one in scans.sequences] == [
        ("public.scans_id_seq", frozenset())
    ]


def test_row_level_security_is_told_with_who_is_past_it(health: Health) -> None:
    """Policies by name, command and role; roles by BYPASSRLS."""
    assert health.tables is not None
    assert health.roles is not None
    scans, calm = (health.tables[Relation("public", name)] for name in ("scans", "calm"))
    assert (scans.row_security, scans.forced) == (True, False)
    assert [(one.name, one.command, one.roles) for one in scans.policies] == [
        ("own", "select", ("anon",))
    ]
    assert [scans.bypassed_by(health.roles[one]) for one in ("anon", "service_role")] == [
        False,
        True,
    ]
    assert (calm.kind, calm.security_invoker) == ("view", True)


def test_functions_are_told_with_whose_rights_they_have(health: Health) -> None:
    """Names and types of the input arguments, SECURITY DEFINER, search_path and callers."""
    assert health.routines is not None
    [hidden] = health.routines
    assert (hidden.name, hidden.arguments, hidden.types) == ("hidden", ("a",), ("integer",))
    assert (hidden.definer, hidden.search_path, hidden.callers) == (True, "public", frozenset())


@pytest.mark.parametrize(("role", "limit"), [("authenticator", 8), ("anon", 60)])
def test_the_statement_timeout_in_force_is_told(health: Health, role: str, limit: int) -> None:
    """A role's own goes before its database's."""
    assert health.settings is not None
    found = in_force(health.settings, "statement_timeout", role)
    assert found is not None
    assert seconds(found.value) == limit


def test_foreign_tables_without_a_handler_are_told(health: Health) -> None:
    """With their server and wrapper."""
    assert health.unhandled == (Unhandled(Relation("public", "far"), "away", "hollow"),)


@pytest.mark.parametrize(
    ("command", "covered"), [("ALTER TABLE", True), ("CREATE TABLE", True), ("ALTER TYPE", False)]
)
def test_what_an_event_trigger_covers_is_told(
    health: Health, command: str, *, covered: bool
) -> None:
    """By the tags in its function; comments are none of it."""
    assert health.triggers is not None
    [watch] = health.triggers
    assert [notifies(watch, channel) for channel in ("pgrst", "other")] == [True, False]
    assert covers(watch, command) is covered


@pytest.mark.parametrize(
    ("trigger", "covered"),
    [
        (Trigger("t", "ddl_command_end", "disabled", frozenset(), ""), False),
        (Trigger("t", "ddl_command_end", "origin", frozenset({"ALTER TABLE"}), ""), True),
        (Trigger("t", "ddl_command_end", "origin", frozenset({"CREATE TABLE"}), ""), False),
        (Trigger("t", "sql_drop", "origin", frozenset(), ""), False),
    ],
)
def test_a_trigger_covers_what_it_fires_for(trigger: Trigger, *, covered: bool) -> None:
    """By its event, its own tags, and whether it is enabled."""
    assert covers(trigger, "ALTER TABLE") is covered


def test_what_may_not_be_seen_is_unknown(database: Postgres) -> None:
    """Of another user's session, whether it listens; it is known to the superuser."""
    named = f"{database.dsn(user='authenticator')}?application_name=PostgREST%2014.14"
    with psycopg.connect(named, autocommit=True) as listener:
        listener.execute('listen "pgrst"')
        channels = []
        for user in ("nobody", "postgres"):
            seen = read(database.dsn(user=user), ("public",)).listening
            assert seen is not None
            assert seen.queue == 0
            channels += [(one.user, one.channel) for one in seen.sessions if one.is_postgrest]

    assert channels == [("authenticator", None), ("authenticator", "pgrst")]


def test_a_catalog_that_is_closed_is_unknown_and_the_rest_is_told(database: Postgres) -> None:
    """Each question has its own answer."""
    database.create_database("closed")
    database.execute("revoke select on pg_proc from public", dbname="closed")

    found = read(database.dsn("closed", "nobody"), ("public",))

    assert (found.routines, found.triggers) == (None, None)
    assert found.tables == {}


def test_a_database_that_is_down_is_not_observed() -> None:
    """With what to do about it."""
    with pytest.raises(NotObserved, match="cannot be examined"):
        read("postgresql://u@127.0.0.1:1/d", ("public",))
