"""Nothing is written, no function runs, no trigger fires: whatever is asked, in every state."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import httpx
import pytest
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, gate
from tests.acceptance.world import Kind, World, start_world, token, wait_until

from pgrst_sandbox.faults.gateway import Gateway, serving
from pgrst_sandbox.postgres import Postgres

AUDIT: Final = """
create table audit (entry bigint generated always as identity, what text, how text);
create function note() returns trigger language plpgsql security definer as $$
begin
    insert into public.audit (what, how) values (tg_table_name, tg_op || ' ' || tg_level);
    return coalesce(new, old);
end $$;
create procedure watch(relation regclass, row_timing text) language plpgsql as $$
begin
    execute format('create trigger each_statement before insert or update or delete on %s'
        ' for each statement execute function note()', relation);
    execute format('create trigger each_row %s insert or update or delete on %s'
        ' for each row execute function note()', row_timing, relation);
end $$;
create procedure recorded(signature text) language plpgsql as $$
begin
    execute format('create function %s returns int language plpgsql security definer as %L',
        signature, format(
            'begin insert into public.audit (what, how) values (%L, ''called''); return 1; end',
            signature));
end $$;
create sequence numbers;
alter default privileges in schema public grant all on tables to anon;
alter default privileges in schema public grant usage on sequences to anon;
"""

BEFORE: Final = """
create table projects (id int primary key default nextval('numbers'), name text);
create table scans (id int primary key default nextval('numbers'), project_id int, legacy text);
create table doomed (id int primary key default nextval('numbers'));
insert into projects values (1, 'one');
insert into scans values (1, 1, 'x');
call watch('projects', 'before');
call watch('scans', 'before');
call watch('doomed', 'before');
call recorded('greedy(json)');
call recorded('retired(a int)');
"""

MIGRATION: Final = """
alter table scans add column ended_at timestamptz default now();
alter table scans add foreign key (project_id) references projects;
alter table scans drop column legacy;
drop table doomed;
drop function retired;
create table heartbeats (id int primary key default nextval('numbers'), message text);
create view active_scans as select id, ended_at from scans;
call watch('heartbeats', 'before');
call watch('active_scans', 'instead of');
call recorded('no_arguments()');
call recorded('two(a int)');
call recorded('two(a int, b text)');
call recorded('optional(a int default 1)');
call recorded('many(variadic a int[])');
call recorded('takes_any(json)');
call recorded('greedy(a int, b int)');
call recorded('same_names(a int)');
call recorded('same_names(a text)');
"""

EVERYTHING: Final = {
    "expected_tables": "projects, scans, heartbeats, active_scans, never",
    "expected_columns": """
        scans: id, ended_at timestamptz, never
        active_scans: ended_at
        heartbeats: message text
    """,
    "expected_functions": """
        no_arguments()
        two(a, b)
        two(a)
        two(wrong)
        two()
        optional()
        optional(a int)
        many(a)
        takes_any(*)
        takes_any()
        takes_any(a)
        greedy(*)
        greedy(a, b)
        same_names(a)
        never()
        never(a)
    """,
    "expected_relationships": "scans -> projects\nprojects -> scans\nscans -> heartbeats",
    "expected_absent": "scans: legacy\ndoomed\nretired(a)\nretired()\nscans -> never",
}
"""What is there and what is not, rightly and wrongly named."""

BACKENDS: Final = "select pid from pg_stat_activity where datname = current_database()"

GATEWAYS: Final = {
    "none": Gateway(""),
    "drops Prefer": Gateway("", drops=["prefer"]),
    "drops Accept": Gateway("", drops=["accept"]),
    "answers OPTIONS and hides the server": Gateway("", answers_options=True, hides=["server"]),
    "drops all that a gate depends on": Gateway(
        "", drops=["prefer", "accept", "accept-profile", "content-profile"]
    ),
}


CALLS: Final = """
select funcname, calls from pg_stat_user_functions
where schemaname = 'public' and funcname not in ('watch', 'recorded')
"""
"""All but the procedures above, which only make what is audited."""


def audited_database(cluster: Postgres) -> str:
    """A database whose objects all keep a record of what is done to them."""
    name = f"audited_{secrets.token_hex(4)}"
    cluster.create_database(name)
    cluster.execute(f"alter database {name} set track_functions = 'all'", dbname="postgres")
    cluster.execute(AUDIT + BEFORE, dbname=name)
    return name


@pytest.fixture(scope="module", params=["stale", "fresh"])
def audited(
    request: pytest.FixtureRequest,
    cluster: Postgres,
    kind: Kind,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A PostgREST over such a database, with its cache older than the migration, or not."""
    home, database = tmp_path_factory.mktemp("bin"), audited_database(cluster)
    with start_world(cluster, kind, home, database=database) as world:
        world.sql(MIGRATION)
        if request.param == "fresh":
            world.reload()
        yield world


def record(world: World) -> Mapping[str, list[tuple[Any, ...]]]:
    """All that would be otherwise, had anything been done."""
    return {
        "audit": world.rows("select what, how from audit order by entry"),
        "numbers": world.rows("select last_value, is_called from numbers"),
        "projects": world.rows("select * from projects"),
        "scans": world.rows("select * from scans"),
        "heartbeats": world.rows("select * from heartbeats"),
    }


@pytest.mark.parametrize("role", ["root", "stranger"])
@pytest.mark.parametrize("name", GATEWAYS)
def test_the_gate_changes_nothing(audited: World, name: str, role: str) -> None:
    """Who may do all, or nothing, asks for everything and leaves no trace."""
    before = record(audited)
    with serving(replace(GATEWAYS[name], upstream=audited.url)) as url:
        report = gate(
            url, timeout=BRIEF, token=token(role), admin_url=audited.admin_url, **EVERYTHING
        )

    assert report.exit_code in {1, 4}
    assert record(audited) == before
    assert before["audit"] == []


def test_the_audit_sees_what_is_done(audited: World) -> None:
    """An insert of no rows without the levers fires the statement triggers, and is on record."""
    bearer = {"Authorization": f"Bearer {token('root')}"}

    httpx.post(f"{audited.url}/projects?columns=id", json=[], headers=bearer)
    httpx.post(f"{audited.url}/rpc/greedy", json={}, headers=bearer)

    assert record(audited)["audit"] == [
        ("projects", "INSERT STATEMENT"),
        ("greedy(json)", "called"),
    ]


def test_no_function_is_called(cluster: Postgres, start: Start) -> None:
    """PostgreSQL itself counts no call; it has them all once the server's backends have ended."""
    with start(database=audited_database(cluster)) as world:
        world.sql(MIGRATION)
        gate(world.url, timeout=BRIEF, token=token("root"), **EVERYTHING)
        world.reload()
        gate(world.url, timeout=BRIEF, token=token("root"), **EVERYTHING)
    wait_until(lambda: len(world.rows(BACKENDS)) == 1)

    assert world.rows(CALLS) == []
