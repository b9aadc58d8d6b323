"""What single statements say where no database can tell, and what is refused."""

import sys
from pathlib import Path

import pytest

from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.migrations import Reading, read_migrations


def read(tmp_path: Path, *texts: str, since: str = "") -> Reading:
    """The reading of these files, in a folder of its own."""
    for number, text in enumerate(texts, 1):
        (tmp_path / f"{number}.sql").write_text(text)
    return read_migrations(tmp_path, "plain", since)


@pytest.mark.parametrize(
    ("sql", "claims"),
    [
        ("alter table t add column c int", ["+ public.t.c integer"]),
        ("alter table t drop column c", ["- public.t.c"]),
        ("alter table t rename column a to b", ["+ public.t.b", "- public.t.a"]),
        ("alter table t alter column c type vector", ["+ public.t.c"]),
        ("alter table t rename to u", ["- public.t"]),
        ("alter view v rename to w", ["+ public.w", "- public.v"]),
        ("drop table t", ["- public.t"]),
        ("drop view if exists a.v", ["- a.v"]),
        ("drop function f(int)", []),
        ("alter table t add foreign key (c) references u", ["+ public.t -> u", "+ public.u -> t"]),
        ("create table if not exists t (id int)", ["+ public.t"]),
        ("create view v as select a, b::text from t",
         ["+ public.v", "+ public.v.a", "+ public.v.b text"]),
        ("create or replace function f(a int, b mood) returns int language sql as ''",
         ["+ public.f(a integer, b)"]),
        ("create table t (id int); drop table t", []),
        ("alter table t add column c int; alter table t drop column c", []),
        ("alter view t rename to u; alter view u rename to t", []),
    ],
)  # fmt: skip
def test_claims_on_what_no_file_made(sql: str, claims: list[str], tmp_path: Path) -> None:
    """A statement shows what must have been there, and no more than that is claimed."""
    reading = read(tmp_path, sql)

    found = [f"+ {item}" for item in reading.present] + [f"- {item}" for item in reading.absent]
    assert sorted(found) == sorted(claims)


@pytest.mark.parametrize(
    ("sql", "line", "why"),
    [
        ("\ncreate table if not exists t (id int)", 2, "IF NOT EXISTS"),
        ("create view v as\n  select\n    * from t", 3, "`select *`"),
        ("create view v as select\n  null is json", 2, "name is not known"),
        ("create table t\n(like u)", 2, "columns of u are not known"),
        ("do $$\nbegin\n  execute 'x';\nend $$", 3, "dynamic SQL (EXECUTE)"),
        ("do $$ begin if x then\n drop table t; end if; end $$", 2, "conditional statement"),
        ("do $$ begin while x loop\n drop table t; end loop; end $$", 2, "conditional statement"),
        ("do $$ begin\ndrop table t; drop table u; exception when others then null; end $$", 2,
         "handles exceptions"),
        ("do language plpython3u 'x'", 1, "DO block in plpython3u"),
        ("select 1;\n\\i other.sql\nselect 2", 2, "psql's `\\i`"),
        ("select my.function()", 1, "function"),
        ("call tidy()", 1, "tidy"),
        ("create extension hstore", 1, "CREATE EXTENSION"),
        ("drop function f(int)", 1, "arguments of function f"),
        ("alter function f rename to g", 1, "arguments of function f"),
        ("drop table t cascade", 1, "CASCADE"),
        ("alter table if exists t add column c int", 1, "IF EXISTS"),
        ("set search_path to a, b;\nalter table t add column c int", 2, "search_path has t"),
        ("alter schema a rename to b", 1, "schema a"),
        ("rollback", 1, "ROLLBACK"),
        ("alter table t drop constraint c", 1, "constraint c"),
        ("alter table t_id_seq rename to u_id_seq", 1, "what t_id_seq is"),
        ("alter table t add column c int;\nalter table t rename to u", 2, "columns of t"),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_put_down(sql: str, line: int, why: str, tmp_path: Path) -> None:
    """With the line on which it stands, and the reason."""
    reading = read(tmp_path, sql)

    assert [(one.place.line, why in one.why) for one in reading.unreadable] == [(line, True)]


def test_claim_outlives_dynamic_sql_which_is_named(tmp_path: Path) -> None:
    """EXECUTE may undo anything: what was read stands, and the reader is told of the statement."""
    reading = read(
        tmp_path, "create table t (id int);", "do $$ begin execute 'drop table t'; end $$"
    )

    assert list(map(str, reading.present)) == ["public.t", "public.t.id integer"]
    assert [str(one.place) for one in reading.unreadable] == [f"{tmp_path}/2.sql:1"]


def test_nothing_is_whole_after_dynamic_sql(tmp_path: Path) -> None:
    """It may have added a column, so that a star is not expanded as if it had not."""
    dynamic = "do $$ begin execute 'alter table t add column c int'; end $$"

    reading = read(tmp_path, "create table t (id int)", dynamic, "create view v as select * from t")

    assert [Path(one.place.path).name for one in reading.unreadable] == ["2.sql", "3.sql"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"select 1;\n  selec 2;", r"1\.sql:2:3: syntax error at or near \"selec\""),
        ("select 'é', from x;".encode(), r"1\.sql:1:13: syntax error"),
        (b"create table t (\n", r"1\.sql:2:1: syntax error at end of input"),
        (b"create table ${schema}.t ()", r"1\.sql:1:14: syntax error"),
        (b"select 1;\n-- \xe9t\xe9", r"1\.sql:2: not UTF-8"),
    ],
)
def test_file_that_is_no_sql_is_refused(text: bytes, message: str, tmp_path: Path) -> None:
    """By file, line and column, with PostgreSQL's own words."""
    (tmp_path / "1.sql").write_bytes(text)

    with pytest.raises(UsageError, match=message) as refused:
        read_migrations(tmp_path, "plain", "")

    assert refused.value.hint


def test_byte_order_mark_and_empty_files_are_no_matter(tmp_path: Path) -> None:
    """Editors on Windows write the one, tools the other."""
    (tmp_path / "1.sql").write_bytes(b"\xef\xbb\xbfcreate table t ();\r\ncreate table u ();")

    reading = read(tmp_path, *[], since="")

    assert [place.line for place in reading.present.values()] == [1, 2]


def test_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who installed pgrst-gate alone is told what to install."""
    monkeypatch.setitem(sys.modules, "postgast", None)

    with pytest.raises(UsageError) as refused:
        read(tmp_path, "select 1")

    assert refused.value.hint == "pip install 'pgrst-gate[migrations]'"
