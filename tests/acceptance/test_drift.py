"""Drift on real sources: the same schema, however it was read, is no drift; a change is."""

from pathlib import Path

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.conftest import Start
from tests.acceptance.world import BASE, MIGRATION, World, token

from pgrst_gate.cli import main
from pgrst_gate.database import connected
from pgrst_gate.drift.changes import compare
from pgrst_gate.errors import NotObserved
from pgrst_gate.expectations.catalog import read_surface
from pgrst_gate.postgrest import live
from pgrst_gate.postgrest.client import Client, Credentials
from pgrst_gate.surface import Surface

ODD = """
create type mood as enum ('sad', 'happy');
create domain email as text check (value ~ '@');
create table people (
    id bigint generated always as identity primary key,
    boss bigint references people,
    code varchar(8), price numeric(10, 2) not null default 0, address email,
    mood mood, moods mood[], seen timestamptz not null default now(),
    upper_code text generated always as (upper(code)) stored
);
create table friends (a bigint references people, b bigint references people, primary key (a, b));
create table tags (id int primary key);
create table tagged (
    person bigint references people, tag int references tags, primary key (person, tag)
);
create view adults as select id, boss, code from people;
create function many(variadic words text[]) returns setof people language sql stable
    as $$ select * from people $$;
create function shown(person people) returns table (a int, b mood) language sql stable
    as $$ select 1, 'sad'::mood $$;
create function moods() returns mood[] language sql stable as $$ select '{sad}'::mood[] $$;
create function now_or(at timestamptz default now()) returns timestamptz language sql stable
    as $$ select at $$;
"""


def of_database(world: World) -> Surface:
    """The surface by the catalog."""
    url = world.cluster.dsn(world.database, "frail")
    with connected(url, "read", NotObserved) as connection:
        return read_surface(connection, ["public"])


def of_api(world: World, *, admin: bool) -> Surface:
    """The surface by the running API, as a role that may do everything."""
    credentials = Credentials(token=token("root"))
    with Client(world.url, credentials) as client, Client(world.admin_url, Credentials()) as cache:
        return live.read_surface(client, cache if admin else None, ())


@pytest.mark.parametrize(
    "admin", [pytest.param(True, marks=needs("counts loads")), False], ids=["cache", "openapi"]
)
def test_a_schema_does_not_differ_from_itself(start: Start, *, admin: bool) -> None:
    """The catalog, the schema cache and the description of one schema compare equal."""
    with start(setup=BASE + MIGRATION + ODD) as world:
        catalog, api = of_database(world), of_api(world, admin=admin)

    assert compare(catalog, api) == compare(api, catalog) == ()
    assert len(api.relations) >= 10
    assert len(api.functions) >= 10


def test_two_environments_are_compared(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Staging is ahead of production by a migration, each asked with its own key."""
    secret = {"before": token("root"), "after": token("root", n=1)}
    with start(setup=BASE) as old, start(setup=BASE + MIGRATION) as new:
        keys = ["--before-token", secret["before"], "--token", secret["after"]]
        code = diff(old.url, new.url, *keys)
        shown = capsys.readouterr()

    assert code == 1, shown.err
    for subject in (
        "column-removed public.scans.legacy",
        "column-type-changed public.scans.retyped",
        "relation-removed public.doomed",
        "function-removed public.retired(a)",
        "relation-added public.heartbeats",
        "column-added public.scans.ended_at",
    ):
        assert f"  {subject}\n" in shown.out
    assert "is as an API's description has it" in shown.out
    assert not any(value in shown.out for value in secret.values())


@needs("counts loads")
def test_a_pull_request_is_compared_with_its_snapshot(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was written from the API opens the gate, until the API changes; a database does too."""
    path = str(tmp_path / "api.snapshot.yml")
    url = world.cluster.dsn(world.database, "frail")
    asked = ["--admin-url", world.admin_url]

    assert main(["snapshot", world.url, "--out", path, *asked]) == 0
    assert diff(path, world.url, *asked) == diff(path, url) == 0
    world.sql("revoke select on projects from anon; alter table scans drop column legacy")
    assert diff(path, world.url, *asked) == 0, "the API has not reloaded"
    assert diff(path, url) == 1
    assert "column-removed public.scans.legacy" in capsys.readouterr().out


def test_what_the_api_does_not_tell_is_no_drift(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that is refused is no verdict, and nothing is written."""
    path = tmp_path / "api.snapshot.yml"
    code = main(["snapshot", world.url, "--token", token("root", "wrong" * 8), "--out", str(path)])

    assert (code, path.exists()) == (4, False)
    assert "the API refused the key" in capsys.readouterr().err


def diff(*arguments: str) -> int:
    """The exit code of the command."""
    return main(["diff", *arguments])
