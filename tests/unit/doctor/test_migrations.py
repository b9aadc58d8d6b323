"""Versions and history, as sets of files and rows."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pgrst_gate.doctor.migrations import compared, versions
from pgrst_gate.expectations.migrations.layouts import Layout, Migration


def files(*names: str) -> list[Migration]:
    """Migrations of these names, with their first part as the version."""
    return [Migration(Path("m") / name, name, name.partition("_")[0]) for name in names]


@pytest.mark.parametrize(
    ("names", "applied", "found"),
    [
        (["1_a.sql", "2_b.sql"], ["1", "2"], []),
        (["1_a.sql", "2_b.sql"], ["1"], [("risk", "m/2_b.sql:1")]),
        (["1_a.sql", "2_b.sql"], ["2"], [("broken", "m/1_a.sql:1")]),
        (["1_a.sql"], ["1", "9"], [("broken", "")]),
        (["1_a.sql"], [], [("risk", "m/1_a.sql:1")]),
    ],
)
def test_files_and_history_are_compared(
    names: Sequence[str], applied: Sequence[str], found: Sequence[tuple[str, str]]
) -> None:
    """Not yet applied is a risk; passed over, or applied and gone, is what a push refuses."""
    look = compared(files(*names), applied, Path("m"), "supabase")

    assert [(one.severity, one.place) for one in look.findings] == found


@pytest.mark.parametrize(
    ("layout", "commands"),
    [
        ("supabase", ["supabase db push --include-all", "supabase db push"]),
        ("dbmate", ["dbmate up", "dbmate up"]),
        ("flyway", ["flyway migrate -outOfOrder=true", "flyway migrate"]),
    ],
)
def test_what_is_not_applied_is_applied_by_its_own_tool(
    layout: Layout, commands: list[str]
) -> None:
    """Some must be told of a file that later ones overtook."""
    look = compared(files("1_a.sql", "2_b.sql", "3_c.sql"), ["2"], Path("m"), layout)

    assert [one.remedy for one in look.findings] == [f"apply it: {one}" for one in commands]


def test_one_version_in_two_files_is_broken() -> None:
    """Both are named."""
    [finding] = versions(files("1_a.sql", "1_b.sql", "2_c.sql")).findings

    assert finding.severity == "broken"
    assert "1_a.sql, 1_b.sql" in finding.text
