"""What a real `supabase db push` does and leaves undone: why the gate comes after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.acceptance.running import gate
from tests.harness.supabase import write_project

if TYPE_CHECKING:
    from tests.harness.containers import Database
    from tests.harness.supabase import Supabase
    from tests.integration.conftest import StartPostgrest

pytestmark = pytest.mark.docker

SCANS = {
    "20260101000000_scans": "create table scans (id int primary key);",
    "20260102000000_ended_at": "alter table scans add ended_at timestamptz;",
}
BROKEN = {"20260103000000_broken": "alter table scans add status text; select 1 / 0;"}


def columns_of_scans(database: Database) -> set[str]:
    """The columns there are; none when there is no such table."""
    query = "select attname from pg_attribute where attrelid = to_regclass('scans') and attnum > 0"
    with psycopg.connect(database.url) as connection:
        return {name for (name,) in connection.execute(query)}


def test_a_push_says_what_it_applied(
    supabase: Supabase, database: Database, tmp_path: Path
) -> None:
    """Both migrations are applied and named, one JSON object for a later step to read."""
    write_project(tmp_path, SCANS)

    pushed = supabase.push(tmp_path, database.url, "--yes")

    assert pushed.status == 0, pushed.progress
    assert pushed.result["migrations"] == [f"{name}.sql" for name in SCANS]
    assert pushed.result["upToDate"] is False
    assert columns_of_scans(database) == {"id", "ended_at"}


def test_a_repeated_push_names_nothing(
    supabase: Supabase, database: Database, tmp_path: Path
) -> None:
    """A run repeated after a closed gate has nothing new: expectations cannot hang on the push."""
    write_project(tmp_path, SCANS)
    supabase.push(tmp_path, database.url, "--yes")

    pushed = supabase.push(tmp_path, database.url, "--yes")

    assert pushed.status == 0, pushed.progress
    assert pushed.result["migrations"] == []
    assert pushed.result["upToDate"] is True


def test_a_push_without_consent_applies_nothing(
    supabase: Supabase, database: Database, tmp_path: Path
) -> None:
    """Without a terminal the CLI needs `--yes`."""
    write_project(tmp_path, SCANS)

    pushed = supabase.push(tmp_path, database.url)

    assert pushed.status == 1
    assert pushed.result["error"]["code"] == "HostedMutationConsentRequiredError"
    assert columns_of_scans(database) == set()


def test_a_failed_push_may_have_changed_the_schema(
    supabase: Supabase, database: Database, tmp_path: Path
) -> None:
    """The files before the broken one stay applied: the gate has its place after a failure too."""
    write_project(tmp_path, SCANS | BROKEN)

    pushed = supabase.push(tmp_path, database.url, "--yes")

    assert pushed.status == 1
    assert pushed.result["error"]["code"] == "DbPushApplyError"
    assert columns_of_scans(database) == {"id", "ended_at"}


def test_a_push_does_not_tell_postgrest(
    supabase: Supabase, database: Database, tmp_path: Path
) -> None:
    """On a PostgreSQL without Supabase's event triggers a push leaves every cache stale."""
    write_project(tmp_path, SCANS)
    with psycopg.connect(database.url, autocommit=True) as listener:
        listener.execute("listen pgrst")

        supabase.push(tmp_path, database.url, "--yes")
        database.execute("notify pgrst, 'after the push'")

        first = next(listener.notifies(timeout=10))
    assert first.payload == "after the push"


PROJECT = {
    "20260101000000_scans": "create table scans (id int primary key);\n",
    "20260102000000_heartbeats": (
        "create table heartbeats (\n  id int primary key,\n  scan_id int references scans\n);\n"
    ),
    "20260103000000_beat": (
        "alter table scans add ended_at timestamptz;\n"
        "create function beat(scan_id int, note text default '') returns void\n"
        "  language sql as $$ insert into heartbeats values ($1) $$;\n"
    ),
}


def test_after_a_push_the_gate_needs_nothing_typed(
    supabase: Supabase, database: Database, start_postgrest: StartPostgrest, tmp_path: Path
) -> None:
    """Closed while the cache is stale, naming every new item and its line; open once reloaded."""
    server = start_postgrest(database)
    write_project(tmp_path, PROJECT)
    pushed = supabase.push(tmp_path, database.url, "--yes")
    (tmp_path / "push.json").write_text(json.dumps(pushed.result))
    derived = {
        "expect_from": "migrations+database",
        "migrations": str(tmp_path / "supabase/migrations"),
        "since": str(tmp_path / "push.json"),
        "database_url": database.url,
    }

    stale = gate(server.url, mode="verify", timeout="1s", **derived)
    fresh = gate(server.url, runtime="notify", **derived)

    assert stale.exit_code == 1, stale.sentence
    assert {str(one.item): (one.cause.value, Path(one.place).name) for one in stale.verdicts} == {
        "public.scans": ("stale", "20260101000000_scans.sql:1"),
        "public.scans.id integer": ("stale", "20260101000000_scans.sql:1"),
        "public.scans.ended_at timestamp with time zone": ("stale", "20260103000000_beat.sql:1"),
        "public.heartbeats": ("stale", "20260102000000_heartbeats.sql:1"),
        "public.heartbeats.id integer": ("stale", "20260102000000_heartbeats.sql:2"),
        "public.heartbeats.scan_id integer": ("stale", "20260102000000_heartbeats.sql:3"),
        "public.heartbeats -> scans": ("stale", "20260102000000_heartbeats.sql:3"),
        "public.scans -> heartbeats": ("stale", "20260102000000_heartbeats.sql:3"),
        "public.beat(scan_id integer, note text)": ("stale", "20260103000000_beat.sql:2"),
    }
    assert (fresh.exit_code, len(fresh.verdicts)) == (0, len(stale.verdicts)), fresh.sentence
    assert fresh.evidence.value == "inferred"
