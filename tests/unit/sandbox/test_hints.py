"""Hints of the stand-in offer what is cached and alike."""

import pytest

from pgrst_sandbox.hints import nearest


@pytest.mark.parametrize(
    ("asked", "known", "least", "expected"),
    [
        pytest.param("parted_1", ["base", "parted"], 0.75, "parted", id="alike enough"),
        pytest.param("heartbeats", ["heart"], 0.75, None, id="alike, not enough"),
        pytest.param("(b)", ["(a, b)"], 0.33, "(a, b)", id="a parameter is missing"),
        pytest.param("(b)", ["(a, c)"], 0.33, None, id="nothing in common"),
        pytest.param("(a, total)", ["(a)"], 0.33, None, id="too little in common"),
        pytest.param("()", ["(a, b)"], 0.33, None, id="nothing asked for"),
        pytest.param("films", [], 0.33, None, id="nothing known"),
        pytest.param("Films", ["films"], 0.75, "films", id="case does not count"),
    ],
)
def test_the_nearest_name_is_offered_if_it_is_near(
    asked: str, known: list[str], least: float, expected: str | None
) -> None:
    """Names in common letters are compared; below the least similarity nothing is offered."""
    assert nearest(asked, known, least) == expected
