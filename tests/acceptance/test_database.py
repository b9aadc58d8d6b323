"""Expectations from the database: nothing is typed, and every difference is found."""

from pathlib import Path

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import BRIEF, causes, command, gate
from tests.acceptance.world import BASE, MIGRATION, World

from pgrst_gate.report import Report
from pgrst_sandbox.postgres import Postgres


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


@needs("plans only")
def test_what_is_derived_can_be_pinned(stale: World, tmp_path: Path) -> None:
    """`expect` prints what `config` takes, and asks no API."""
    database_url = stale.cluster.dsn(stale.database, "frail")

    printed = command("expect", "--expect-from", "database", "--database-url", database_url)
    (tmp_path / "gate.yml").write_text(printed.stdout)
    report = gate(stale.url, config=str(tmp_path / "gate.yml"), timeout=BRIEF)

    assert printed.returncode == 0, printed.stderr
    assert "items expected from the database" in printed.stderr
    assert (report.exit_code, causes(report)["heartbeats"]) == (1, "stale")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "nothing is expected"),
        (("--expect-from", "databse"), 2, "did you mean `database`?"),
        (("--expect-from", "database"), 2, "`expect-from: database` needs `database-url`"),
        (
            ("--expect-from", "database", "--database-url", "postgresql://u:hunter2@127.0.0.1:1/d"),
            4,
            "the database cannot be read",
        ),
        (("--expect-from", "database", "--schema", "nowhere"), 4, "no schema nowhere"),
    ],
)
def test_what_cannot_be_derived_is_said(
    cluster: Postgres, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """One line says why and one what to do; nothing is printed that could be taken for a result."""
    given = {"--database-url": cluster.dsn()} if "--schema" in arguments else {}

    ended = command("expect", *arguments, *(text for pair in given.items() for text in pair))

    assert (ended.returncode, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert "What to do: " in ended.stderr
    assert "hunter2" not in ended.stderr


def test_verifying_sends_nothing(stale: World) -> None:
    """In `mode: verify` the same inputs refresh nothing, whatever runtime they name."""
    report = gate(
        stale.url,
        mode="verify",
        runtime="process",
        pid=str(stale.server.pid),
        timeout=BRIEF,
        expected_tables="heartbeats",
    )

    assert (report.exit_code, report.receipts) == (1, ())
    assert causes(report) == {"heartbeats": "stale"}


DROPS = """
alter table scans drop column legacy;
drop table doomed;
drop function retired(integer);
"""


@needs("counts loads")
def test_what_the_cache_has_and_the_database_has_not_closes_it(world: World) -> None:
    """What was dropped and is still cached is told by comparing the two, with nothing typed."""
    world.sql(DROPS)
    stale = everything(world, admin_url=world.admin_url, mode="verify", timeout=BRIEF)
    world.reload()
    fresh = everything(world, admin_url=world.admin_url, mode="verify")

    red = {item for item, cause in causes(stale).items() if cause == "still-served"}
    assert (stale.exit_code, red) == (1, {"scans.legacy", "doomed", "retired(a)"})
    assert fresh.exit_code == 0, fresh.sentence


@needs("plans only")
def test_a_snapshot_is_expected(start: Start, tmp_path: Path) -> None:
    """What was reviewed is what must be served: closed while it is stale, open after the reload."""
    path = tmp_path / "api.snapshot.yml"
    with start(setup=BASE) as world:
        world.sql(MIGRATION)
        url = world.cluster.dsn(world.database, "frail")
        assert command("snapshot", url, "--out", str(path)).returncode == 0
        asked = {"expect_from": "snapshot", "snapshot": str(path), "mode": "verify"}
        stale = gate(world.url, **asked, timeout=BRIEF)
        world.reload()
        fresh = gate(world.url, **asked)

    found = causes(stale)
    assert (stale.exit_code, found["heartbeats"]) == (1, "stale")
    assert {verdict.place for verdict in stale.verdicts} == {str(path)}
    assert fresh.exit_code == 0, fresh.sentence
