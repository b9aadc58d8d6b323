"""`doctor` finds what is wrong with a set-up, and nothing else."""

import json
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from tests.acceptance.conftest import Start
from tests.acceptance.running import command
from tests.acceptance.world import Kind, World, kinds, start_world, wait_until

from pgrst_gate.cli import main
from pgrst_sandbox.faults.balancer import balanced
from pgrst_sandbox.faults.gateway import Gateway, serving
from pgrst_sandbox.ports import free_port
from pgrst_sandbox.postgres import Postgres

HEALTHY: Final = """
do $$ begin
    if to_regrole('authenticated') is null then create role authenticated nologin; end if;
    if to_regrole('service_role') is null then create role service_role nologin bypassrls; end if;
end $$;
drop event trigger if exists ddl_watch;
drop event trigger if exists drop_watch;
drop schema if exists public, extensions, hidden, supabase_migrations cascade;
drop foreign data wrapper if exists unhandled cascade;
create schema public;
create schema extensions;
create schema supabase_migrations;
create table supabase_migrations.schema_migrations (version text primary key);
insert into supabase_migrations.schema_migrations values ('1'), ('2');
grant usage on schema public to anon;
create table scans (id int primary key, status text);
alter table scans enable row level security;
create policy readers on scans for select using (true);
grant select on scans to anon;
create sequence extensions.calls;
create function ping() returns bigint language sql security definer
    as $$ select nextval('extensions.calls') $$;
create function extensions.watch() returns event_trigger language plpgsql as $$
begin notify pgrst, 'reload schema'; end $$;
create event trigger ddl_watch on ddl_command_end execute function extensions.watch();
create event trigger drop_watch on sql_drop execute function extensions.watch();
"""
UNSEEN: Final = "set local session_replication_role = replica;"
"""Event triggers stay asleep, so nobody reloads."""

NARROW: Final = """
drop event trigger ddl_watch;
create event trigger ddl_watch on ddl_command_end when tag in ('CREATE TABLE')
    execute function extensions.watch();
"""
UNHANDLED: Final = """
create schema hidden;
create foreign data wrapper unhandled;
create server nowhere foreign data wrapper unhandled;
create foreign table hidden.far (id int) server nowhere;
"""
FILES: Final = {"1_base.sql": "create table if not exists scans (id int);", "2_b.sql": "select 1;"}

Found = set[tuple[str, str]]


@pytest.fixture(scope="module")
def kind() -> Kind:
    """One version: what it is of the others the tests of the questions show."""
    return next(one for one in reversed(kinds()) if one.can("plans reads"))


@pytest.fixture(scope="module")
def shared(
    cluster: Postgres, kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A server for the whole module."""
    with start_world(cluster, kind, tmp_path_factory.mktemp("bin"), setup=HEALTHY) as started:
        yield started


@pytest.fixture
def world(shared: World) -> World:
    """A set-up that is well."""
    shared.sql(UNSEEN + HEALTHY)  # so that the load that is waited for is the only one
    shared.reload()
    return shared


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Migrations as they were applied."""
    return filled(tmp_path / "migrations", FILES)


def filled(folder: Path, files: Mapping[str, str]) -> Path:
    """The folder with these files."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def doctor(world: World, folder: Path, **inputs: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON of the command."""
    given = {
        "url": world.url,
        "admin-url": world.admin_url,
        "database-url": world.database_url,
        "migrations": str(folder),
    } | {name.replace("_", "-"): text for name, text in inputs.items()}
    with redirect_stdout(StringIO()) as stdout:
        code = main(["doctor", *(f"--{name}={text}" for name, text in given.items()), "--json"])
    return code, json.loads(stdout.getvalue())


def found(document: Mapping[str, Any]) -> Found:
    """Every subject that has findings, with their severities."""
    return {
        (look["subject"], one["severity"])
        for look in document["subjects"]
        for one in look["findings"]
    }


def test_a_healthy_set_up_has_no_findings(world: World, folder: Path) -> None:
    """All subjects are looked at, and all are well; no function is run, and nothing is loaded."""
    lines = len(world.server.log)

    code, document = doctor(world, folder)

    assert (code, found(document)) == (0, set()), document
    assert {look["state"] for look in document["subjects"]} == {"ok"}
    assert world.rows("select is_called from extensions.calls") == [(False,)]
    assert world.server.log.since(lines) == ()


SICK: Final = {
    "trigger disabled": (
        "alter event trigger ddl_watch disable;",
        {("event-triggers", "risk")},
    ),
    "trigger that misses statements": (
        NARROW,
        {("event-triggers", "risk")},
    ),
    "no trigger": (
        "drop event trigger ddl_watch; drop event trigger drop_watch;",
        {("event-triggers", "note")},
    ),
    "missing grant": ("revoke all on scans from anon;", {("grants", "risk")}),
    "missing usage": ("revoke usage on schema public from anon;", {("grants", "broken")}),
    "missing usage of another role": (
        "grant select on scans to service_role;",
        {("grants", "broken")},
    ),
    "no row-level security": (
        "alter table scans disable row level security;",
        {("unprotected", "risk")},
    ),
    "foreign table without a handler": (
        UNHANDLED,
        {("foreign-tables", "broken")},
    ),
    "stale cache": (
        "alter table scans add column ended_at timestamptz;",
        {("cache", "broken")},
    ),
}


INCURABLE: Final = {"trigger that misses statements", "no trigger"}
"""What is printed for these serves the next clients; a trigger is for its owner to write."""


@pytest.mark.parametrize("name", SICK)
def test_a_sick_database_is_told(world: World, folder: Path, name: str) -> None:
    """Exactly what was done to it, the exit code says whether it is broken; typed, it is cured."""
    sickness, expected = SICK[name]
    world.sql(UNSEEN + sickness)

    code, document = doctor(world, folder)

    assert found(document) == expected
    assert code == int(any(severity == "broken" for _, severity in expected))
    if name not in INCURABLE:
        for look in document["subjects"]:
            for one in look["findings"]:
                world.sql(one["remedy"])
        wait_until(lambda: found(doctor(world, folder)[1]) == set())


def test_what_each_role_of_clients_may_do_is_told(world: World, folder: Path) -> None:
    """Of all that is exposed, whether or not anything is wrong with it."""
    world.sql(
        f"{UNSEEN} grant usage on schema public to service_role;"
        " grant insert on scans to service_role"
    )

    _, document = doctor(world, folder)

    [grants] = [look for look in document["subjects"] if look["subject"] == "grants"]
    assert grants["text"].split("; ") == [
        "anon may read 1 and write 0 of 1 relations, and call 1 of 1 functions",
        "authenticated may read 0 and write 0 of 1 relations, and call 1 of 1 functions",
        "service_role may read 0 and write 1 of 1 relations, and call 1 of 1 functions",
    ]


def test_what_the_cache_lacks_is_named(world: World, folder: Path) -> None:
    """The new column, and none that stands beside it."""
    world.sql(f"{UNSEEN} alter table scans add column ended_at timestamptz;")

    _, document = doctor(world, folder)

    [cache] = [look for look in document["subjects"] if look["subject"] == "cache"]
    [finding] = cache["findings"]
    assert finding["text"] == "the cache lacks public.scans.ended_at, which the database has"
    assert finding["remedy"] == "notify pgrst, 'reload schema';"


def test_a_timeout_below_what_a_load_takes_is_told(start: Start, folder: Path) -> None:
    """The next load, on a new connection, would not end."""
    with start(setup=HEALTHY) as world:
        name = world.database
        world.sql(f"alter role authenticator in database {name} set statement_timeout = '1ms'")
        code, document = doctor(world, folder)
        [timeouts] = [look for look in document["subjects"] if look["subject"] == "timeouts"]
        world.sql(timeouts["findings"][0]["remedy"])
        wait_until(lambda: found(doctor(world, folder)[1]) == set())

    assert (code, found(document)) == (0, {("timeouts", "risk")})


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"schema": "public,nowhere"}, {("schemas", "broken")}),
        ({"admin_url": f"http://127.0.0.1:{free_port()}"}, {("admin-server", "risk")}),
    ],
    ids=["schema that does not exist", "no admin server"],
)
def test_a_sick_configuration_is_told(
    world: World, folder: Path, inputs: Mapping[str, str], expected: Found
) -> None:
    """What is exposed and not there, what was set and does not answer."""
    code, document = doctor(world, folder, **inputs)

    assert found(document) == expected
    assert code == int(any(severity == "broken" for _, severity in expected))


@pytest.mark.parametrize(
    ("gateway", "expected", "exit_code"),
    [
        (Gateway("", keeps=True), {("gateway", "broken")}, 1),
        (Gateway("", drops=["prefer", "accept"]), {("gateway", "broken")}, 1),
        (Gateway("", drops=["accept-profile"]), {("gateway", "risk")}, 0),
        (Gateway("", refuses=404), {("server", "broken")}, 4),
    ],
    ids=["keeps answers", "drops levers", "drops profiles", "answers itself"],
)
def test_a_gateway_in_front_is_told(
    world: World, folder: Path, gateway: Gateway, expected: Found, exit_code: int
) -> None:
    """What it does to requests, by what comes back."""
    gateway.upstream = world.url
    with serving(gateway) as url:
        code, document = doctor(world, folder, url=url)

    assert (found(document), code) == (expected, exit_code)


def test_a_host_on_ipv6_only_is_told(world: World, folder: Path) -> None:
    """Nothing of the database is seen over it here, and the rest is looked at all the same."""
    there = f"postgresql://postgres@[::1]:{world.cluster.port}/{world.database}"

    code, document = doctor(world, folder, database_url=there)

    assert (code, found(document)) == (4, {("reachability", "risk"), ("database", "broken")})


def test_a_server_that_does_not_listen_is_told(start: Start, folder: Path) -> None:
    """Its cache is fresh, and the next NOTIFY is lost."""
    environment = {"PGRST_DB_CHANNEL_ENABLED": "false"}
    with start(setup=HEALTHY, environment=environment) as unhearing:
        code, document = doctor(unhearing, folder)

    assert (code, found(document)) == (0, {("listener", "risk")})


def test_servers_that_differ_are_told(world: World, start: Start, folder: Path) -> None:
    """Behind one address one of two has reloaded."""
    with start(database=world.database) as second, balanced([world.url, second.url]) as url:
        world.sql(f"{UNSEEN} alter table scans add column ended_at timestamptz;")
        world.reload()
        code, document = doctor(world, folder, url=url)

    assert (code, found(document)) == (1, {("instances", "broken")})


@pytest.mark.parametrize(
    ("files", "gone", "expected"),
    [
        ({"2_again.sql": "select 1;"}, "", {("migration-versions", "broken")}),
        ({"3_new.sql": "select 1;"}, "", {("migration-history", "risk")}),
        ({"10_late.sql": "select 1;"}, "", {("migration-history", "broken")}),
        ({}, "2_b.sql", {("migration-history", "broken")}),
        ({"2_b.sql": "select 1;\ncreate table b ();"}, "", {("migration-repeats", "note")}),
        ({"2_b.sql": "create tabel b ();"}, "", {("migration-repeats", "broken")}),
    ],
    ids=["duplicate", "never applied", "passed over", "missing", "not idempotent", "no SQL"],
)
def test_sick_migrations_are_told(
    world: World, folder: Path, files: Mapping[str, str], gone: str, expected: Found
) -> None:
    """What the folder has beside what the database says was applied."""
    filled(folder, files)
    if gone:
        (folder / gone).unlink()

    code, document = doctor(world, folder)

    assert found(document) == expected
    assert code == int(any(severity == "broken" for _, severity in expected))


def test_what_was_not_given_is_not_looked_at(world: World, tmp_path: Path) -> None:
    """The reason is said for each subject, and the plain account has a line for it."""
    ended = command("doctor", f"--url={world.url}", f"--migrations={tmp_path / 'none'}")

    assert ended.returncode == 0, ended.stdout
    assert "not looked at listener            no database-url was given" in ended.stdout
    assert "ok            server" in ended.stdout


def test_nothing_to_look_at_is_a_usage_error(tmp_path: Path) -> None:
    """It says what to give."""
    ended = command("doctor", f"--migrations={tmp_path / 'none'}")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--database-url" in ended.stderr
