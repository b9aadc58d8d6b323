"""What a server says is printed as what it said, and nothing more than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from tests.unit import hostile

from pgrst_gate.untrusted import (
    BLOCK_LINES,
    LINE_CHARACTERS,
    block,
    one_line,
    plain,
    without_commands,
)


@given(hostile.texts, hostile.texts)
def test_no_line_is_a_command(before: str, text: str) -> None:
    """No text makes the runner see a command in a line, whatever stands before it."""
    line = without_commands(one_line(before) + one_line(text))

    assert hostile.commands_in(line) == []


@given(hostile.texts)
def test_lines_print(text: str) -> None:
    """Whatever was said, each line of it is printable and is one line for every reader."""
    lines = (*block(text), one_line(text))

    assert all(line.isprintable() for line in lines)


@given(hostile.texts)
def test_plain_is_plain(text: str) -> None:
    """A text that was made plain is left as it is: nothing that was removed uncovers something."""
    once = plain(text)

    assert plain(once) == once


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("permission denied for table scans", "permission denied for table scans"),
        ("grün, 表, 🚀", "grün, 表, 🚀"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x07", "link"),
        ("\x9b31mred\x90payload\x9c", "red"),
        ("a\x00b\x08c\u200bd\u202ee\ud800f", "abcdef"),
        ("one\r\ntwo\rthree\n\n  four\u2028five", "one two three four five"),
        ("a\tb\xa0c", "a b c"),
    ],
)
def test_one_line(said: str, printed: str) -> None:
    """Words come through as they are; what would move a cursor or hide a word does not."""
    assert one_line(said) == printed


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("::error::x", "| ::error::x"),
        (" \xa0::error::x", "|  \xa0::error::x"),
        ("\u200b::error::x", "| \u200b::error::x"),
        ("at ::1", "at ::1"),
        ("a ##[error]x", r"a #\#[error]x"),
        ("###[error]x", r"##\#[error]x"),
        ("#\u0301#\u0301[error]x", "#\\\u0301#\u0301[error]x"),
        ("## [error] and [#]", "## [error] and [#]"),
    ],
)
def test_without_commands(line: str, printed: str) -> None:
    """A command is broken where one can see it, and nothing else is changed."""
    assert without_commands(line) == printed


def test_block_keeps_lines() -> None:
    """What was said in lines is shown in lines, without the blank ones."""
    assert block("one\r\n\n  two\n") == ("one", "  two")


def test_cuts_are_said() -> None:
    """A text of megabytes becomes a short one that says how much of it is missing."""
    lines = block("x" * 5_000_000 + "\ny" * 1000)

    assert (
        lines[0] == "x" * LINE_CHARACTERS + f"... ({5_000_000 - LINE_CHARACTERS} more characters)"
    )
    assert lines[-1] == f"({1001 - BLOCK_LINES} more lines)"
    assert len(lines) == BLOCK_LINES + 1
