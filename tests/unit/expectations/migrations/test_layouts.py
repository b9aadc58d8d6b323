"""Which files a tool applies, and in which order."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.migrations import Layout, read_migrations
from pgrst_gate.expectations.migrations.layouts import migrations

JOURNAL = """{"entries": [
  {"idx": 0, "when": 10, "tag": "0002_a"}, {"idx": 1, "when": 20, "tag": "0001_b"}
]}"""


def folder_of(root: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("layout", "files", "order"),
    [
        ("supabase", ["2_b.sql", "10_a.sql", "notes.sql", "3_c.txt"], ["10_a.sql", "2_b.sql"]),
        ("plain", ["b.sql", "a.sql", "c.txt"], ["a.sql", "b.sql"]),
        (
            "flyway",
            ["V10__x.sql", "V2__x.sql", "V2.1__y.sql", "B1__b.sql", "U2__x.sql", "R__b.sql",
             "R__a.sql"],
            ["B1__b.sql", "V2__x.sql", "V2.1__y.sql", "V10__x.sql", "R__a.sql", "R__b.sql"],
        ),
        ("flyway", ["tables/V1__x.sql", "V2__y.sql"], ["tables/V1__x.sql", "V2__y.sql"]),
        ("flyway", ["V1__x.sql", "B2__b.sql", "V2__y.sql"], ["V1__x.sql", "V2__y.sql"]),
        ("dbmate", ["0102_b.sql", "0101_a.sql", "schema.sql"], ["0101_a.sql", "0102_b.sql"]),
        (
            "golang-migrate",
            ["10_x.up.sql", "10_x.down.sql", "9_y.up.sql"],
            ["9_y.up.sql", "10_x.up.sql"],
        ),
        (
            "prisma",
            ["2_b/migration.sql", "1_a/migration.sql", "x.sql"],
            ["1_a/migration.sql", "2_b/migration.sql"],
        ),
        ("drizzle", ["0001_b.sql", "0000_a.sql"], ["0000_a.sql", "0001_b.sql"]),
    ],
)  # fmt: skip
def test_migrations_come_in_the_order_of_the_tool(
    layout: Layout, files: list[str], order: list[str], tmp_path: Path
) -> None:
    """The tool's own order, and no other files."""
    folder = folder_of(tmp_path, dict.fromkeys(files, "select 1"))

    assert [one.name for one in migrations(folder, layout)] == order


def test_sqitch_follows_its_plan(tmp_path: Path) -> None:
    """The plan orders, not the names; pragmas, tags and comments are no changes."""
    plan = "%project=x\n\nusers 2024 me <m@x> # first\napi [users] 2024 me <m@x>\n@v1 2024"
    scripts = dict.fromkeys(["deploy/users.sql", "deploy/api.sql", "revert/api.sql"], "")
    folder = folder_of(tmp_path, {"sqitch.plan": plan, **scripts})

    assert [one.version for one in migrations(folder, "sqitch")] == ["users", "api"]


def test_sqitch_finds_reworked_changes_under_their_tag(tmp_path: Path) -> None:
    """The first deployment of a change that comes again is kept under the tag between the two."""
    plan = "users 2024 me <m@x>\n@v1 2024\nusers [users@v1] 2024 me <m@x>"
    folder = folder_of(
        tmp_path, {"sqitch.plan": plan, "deploy/users@v1.sql": "", "deploy/users.sql": ""}
    )

    assert [one.version for one in migrations(folder, "sqitch")] == ["users@v1", "users"]


def test_drizzle_follows_its_journal(tmp_path: Path) -> None:
    """The journal orders where there is one."""
    folder = folder_of(
        tmp_path, {"meta/_journal.json": JOURNAL, "0001_b.sql": "", "0002_a.sql": "", "x.sql": ""}
    )

    assert [one.name for one in migrations(folder, "drizzle")] == ["0002_a.sql", "0001_b.sql"]


def test_dbmate_reads_the_up_section_alone(tmp_path: Path) -> None:
    """What `migrate:down` would drop is not dropped, and lines are those of the file."""
    text = "-- migrate:up\n\ncreate table a (id int);\n\n-- migrate:down\ndrop table a;\n"
    folder = folder_of(tmp_path, {"1_a.sql": text})

    reading = read_migrations(folder, "dbmate", "")

    assert {str(item): place.line for item, place in reading.present.items()} == {
        "public.a": 3,
        "public.a.id integer": 3,
    }


@pytest.mark.parametrize(
    ("layout", "files", "message"),
    [
        ("supabase", {"notes.sql": ""}, "no migration of the layout `supabase` is in"),
        ("sqitch", {"deploy/a.sql": ""}, "there is no"),
        ("sqitch", {"sqitch.plan": "%x=y\n\nusers 2024"}, "sqitch.plan:3: there is no"),
        ("drizzle", {"meta/_journal.json": "[]", "a.sql": ""}, "not a journal of Drizzle"),
        ("drizzle", {"meta/_journal.json": JOURNAL, "0002_a.sql": ""}, "there is no"),
    ],
)  # fmt: skip
def test_folder_that_is_none_is_refused(
    layout: Layout, files: Mapping[str, str], message: str, tmp_path: Path
) -> None:
    """The error names the place, and what to do about it."""
    with pytest.raises(UsageError, match=message) as refused:
        read_migrations(folder_of(tmp_path, files), layout, "")

    assert refused.value.hint


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """A folder that is not there is an error, not an empty expectation."""
    with pytest.raises(UsageError, match="there is no folder"):
        read_migrations(tmp_path / "nowhere", "plain", "")
