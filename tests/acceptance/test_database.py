"""Expectations from the database: nothing is typed, and every difference is found."""

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import BASE, World

from pgrst_gate.report import Report


def everything(world: World, **inputs: str) -> Report:
    """The gate, with all expected that the database offers, read as a user who may only connect."""
    url = world.cluster.dsn(world.database, "frail")
    return gate(world.url, expect_from="database", database_url=url, **inputs)


@pytest.mark.parametrize("admin", [True, False])
@needs("plans only")
def test_a_fresh_cache_opens_the_gate(fresh: World, *, admin: bool) -> None:
    """All that PostgREST exposes is found served, also what this key may not use."""
    report = everything(fresh, admin_url=fresh.admin_url if admin else "")

    found = causes(report)
    guarded = "guarded(a integer)" if admin else "guarded(a)"
    assert (report.exit_code, set(found.values())) == (0, {"served"}), report.sentence
    assert {"heartbeats", "scan_counts", "tick()", guarded, "scans -> projects"} <= found.keys()
    assert not any("same_names" in item for item in found), "no client can call either"


@needs("plans only")
def test_a_stale_cache_closes_it_and_every_new_item_is_named(stale: World) -> None:
    """What the migration brought is stale, each by itself; what was there before is served."""
    found = causes(everything(stale, timeout=BRIEF))

    red = {item for item, cause in found.items() if cause != "served"}
    assert {found[item] for item in red} == {"stale"}
    assert {
        "heartbeats",
        "heartbeats.scan_id",
        "scans.ended_at",
        'scans."Odd Col"',
        "scan_counts",
        "update_scan_heartbeat(scan_id, progress_msg)",
        "takes_any(*)",
        "scans -> projects",
        "projects -> scans",
    } <= red
    assert {"scans", "scans.id", "projects", "ping()"} <= found.keys() - red


NAMED_JSON = """
create function hook(payload jsonb) returns jsonb language sql stable as $$ select $1 $$;
create view public.joined as select s.id, s.project_id, p.name from scans s, projects p;
create table parted (id int, d date) partition by range (d);
create table parted_1 partition of parted for values from ('2026-01-01') to ('2027-01-01');
create function on_change() returns trigger language plpgsql as $$ begin return new; end $$;
create procedure chore() language sql as $$ select 1 $$;
create function unnamed(int, int) returns int language sql as $$ select 1 $$;
alter table scans add foreign key (project_id) references projects;
"""


@needs("plans only")
def test_what_postgrest_leaves_out_is_not_expected(start: Start) -> None:
    """Partitions, triggers, procedures and unnamed arguments are no items; the rest is served."""
    with start(setup=BASE + NAMED_JSON) as world:
        report = everything(world, mode="verify")

    found = causes(report)
    assert (report.exit_code, set(found.values())) == (0, {"served"}), report.sentence
    assert {"parted", "joined -> projects", "parted.d"} <= found.keys()
    assert not {"parted_1", "on_change()", "chore()"} & found.keys()
