"""What came of comparing two surfaces: the value that every way to show it renders."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgrst_gate.drift.rules import Change, FailOn, Impact

if TYPE_CHECKING:
    from pgrst_gate.drift.allowed import Judged

_CLOSING: Final[dict[FailOn, Collection[Impact]]] = {
    "breaking": (Impact.BREAKING,),
    "any": tuple(Impact),
    "none": (),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes from one source to another, judged. Texts of theirs are untrusted."""

    before: str
    """The sources, as they were written."""
    after: str
    judged: Judged
    fail_on: FailOn
    notes: tuple[str, ...] = ()
    refresh: str = ""
    """The command that makes AFTER the new normal; empty where BEFORE is no file."""
    override: str = ""
    """The label of the pull request that lets all changes pass; empty where it has none."""

    @property
    def against(self) -> tuple[Change, ...]:
        """The changes that close the gate, unless a label overrides them."""
        return tuple(one for one in self.judged.left if one.impact in _CLOSING[self.fail_on])

    @property
    def is_open(self) -> bool:
        """Whether the gate is open."""
        return bool(self.override) or not self.against

    @property
    def sentence(self) -> str:
        """The one line that says it all."""
        left, allowed = self.judged.left, self.judged.allowed
        if not left and not allowed:
            return f"gate open: no drift between {self.before} and {self.after}"
        counts = [f"{self.count(impact)} {impact.value}" for impact in Impact]
        told = ", ".join([*counts, f"{len(allowed)} allowed"] if allowed else counts)
        if not self.is_open:
            closing = len(self.against)
            return f"gate closed by {closing} change{'s' * (closing > 1)}: {told}"
        by = f" by the label `{self.override}`" if self.override and self.against else ""
        return f"gate open{by}: {told}"

    def count(self, impact: Impact) -> int:
        """How many changes of this impact no entry of the allow-list lets pass."""
        return sum(one.impact is impact for one in self.judged.left)
