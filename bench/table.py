"""The table of measurements: medians with their range, and the limit where there is one."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["ms", "s", "MiB"]

_PER_UNIT: Final[dict[Unit, float]] = {"ms": 1e-3, "s": 1.0, "MiB": 1024.0**2}
_DIGITS: Final[dict[Unit, int]] = {"ms": 0, "s": 2, "MiB": 0}
_HEADINGS: Final = ("measured", "median", "min to max", "runs", "limit")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured, in seconds or bytes, once or more."""

    what: str
    values: Sequence[float]
    unit: Unit
    limit: float | None = None
    """For the median, in the unit of the row."""

    def cells(self) -> tuple[str, ...]:
        """The row as texts, in the order of the headings."""
        median = statistics.median(self.values) / _PER_UNIT[self.unit]
        limit = ""
        if self.limit is not None:
            kept = "kept" if median <= self.limit else "MISSED"
            limit = f"{self.limit:g} {self.unit}, {kept}"
        spread = f"{self._shown(min(self.values))} to {self._shown(max(self.values))}"
        runs = len(self.values)
        return (
            self.what,
            f"{self._shown(statistics.median(self.values))} {self.unit}",
            spread if runs > 1 else "",
            str(runs),
            limit,
        )

    def _shown(self, value: float) -> str:
        return f"{value / _PER_UNIT[self.unit]:.{_DIGITS[self.unit]}f}"


def plain(rows: Sequence[Row]) -> str:
    """The table for a terminal, in columns."""
    table = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in table
    )


def markdown(rows: Sequence[Row]) -> str:
    """The same table as Markdown."""
    table = [_HEADINGS, ("---",) * len(_HEADINGS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)
