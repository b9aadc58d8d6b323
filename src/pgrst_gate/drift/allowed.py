"""The allow-list: changes that were agreed on, each with its reason and until when.

    - change: column-removed public.scans.note
      reason: no client has read it since 3.1
      until: 2026-12-31

`change` is the subject of a change, in which `*` stands for anything. An entry allows up to the end
of its day and not a day longer, so that the list cannot rot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

from pgrst_gate.drift import plain_yaml
from pgrst_gate.drift.plain_yaml import Node
from pgrst_gate.drift.rules import Change, Rule
from pgrst_gate.errors import nearest

_KEYS: Final = ("change", "reason", "until")


@dataclass(frozen=True)
class Permit:
    """One entry of an allow-list."""

    change: str
    reason: str
    until: date
    """The last day on which it allows."""
    place: str
    """`drift-allowed.yml:12`."""

    def names(self, change: Change) -> bool:
        """Whether the pattern is of this change's subject."""
        return bool(self._pattern.fullmatch(change.subject))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(".*".join(map(re.escape, self.change.split("*"))), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Judged:
    """Changes, parted by an allow-list."""

    left: tuple[Change, ...]
    """Those that no entry allows."""
    allowed: tuple[tuple[Change, Permit], ...]
    expired: tuple[tuple[Change, Permit], ...] = field(default=())
    """Those of `left` that an entry allowed until its day was over."""
    unused: tuple[Permit, ...] = ()
    """The entries that name none of the changes."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What is to be tidied up in the allow-list."""
        late = [
            f"{permit.place}: allowed `{change.subject}` until {permit.until}: not any more"
            for change, permit in self.expired
        ]
        idle = [f"{permit.place}: `{permit.change}` names no change" for permit in self.unused]
        return (*late, *idle)


def judge(changes: Sequence[Change], permits: Sequence[Permit], today: date) -> Judged:
    """Part the changes; the first entry that names a change and is not over allows it."""
    left, allowed, expired = [], [], []
    used: set[Permit] = set()
    for change in changes:
        naming = [permit for permit in permits if permit.names(change)]
        used.update(naming)
        valid = [permit for permit in naming if today <= permit.until]
        if valid:
            allowed.append((change, valid[0]))
            continue
        left.append(change)
        expired += [(change, permit) for permit in naming[:1]]
    unused = tuple(permit for permit in permits if permit not in used)
    return Judged(tuple(left), tuple(allowed), tuple(expired), unused)


def read(text: str, file: str) -> tuple[Permit, ...]:
    """The entries of a file. Raises `UsageError` with file and line for what does not read."""
    return tuple(map(_permit, plain_yaml.read(text, file).items))


def _permit(node: Node) -> Permit:
    parts = node.only(_KEYS)
    for key in _KEYS:
        if key not in parts or not parts[key].text.strip():
            node.place.refuse(f"an entry needs `{key}`", f"every entry has {', '.join(_KEYS)}")
    until = parts["until"]
    try:
        last = date.fromisoformat(until.text)
    except ValueError:
        until.place.refuse(f"`{until.text}` is no date: expected one such as 2026-12-31")
    return Permit(_pattern(parts["change"]), parts["reason"].text, last, str(node.place))


def _pattern(node: Node) -> str:
    """The pattern, whose rule must be one unless it is a pattern itself."""
    rule = node.text.split(" ")[0]
    known = [one.id for one in Rule]
    if "*" not in rule and rule not in known:
        hint = "it is the rule and the item, as `pgrst-gate diff` shows them; `*` is anything"
        node.place.refuse(f"no change is a `{rule}`{nearest(rule, known)}", hint)
    return node.text
