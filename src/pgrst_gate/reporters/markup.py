"""The parts of a page in GitHub's Markdown: text, code, tables, what is to be typed.

A text that is not this package's own goes into an HTML block, escaped and on one line, or into a
fence that is longer than any run of backticks in it. Markdown is read in neither; what GitHub reads
in the text of HTML as well, a mention and a formula, is taken its meaning.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final

from pgrst_gate.reporters import wording
from pgrst_gate.untrusted import block, one_line

_MOST_SEEN: Final = 20
"""Rows of a table that are seen at once: what comes after it must not be a day's scroll away."""

_MENTION: Final = re.compile(r"(?<!\w)@(?=\w)|#(?=\d)")
_QUOTED: Final = re.compile(r"(?<!`)`([^`]*[^`\s][^`]*)`(?!`)")


def text(said: str) -> str:
    """The text as one line of an HTML block."""
    return _inert(one_line(said))


def code(said: str) -> str:
    """The text as code on one line of an HTML block; nothing for nothing."""
    return f"<code>{html.escape(one_line(said), quote=False)}</code>" if said else ""


def prose(said: str) -> str:
    """As `text`, with what stands between backticks as code."""
    parts = _QUOTED.split(one_line(said))
    return "".join(code(part) if odd % 2 else _inert(part) for odd, part in enumerate(parts))


def _inert(line: str) -> str:
    """The line, escaped, mentioning nobody and opening no formula.

    A comment notifies whoever is mentioned in it, and is noted at every issue that is; a zero-width
    space prevents both, as it does in dependabot-core's pull request 3157. A `$` in a span is from
    GitHub's docs on mathematics.
    """
    escaped = html.escape(line, quote=False)
    return _MENTION.sub("\\g<0>\u200b", escaped).replace("$", "<span>$</span>")


def paragraph(said: str) -> Iterator[str]:
    """All lines of the text, as one paragraph of prose."""
    yield f"<p>{'<br>'.join(map(prose, block(said)))}</p>"


def advice(said: str) -> Iterator[str]:
    """What to do: prose where it has code between backticks, else it is code, to be copied."""
    return paragraph(said) if "`" in said else fenced(said)


def fenced(said: str) -> Iterator[str]:
    """The text as a block of code."""
    lines = block(said)
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}text", *lines, fence)


def table(
    header: Iterable[str], rows: Iterable[Iterable[str]], limit: int, seen: int = _MOST_SEEN
) -> Iterator[str]:
    """A table of cells that are HTML already, with as many rows as fit in ``limit`` bytes.

    Those after the first ``seen`` are folded away.
    """
    heads = "".join(f"<th>{name}</th>" for name in header)
    head = (f"<tr>{heads}</tr>",) if heads else ()
    lines = ("".join(("<tr>", *(f"<td>{cell}</td>" for cell in row), "</tr>")) for row in rows)
    kept, left_out = _fitting(lines, limit)
    yield from ("<table>", *head, *kept[:seen], "</table>")
    if folded := kept[seen:]:
        yield from ("<details>", f"<summary>{len(folded):,} more</summary>", "<table>")
        yield from (*head, *folded, "</table>", "</details>")
    yield from left_out


def fitting(parts: Iterable[str], limit: int) -> Iterator[str]:
    """The first parts, that have ``limit`` bytes in all, and how many were left out."""
    kept, left_out = _fitting(parts, limit)
    yield from (*kept, *left_out)


def _fitting(parts: Iterable[str], limit: int) -> tuple[list[str], tuple[str, ...]]:
    kept: list[str] = []
    left_out = 0
    for part in parts:
        limit -= len(part.encode("utf-8", "replace")) + 1
        if limit < 0:
            left_out += 1
        else:
            kept.append(part)
    if not left_out:
        return kept, ()
    return kept, ("", f"**{left_out:,} more are not shown here; {wording.REST_IN_JSON}.**")
