"""How a comparison is shown: to people as text, the worst first, and to programs as JSON.

Texts are to be redacted by whoever prints them. Nothing is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pgrst_gate import __version__
from pgrst_gate.drift.allowed import Judged, Permit
from pgrst_gate.drift.relation_changes import counted
from pgrst_gate.drift.rules import Change, Impact
from pgrst_gate.untrusted import without_commands

FORMAT_VERSION: Final = 1
_GONE: Final = "(gone)"
_NONE: Final = "(none)"


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is told of one comparison."""

    before: str
    """The sources, as they were written."""
    after: str
    judged: Judged
    closing: tuple[Change, ...]
    """The changes that close the gate."""
    notes: tuple[str, ...] = ()
    refresh: str = ""
    """The command that makes AFTER the new normal."""

    @property
    def is_open(self) -> bool:
        return not self.closing


def as_text(shown: Shown) -> str:
    """The account for a terminal or a log; the last line is the conclusion."""
    lines = [*_changes(shown), *_notes(shown), *_remedies(shown), _conclusion(shown)]
    return "".join(f"{without_commands(line.replace(chr(10), ' '))}\n" for line in lines)


def as_json(shown: Shown) -> str:
    """The account for programs, a field on each line: ASCII that is safe in a log."""
    fields = {
        "version": FORMAT_VERSION,
        "generator": {"name": "pgrst-gate", "version": __version__},
        "conclusion": "open" if shown.is_open else "closed",
        "sentence": _conclusion(shown),
        "before": shown.before,
        "after": shown.after,
        "counts": {impact.value: _count(shown.judged.left, impact) for impact in Impact},
        "changes": [
            *(_change(one, None) for one in shown.judged.left),
            *(_change(one, permit) for one, permit in shown.judged.allowed),
        ],
        "notices": [*shown.judged.notices, *shown.notes],
    }
    return json.dumps(fields, indent=1).replace("##[", r"#\u0023[") + "\n"


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


def _changes(shown: Shown) -> Iterator[str]:
    for impact in Impact:
        found = [one for one in shown.judged.left if one.impact is impact]
        if found:
            yield f"{impact.value}:"
            for one in found:
                yield from _told(one)
            yield ""
    if shown.judged.allowed:
        yield "allowed:"
        for one, permit in shown.judged.allowed:
            yield from _told(one)
            yield f"      until {permit.until}, {permit.place}: {permit.reason}"
        yield ""


def _told(one: Change) -> Iterator[str]:
    yield f"  {one.subject}"
    if one.before or one.after:
        yield f"      {one.before or _NONE} → {one.after or _GONE}"
    if one.note:
        yield f"      {one.note}"


def _notes(shown: Shown) -> Iterator[str]:
    for note in (*shown.judged.notices, *shown.notes):
        yield f"note: {note}"
    if shown.judged.notices or shown.notes:
        yield ""


def _remedies(shown: Shown) -> Iterator[str]:
    if shown.is_open:
        return
    yield "What to do: undo what breaks clients, or let it pass for a while by an entry in the file"
    yield "that `--allow` names:"
    yield ""
    yield f"  - change: {json.dumps(shown.closing[0].subject, ensure_ascii=False)}"
    yield "    reason: why no client minds"
    yield "    until: the last day on which it may pass, such as 2026-12-31"
    yield ""
    if shown.refresh:
        yield "Once it is meant to be so, make it what is compared with:"
        yield ""
        yield f"  {shown.refresh}"
        yield ""


def _conclusion(shown: Shown) -> str:
    left, allowed = shown.judged.left, shown.judged.allowed
    if not left and not allowed:
        return f"gate open: no drift between {shown.before} and {shown.after}"
    counts = [f"{_count(left, impact)} {impact.value}" for impact in Impact]
    told = ", ".join([*counts, f"{len(allowed)} allowed"] if allowed else counts)
    if shown.is_open:
        return f"gate open: {told}"
    return f"gate closed by {counted(len(shown.closing), 'change')}: {told}"


def _count(changes: tuple[Change, ...], impact: Impact) -> int:
    return sum(one.impact is impact for one in changes)
