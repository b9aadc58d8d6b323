"""A cancellation as the gate meets it: an exception that a signal handler raises."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from pgrst_gate.errors import Cancelled


@pytest.fixture
def cancel_soon() -> Iterator[None]:
    """Raise `Cancelled` in the test half a second from now."""

    def cancel(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Cancelled(signal.SIGTERM)

    before = signal.signal(signal.SIGALRM, cancel)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
