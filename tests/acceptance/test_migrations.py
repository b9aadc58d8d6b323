"""Expectations from the migrations: what the new ones bring, each with the line that made it."""

import json
from pathlib import Path

import pytest
from tests.acceptance.capabilities import any_version, needs
from tests.acceptance.running import BRIEF, causes, command, gate
from tests.acceptance.world import World

from pgrst_sandbox.postgres import Postgres

FILES = {
    "20260101000000_scans.sql": "alter table scans add ended_at timestamptz;\n",
    "20260102000000_heartbeats.sql": (
        "create table heartbeats (\n  id int primary key,\n  scan_id int references scans\n);\n"
        "alter table scans rename column old_name to new_name;\n"
    ),
    "20260103000000_functions.sql": (
        "create function beat(scan_id int, note text default '') returns void\n"
        "  language sql as $$ insert into heartbeats values ($1) $$;\n"
        "do $$ begin execute 'create table dynamic (id int)'; end $$;\n"
        "drop table doomed;\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The migrations of a project."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@needs("hides columns", "tells calls")
def test_the_migration_line_is_named_until_the_reload(world: World, folder: Path) -> None:
    """Closed while the cache is stale, every new item with its line; open after the reload."""
    given = {"expect_from": "migrations", "migrations": str(folder)}
    for text in FILES.values():
        world.sql(text)

    stale = gate(world.url, timeout=BRIEF, **given)
    world.reload()
    fresh = gate(world.url, **given)

    assert (stale.exit_code, set(causes(stale).values())) == (1, {"stale", "still-served"})
    lines = {
        str(verdict.item).replace("public.", ""): Path(verdict.place).name
        for verdict in stale.verdicts
    }
    assert lines["heartbeats"] == "20260102000000_heartbeats.sql:1"
    assert lines["heartbeats.scan_id integer"] == "20260102000000_heartbeats.sql:3"
    assert lines["scans.old_name"] == lines["scans.new_name"] == "20260102000000_heartbeats.sql:5"
    assert lines["beat(scan_id integer, note text)"] == "20260103000000_functions.sql:1"
    assert lines["doomed"] == "20260103000000_functions.sql:4"
    assert any("not readable here" in event.text and ":3:" in event.text for event in stale.events)
    assert (fresh.exit_code, set(causes(fresh).values())) == (0, {"served", "gone"})


@needs("plans only")
def test_a_push_that_applied_nothing_still_checks_all(world: World, folder: Path) -> None:
    """A run repeated after a closed gate has nothing new, and must not open for that."""
    pushed = folder / "push.json"
    pushed.write_text('{"upToDate": true, "migrations": []}')
    for text in FILES.values():
        world.sql(text)

    report = gate(
        world.url,
        expect_from="migrations",
        migrations=str(folder),
        since=str(pushed),
        mode="verify",
        timeout=BRIEF,
    )

    assert (report.exit_code, causes(report)["heartbeats"]) == (1, "stale")
    assert any("so all of" in event.text for event in report.events)


@any_version("files are read before any server is asked")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"migrations": "nowhere"}, "there is no folder nowhere"),
        ({"since": "no-such-ref"}, "no-such-ref"),
        ({"migrations_layout": "flyway"}, "no migration of the layout `flyway`"),
    ],
)
def test_migrations_that_cannot_be_read_are_said(
    fresh: World, folder: Path, given: dict[str, str], said: str
) -> None:
    """Exit 2, and nothing was sent."""
    inputs = {"expect_from": "migrations", "migrations": str(folder), **given}

    report = gate(fresh.url, runtime="notify", database_url=fresh.database_url, **inputs)

    assert (report.exit_code, report.receipts) == (2, ())
    assert said in report.sentence


def test_the_history_before_tells_what_is_new(cluster: Postgres, folder: Path) -> None:
    """`applied`, kept from before the push, and the folder after it: the rest is new."""
    cluster.execute(
        "drop schema if exists supabase_migrations cascade; create schema supabase_migrations;"
        "create table supabase_migrations.schema_migrations (version text primary key);"
        "insert into supabase_migrations.schema_migrations values ('20260101000000');",
        dbname="postgres",
    )

    before = command("applied", "--database-url", cluster.dsn())
    (folder / "before.json").write_text(before.stdout)
    expected = command(
        *("expect", "--expect-from", "migrations", "--migrations", str(folder)),
        *("--since", str(folder / "before.json")),
    )

    assert json.loads(before.stdout) == {"applied": ["20260101000000"]}
    assert expected.returncode == 0, expected.stderr
    assert "public.heartbeats" in expected.stdout
    assert "ended_at" not in expected.stdout


def test_a_history_that_cannot_be_read_is_said() -> None:
    """Exit 2 where nothing says which database, 4 where it refuses."""
    silent = command("applied")
    refused = command("applied", "--database-url", "postgresql://u:hunter2@127.0.0.1:1/d")

    assert (silent.returncode, silent.stdout) == (2, "")
    assert "`applied` needs `database-url`" in silent.stderr
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "hunter2" not in refused.stderr
