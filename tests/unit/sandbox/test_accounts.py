"""The page of accounts is compared with what the gate says now."""

import pytest

from pgrst_sandbox.accounts import steady

SHOWN = "gate open\n  took      155 ms, 131 ms of it for the reload, 6 rounds of questions"


@pytest.mark.parametrize(
    "again",
    [
        "gate open\n  took      1.20 s, 98 ms of it for the reload, 1 round of questions",
        "gate open\n  took   2 min 3 s, 1,098 ms of it for the reload, 1,000 rounds of questions",
    ],
)
def test_numbers_may_differ(again: str) -> None:
    """No two runs take the same time."""
    assert steady(again) == steady(SHOWN)


def test_words_may_not() -> None:
    """What the gate says is what the page shows."""
    assert steady(SHOWN.replace("open", "closed")) != steady(SHOWN)
