"""A comparison, shown: to people as text, the worst first, and to programs as JSON.

The comparison must be redacted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from pgrst_gate import __version__
from pgrst_gate.drift.allowed import Permit
from pgrst_gate.drift.comparison import Comparison
from pgrst_gate.drift.rules import Change, Impact
from pgrst_gate.untrusted import cut, plain, without_commands

FORMAT_VERSION: Final = 1
_LINE_CHARACTERS: Final = 4000
"""Room for a function of a hundred arguments: an entry to copy must be whole."""
_GONE: Final = "(gone)"
_NONE: Final = "(none)"


def as_text(found: Comparison) -> str:
    """The account for a terminal or a log; the last line is the conclusion."""
    return "".join(f"{without_commands(line)}\n" for line in (*lines(found), found.sentence))


def as_json(found: Comparison) -> str:
    """The account for programs, a field on each line: ASCII that is safe in a log."""
    fields = {
        "version": FORMAT_VERSION,
        "generator": {"name": "pgrst-gate", "version": __version__},
        "conclusion": "open" if found.is_open else "closed",
        "sentence": found.sentence,
        **document(found),
    }
    return json.dumps(fields, indent=1).replace("##[", r"#\u0023[") + "\n"


def document(found: Comparison) -> dict[str, object]:
    """The comparison as plain dictionaries, lists, texts and numbers."""
    return {
        "before": found.before,
        "after": found.after,
        "counts": {impact.value: found.count(impact) for impact in Impact},
        "changes": [
            *(_change(one, None) for one in found.judged.left),
            *(_change(one, permit) for one, permit in found.judged.allowed),
        ],
        "notices": [*found.judged.notices, *found.notes],
        "override": found.override,
    }


def lines(found: Comparison) -> Iterator[str]:
    """The account without its conclusion, each part of it followed by an empty line."""
    advice = tuple(remedies(found))
    parts = (*_changes(found), *_notes(found), *(("What to do:", *advice) if advice else ()))
    return (cut(plain(text).replace("\n", " "), _LINE_CHARACTERS) for text in parts)


def values(one: Change) -> str:
    """How it was and how it is, as in `text → uuid`; empty for what has no more to tell."""
    return f"{one.before or _NONE} → {one.after or _GONE}" if one.before or one.after else ""


def _change(one: Change, permit: Permit | None) -> dict[str, object]:
    return {
        "rule": one.rule.id,
        "impact": one.impact.value,
        "subject": one.subject,
        "what": one.what,
        "before": one.before,
        "after": one.after,
        "note": one.note,
        "allowed": permit
        and {"reason": permit.reason, "until": str(permit.until), "place": permit.place},
    }


def _changes(found: Comparison) -> Iterator[str]:
    for impact in Impact:
        changes = [one for one in found.judged.left if one.impact is impact]
        if changes:
            yield f"{impact.value}:"
            for one in changes:
                yield from _told(one)
            yield ""
    if found.judged.allowed:
        yield "allowed:"
        for one, permit in found.judged.allowed:
            yield from _told(one)
            yield f"      until {permit.until}, {permit.place}: {permit.reason}"
        yield ""


def _told(one: Change) -> Iterator[str]:
    yield f"  {one.subject}"
    if told := values(one):
        yield f"      {told}"
    if one.note:
        yield f"      {one.note}"


def _notes(found: Comparison) -> Iterator[str]:
    for note in (*found.judged.notices, *found.notes):
        yield f"note: {note}"
    if found.judged.notices or found.notes:
        yield ""


def remedies(found: Comparison) -> Iterator[str]:
    """What to do about the changes that close the gate, in lines; none where it is open."""
    if found.is_open:
        return
    yield "Undo what breaks clients, or let it pass for a while by an entry in the file that"
    yield "`allow` names:"
    yield ""
    yield f"  - change: {json.dumps(found.against[0].subject, ensure_ascii=False)}"
    yield "    reason: why no client minds"
    yield "    until: the last day on which it may pass, such as 2026-12-31"
    yield ""
    if found.refresh:
        yield "Once it is meant to be so, make it what is compared with:"
        yield ""
        yield f"  {found.refresh}"
        yield ""
