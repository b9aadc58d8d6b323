"""Migrations applied to an embedded PostgreSQL: what they make, and where they fail."""

from pathlib import Path

import pytest

from pgrst_gate.drift import lines, snapshot
from pgrst_gate.drift.sources import Access, read_source
from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.migrations.layouts import Layout
from pgrst_gate.surface import Surface

FIRST = """\
create extension if not exists "uuid-ossp" with schema extensions;
create table public.scans (
    id uuid primary key default uuid_generate_v4(),
    owner uuid not null default auth.uid() references auth.users on delete cascade,
    secret text default crypt('a', gen_salt('bf'))
);
alter table scans enable row level security;
create policy mine on scans for select to authenticated using (auth.uid() = owner);
create policy files on storage.objects for select
    using (bucket_id = 'a' and (storage.foldername(name))[1] = auth.uid()::text);
insert into storage.buckets (id, name, public) values ('a', 'a', true);
alter publication supabase_realtime add table scans;
grant select on scans to anon;
create function finish(scan_id uuid, note text default '') returns void
    language sql security definer set search_path = '' as $$ select 1; $$;
set search_path = nowhere;
"""
SECOND = "begin;\nset local search_path = public;\nalter table scans add size int;\ncommit;\n"
ALONE = "create index concurrently on scans (size);\nalter table scans add alone int;\n"


def applied(folder: Path, files: dict[str, str], layout: Layout = "supabase") -> Surface:
    """The surface of these files in a folder."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return read_source(f"migrations:{folder}", Access(), layout=layout)


def test_migrations_of_a_supabase_project_apply(tmp_path: Path) -> None:
    """They find its roles, schemas, functions and extensions, and not each other's settings."""
    files = {"3_alone.sql": ALONE, "2_second.sql": SECOND, "1_first.sql": FIRST}
    surface = applied(tmp_path / "migrations", files)

    (shape,) = surface.relations.values()
    assert {one.name: lines.column(one) for one in shape.columns} == {
        "id": "uuid not null default",
        "owner": "uuid not null default",
        "secret": "text default",
        "size": "integer",
        "alone": "integer",
    }
    assert shape.grants == {"anon": frozenset({"select"})}
    assert "public.finish(scan_id uuid, note text default) -> void" in snapshot.write(surface)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("create table t (\n  a int,\n  b nosuch\n);", ':3: type "nosuch" does not exist', "empty"),
        ("select 1;\n\n-- why\nselec 2;", ':4: not SQL: syntax error at or near "selec"', ""),
        ("select 1;\nselect 1/0;", ":2: division by zero", "empty"),
        ("select 'é';\ncreate extension postgis;", ":2: extension", "postgresql://"),
        ("\\connect other", ':1: not SQL: syntax error at or near "\\"', ""),
        ("create role anon;", "", ""),
    ],
)
def test_a_failing_migration_names_its_line(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    """File and line of the very statement, or place in it, that failed; plain folders are plain."""
    files = {"1_good.sql": "create table good ();", "2_bad.sql": text}
    if not message:
        assert applied(tmp_path / "db", files, "plain").relations
        return
    with pytest.raises(UsageError) as raised:
        applied(tmp_path / "db", files, "plain")
    assert str(raised.value).startswith(f"{tmp_path}/db/2_bad.sql{message}")
    assert hint in raised.value.hint
