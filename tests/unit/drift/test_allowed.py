"""What an allow-list lets through, for how long, and what it must say to be one."""

from __future__ import annotations

from datetime import date

import pytest

from pgrst_gate.drift.allowed import judge, read
from pgrst_gate.drift.rules import Change, Rule
from pgrst_gate.errors import UsageError

TODAY = date(2026, 3, 1)
GONE = Change(Rule.COLUMN_REMOVED, "p.t.c")
CALL = Change(Rule.FUNCTION_REMOVED, "p.f(a, b)")


def entry(change: str, until: str = "2026-03-01") -> str:
    """One entry of a list."""
    return f"- change: {change}\n  reason: agreed\n  until: {until}\n"


@pytest.mark.parametrize(
    ("pattern", "allows"),
    [
        ("column-removed p.t.c", True),
        ("column-removed p.t.*", True),
        ("'* p.t.c'", True),
        ("column-* p.*", True),
        ("'*'", True),
        ("column-removed p.t", False),
        ("column-removed p.t.d", False),
        ("column-removed p_t.c", False),
        ("column-added p.t.c", False),
    ],
)
def test_a_pattern_names_whole_subjects(pattern: str, allows: bool) -> None:  # noqa: FBT001 - a table
    """A star is anything, and every other character only itself."""
    judged = judge([GONE], read(entry(pattern), "a.yml"), TODAY)
    assert (judged.left == ()) is allows
    assert len(judged.unused) == (not allows)


def test_brackets_are_themselves() -> None:
    """The subject of a function can be copied as it is shown."""
    assert judge([CALL], read(entry(CALL.subject), "a.yml"), TODAY).left == ()


@pytest.mark.parametrize(
    ("until", "left", "notices"),
    [
        ("2026-03-01", (), ()),
        (
            "2026-02-28",
            (GONE,),
            ("a.yml:1: allowed `column-removed p.t.c` until 2026-02-28: not any more",),
        ),
    ],
)
def test_an_entry_ends_with_its_day(
    until: str, left: tuple[Change, ...], notices: tuple[str, ...]
) -> None:
    """On its last day it allows; from the next day on it says why it does not."""
    judged = judge([GONE], read(entry("column-removed p.t.c", until), "a.yml"), TODAY)
    assert (judged.left, judged.notices) == (left, notices)


def test_an_entry_that_is_over_yields_to_one_that_is_not() -> None:
    """The allowing entry is named, and an entry that names nothing is to be tidied up."""
    text = entry("column-*", "2026-02-01") + entry("column-*") + entry("grant-lost x")
    judged = judge([GONE], read(text, "a.yml"), TODAY)
    assert [(change, permit.place) for change, permit in judged.allowed] == [(GONE, "a.yml:4")]
    assert judged.notices == ("a.yml:7: `grant-lost x` names no change",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("change: x", "a.yml:1: expected a list"),
        ("- x", "a.yml:1: expected a mapping"),
        ("- change: column-removed x\n  reason: y", "a.yml:1: an entry needs `until`"),
        ("- reason: y\n  until: 2026-01-01", "a.yml:1: an entry needs `change`"),
        ("- change: column-removed x\n  reason: ''", "a.yml:1: an entry needs `reason`"),
        ("\n- chnge: x", "a.yml:2: there is no key `chnge` here; did you mean `change`?"),
        (entry("column-removd x"), "a.yml:1: no change is a `column-removd`; did you mean"),
        (entry("column-removed x", "soon"), "a.yml:3: `soon` is no date"),
        (entry("column-removed x", "2026-02-30"), "a.yml:3: `2026-02-30` is no date"),
        (entry("column-removed x") * 2 + "- *a", "a.yml:7: anchors and aliases are not taken"),
    ],
)
def test_a_broken_entry_is_refused_with_its_place(text: str, message: str) -> None:
    """Nothing is allowed by an entry that does not read."""
    with pytest.raises(UsageError) as raised:
        read(text, "a.yml")
    assert str(raised.value).startswith(message)


def test_an_empty_list_allows_nothing() -> None:
    """A file without entries is no error."""
    assert judge([GONE], read("# none yet\n", "a.yml"), TODAY).left == (GONE,)
