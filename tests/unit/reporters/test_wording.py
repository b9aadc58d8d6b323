"""Numbers and times read as a person would say them."""

from __future__ import annotations

import pytest

from pgrst_gate.reporters.wording import counted, duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.0844, "84 ms"),
        (0.9996, "1.00 s"),
        (1.236, "1.24 s"),
        (59.994, "59.99 s"),
        (60, "1 min 0 s"),
        (125.9, "2 min 5 s"),
        (1800, "30 min 0 s"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    """A time has the unit and the digits that matter."""
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 items"), (1, "1 item"), (2, "2 items"), (1000, "1,000 items")]
)
def test_counted(number: int, said: str) -> None:
    """One item is not items."""
    assert counted(number, "item") == said
