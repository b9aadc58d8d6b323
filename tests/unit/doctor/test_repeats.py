"""Which statements cannot be run twice, each by its line."""

import pytest

from pgrst_gate.doctor.repeats import once_only


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("create table a (id int)", "CREATE TABLE without IF NOT EXISTS"),
        ("create index i on a (id)", "CREATE INDEX without IF NOT EXISTS"),
        ("create view v as select 1", "CREATE VIEW without OR REPLACE"),
        (
            "create function f() returns int language sql as 'select 1'",
            "CREATE FUNCTION without OR REPLACE",
        ),
        ("create policy p on a", "CREATE POLICY without DROP IF EXISTS before it"),
        ("create type m as enum ('a')", "CREATE TYPE without DROP IF EXISTS before it"),
        ("alter table a add column b int", "ADD COLUMN without IF NOT EXISTS"),
        ("alter table a drop column b", "DROP COLUMN without IF EXISTS"),
        (
            "alter table a add constraint c unique (b)",
            "ADD CONSTRAINT without DROP CONSTRAINT IF EXISTS before it",
        ),
        ("alter table a rename to b", "RENAME without DROP IF EXISTS before it"),
        (
            "alter type m add value 'b'",
            "ALTER TYPE ... ADD VALUE without IF NOT EXISTS",
        ),
        ("drop table a", "DROP without IF EXISTS"),
        ("insert into a values (1)", "INSERT without ON CONFLICT"),
    ],
)
def test_what_fails_the_second_time_is_named(statement: str, why: str) -> None:
    """The statement's own line, and what it lacks."""
    found = once_only("1_a.sql", f"-- made first\n\n{statement};\n")

    assert [(str(place), reason) for place, reason in found] == [("1_a.sql:3", why)]


@pytest.mark.parametrize(
    "text",
    [
        "create table if not exists a (id int)",
        "create or replace view v as select 1",
        "drop policy if exists p on a; create policy p on a",
        "drop trigger if exists t on a; create trigger t after delete on a execute function f()",
        "drop type if exists m; create type m as enum ('a')",
        "alter table a drop constraint if exists c; alter table a add constraint c unique (b)",
        "alter table a add column if not exists b int",
        "alter type m add value if not exists 'b'",
        "insert into a values (1) on conflict do nothing",
        "alter table a enable row level security; grant select on a to b",
        "do $$ begin create table a (id int); end $$",
    ],
)
def test_what_can_be_run_again_is_left_alone(text: str) -> None:
    """A guard, or a drop of the same name before it, is enough."""
    assert once_only("1_a.sql", text) == ()
