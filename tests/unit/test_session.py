"""One invocation, from its inputs to its exit code."""

import pytest

from pgrst_gate.session import or_bug


def test_a_bug_is_not_a_closed_gate(capsys: pytest.CaptureFixture[str]) -> None:
    """Python would exit with 1, which is what a closed gate exits with."""

    def broken() -> int:
        raise ZeroDivisionError("never")

    assert or_bug(broken) == 70
    shown = capsys.readouterr().err
    assert "ZeroDivisionError: never" in shown
    assert "please report it" in shown


def test_an_exit_code_passes_through() -> None:
    """The gate's own codes are not touched."""
    assert [or_bug(lambda: 0), or_bug(lambda: 4)] == [0, 4]
