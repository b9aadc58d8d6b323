"""Rules on who may do what: kept and broken ones are told apart, and nothing is written for it."""

import secrets
from collections.abc import Iterator
from typing import Final

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import Kind, World, start_world, token

from pgrst_gate.report import Report
from pgrst_sandbox.postgres import Postgres
from pgrst_sandbox.process import SECRET

SETUP: Final = """
drop schema if exists public cascade;
create schema public;
grant usage on schema public to anon, member, stranger;
create table audit (what text);
create function note() returns trigger language plpgsql security definer as $$
begin
    insert into public.audit values (tg_op);
    return coalesce(new, old);
end $$;
create table projects (id int primary key, owner text);
insert into projects values (1, 'member'), (2, 'member'), (3, 'other');
create trigger watch before insert or update or delete on projects for each statement
    execute function note();
alter table projects enable row level security;
create policy own on projects for select to member using (owner = 'member');
grant select on projects to anon;
grant all on projects to member;
create table scans (
    id int primary key, status text, doubled int generated always as (id * 2) stored
);
create trigger watch before insert or update or delete on scans for each statement
    execute function note();
grant select (id), update (status) on scans to stranger;
grant select, insert on scans to member;
create table vault (id int primary key);
alter table vault enable row level security;
grant insert, delete on vault to member;
create function touch(a int) returns int language plpgsql security definer as $$
begin insert into public.audit values ('touched'); return 1; end $$;
create function tick() returns int language plpgsql security definer as $$
begin insert into public.audit values ('ticked'); return 1; end $$;
revoke execute on function touch, tick from public;
grant execute on function touch, tick to member;
"""
SILENT: Final = "select * from audit"


@pytest.fixture(scope="module")
def guarded(
    cluster: Postgres, kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A PostgREST that shows plans, over tables and functions that keep a record."""
    home, explains = tmp_path_factory.mktemp("bin"), {"PGRST_DB_PLAN_ENABLED": "true"}
    with start_world(cluster, kind, home, setup=SETUP, environment=explains) as started:
        yield started


def asked(world: World, access: str, **inputs: str) -> Report:
    """A gate with these rules; every role can be."""
    return gate(world.url, access=access, **({"jwt_secret": SECRET} | inputs))


def outcomes(report: Report) -> list[str]:
    """How each rule ended."""
    return [one.outcome for one in report.access]


KEPT: Final = """
anon may read projects
anon may read 0 rows of projects
member may read 2 rows of projects
member may read at least 1 row of projects
member may read at most 2 rows of public.projects
anon may not read scans
anonymous may not read vault, scans
stranger may read scans
anon may not write projects, scans, vault
member may write projects
member may insert scans
member may not update scans
member may not delete scans
stranger may update scans
stranger may not insert scans
stranger may not delete scans
outsider may not read projects
outsider may not write projects
member may call tick()
"""
KEPT_CALLS: Final = "member may call touch(a)\nanon may not call touch(a)"
BROKEN: Final = {
    "anon may not read public.projects": "revoke select on public.projects from public, anon;",
    "anon may read public.scans": "grant select on public.scans to anon;",
    "stranger may not read public.scans": "revoke select on public.scans from public, stranger;",
    "member may read 5 rows of public.projects": "create policy <name> on public.projects",
    "member may read at most 1 row of public.projects": "alter table public.projects enable row",
    "anon may insert public.projects": "grant insert on public.projects to anon;",
    "member may not insert public.scans": "revoke insert on public.scans from public, member;",
    "member may not delete public.projects": (
        "revoke delete on public.projects from public, member;"
    ),
    "stranger may not update public.scans": "revoke update on public.scans from public, stranger;",
    "outsider may read public.projects": (
        "grant usage on schema public to outsider;\ngrant select on public.projects to outsider;"
    ),
}
BROKEN_CALLS: Final = {
    "anon may call public.touch(a)": "grant execute on function public.touch to anon;",
    "member may not call public.touch(a)": (
        "revoke execute on function public.touch from public, member;"
    ),
}


def test_rules_that_are_kept_open_the_gate(guarded: World, kind: Kind) -> None:
    """As anybody, and as a role by a token that the gate makes; nothing is left behind."""
    report = asked(guarded, KEPT + (KEPT_CALLS if kind.can("tells calls") else ""))

    assert [one for one in report.access if one.outcome != "kept"] == []
    assert report.exit_code == 0, report.sentence
    assert guarded.rows(SILENT) == []


def test_rules_that_are_broken_close_the_gate(guarded: World, kind: Kind) -> None:
    """What was answered is told, and what to type for each."""
    expected = BROKEN | (BROKEN_CALLS if kind.can("tells calls") else {})

    report = asked(guarded, "\n".join(expected))

    assert {one.line: one.outcome for one in report.access} == dict.fromkeys(expected, "broken")
    assert [one for one in report.access if not one.told] == []
    assert [one for one in report.access if expected[one.line] not in one.remedy] == []
    count = len(expected)
    assert report.exit_code == 1
    assert report.sentence == f"gate closed: {count} of {count} rules of access are not kept"
    assert guarded.rows(SILENT) == []


@needs("tells calls")
def test_what_is_typed_keeps_the_rule(world: World) -> None:
    """A privilege that everybody has is taken from everybody."""
    world.sql("create function api(a int) returns int language sql stable as 'select a'")
    world.reload()
    rules = "anon may not read scans\nanon may not insert projects\nanon may not call api(a)"

    before = asked(world, rules, database_url=world.database_url)
    for result in before.access:
        world.sql(result.remedy)
    after = asked(world, rules, database_url=world.database_url)

    assert set(outcomes(before)) == {"broken"}
    assert set(outcomes(after)) == {"kept"}


def test_what_no_request_can_tell_is_not_judged(guarded: World) -> None:
    """A delete that finds no row needs a column to look at, and this role may read none."""
    report = asked(guarded, "member may not delete vault\nmember may insert vault")

    assert outcomes(report) == ["not judged", "kept"]
    assert (report.exit_code, report.access[0].cause) == (1, "unproven")
    assert guarded.rows(SILENT) == []


def test_the_database_tells_what_no_request_can(guarded: World) -> None:
    """By its catalog, and only where it is given."""
    rules = "member may delete vault\nmember may not update vault\nanon may not call tick()"
    report = asked(guarded, rules, database_url=guarded.database_url)

    assert outcomes(report) == ["kept", "kept", "kept"], report.access
    assert "database: member has the privilege to delete public.vault" in report.access[0].told


def test_without_plans_and_database_no_write_is_judged(world: World) -> None:
    """Nothing is written to find out: each is told to be unproven, with what would tell."""
    report = asked(world, "member may write projects")

    assert outcomes(report) == ["not judged"] * 3
    assert {one.cause for one in report.access} == {"unproven"}
    assert "give `database-url`" in report.access[0].remedy
    assert report.exit_code == 1


@needs("plans reads")
def test_what_is_not_cached_is_not_forbidden(world: World) -> None:
    """An item that is stale closes the gate as such, and no rule on it is asked."""
    world.sql("create table fresh (id int); revoke all on fresh from anon")

    report = asked(world, "anon may not read fresh", timeout=BRIEF)

    assert causes(report) == {"fresh": "stale"}
    assert outcomes(report) == ["not asked"]
    assert report.exit_code == 1


@needs("plans reads")
def test_what_is_cached_and_gone_is_not_forbidden(world: World) -> None:
    """The database's refusal is not one of privileges; nor is it one that a list is silent."""
    world.sql("drop table doomed; drop function ping()")

    report = asked(world, "anon may not read doomed\nanon may not call ping()", timeout=BRIEF)

    assert outcomes(report) == ["not judged", "not judged"], report.access
    assert [one.cause for one in report.access] == ["not-applied", "unproven"]
    assert report.exit_code == 1


def test_a_token_that_is_refused_is_no_proof(world: World) -> None:
    """That member may not read is not shown by a token that nobody signed."""
    forged = token("member", secret=secrets.token_hex(32))

    report = gate(world.url, access="member may not read scans", role_tokens=f"member: {forged}")

    assert outcomes(report) == ["not judged"]
    assert (report.exit_code, report.access[0].cause) == (1, "unauthorized")


def test_nobody_without_a_token_is_refused_by_the_server(
    cluster: Postgres, kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where there is no anonymous role that is PostgREST's own refusal, of everything."""
    home, closed = tmp_path_factory.mktemp("bin"), {"PGRST_DB_ANON_ROLE": ""}
    with start_world(cluster, kind, home, environment=closed) as world:
        rules = "anonymous may not read scans\nanonymous may not write scans\nmember may read scans"
        report = asked(world, rules, token=token("member"))

    assert outcomes(report) == ["kept"] * 5, report.access


@pytest.mark.parametrize(
    ("given", "role"),
    [
        ({"role_tokens": f"member: {token('member')}"}, "member"),
        ({"headers": f"Authorization: Bearer {token('root')}", "jwt_secret": SECRET}, "member"),
        ({"headers": f"Authorization: Bearer {token('root')}"}, "anonymous"),
    ],
)
def test_the_gate_is_the_role_by_any_way(guarded: World, given: dict[str, str], role: str) -> None:
    """The rows that it sees are those of that role."""
    rows = {"member": 2, "anonymous": 0}[role]

    report = gate(guarded.url, access=f"{role} may read {rows} rows of projects", **given)

    assert outcomes(report) == ["kept"], report.access


OPEN_TO_ALL: Final = """
create table bare (id int);
create table covered (id int);
alter table covered enable row level security;
create table hidden (id int);
revoke all on hidden from anon;
create view seen as select * from covered;
create materialized view copied as select * from covered;
create view asking with (security_invoker = true) as select * from covered;
"""
NEW: Final = "bare, covered, hidden, seen, copied, asking"


def test_what_anybody_can_read_is_found(world: World) -> None:
    """Whatever kind of relation it is, if no policy can hide a row; what it closes is typed."""
    world.sql(OPEN_TO_ALL)
    world.reload()
    inputs = {"expected_tables": NEW, "token": token("root"), "database_url": world.database_url}

    report = gate(world.url, **inputs)
    closed = gate(world.url, fail_on_unprotected="true", **inputs)
    for finding in closed.findings:
        world.sql(finding.remedy)
    after = gate(world.url, fail_on_unprotected="true", **inputs)

    assert [one.text.partition(": ")[0] for one in report.findings] == [
        "anon can read every row of public.bare",
        "anon can read every row of public.seen",
        "anon can read every row of public.copied",
    ]
    assert {one.subject for one in report.findings} == {"unprotected"}
    assert (report.exit_code, closed.exit_code) == (0, 1)
    assert closed.sentence == "gate closed: 3 relations unprotected"
    assert (after.exit_code, after.findings) == (0, ())


def test_what_anybody_is_said_to_read_is_not_found(world: World) -> None:
    """Who writes the rule means it."""
    report = gate(
        world.url,
        expected_tables="scans, projects",
        access="anon may read scans",
        fail_on_unprotected="true",
        database_url=world.database_url,
    )

    assert [one.text.partition(":")[0] for one in report.findings] == [
        "anon can read every row of public.projects"
    ]


def test_a_gate_that_cannot_see_what_is_unprotected_is_closed(world: World) -> None:
    """Where it is to fail on that, silence would open it."""
    report = gate(
        world.url,
        expected_tables="scans",
        fail_on_unprotected="true",
        database_url=world.cluster.dsn("no_such_database"),
    )

    assert report.exit_code == 1
    assert report.sentence == "gate closed: what the anonymous role can read could not be told"
