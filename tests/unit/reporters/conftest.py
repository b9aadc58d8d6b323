"""Snapshots: what a reporter says, kept as files that people read and review."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from pgrst_gate import __version__

SNAPSHOTS: Final = Path(__file__).parent / "snapshots"
UPDATE: Final = "UPDATE_SNAPSHOTS"


@pytest.fixture
def snapshot() -> Callable[[str, str], None]:
    """Compare a text with the file of that name; with UPDATE_SNAPSHOTS=1 it is written instead."""

    def compare(name: str, text: str) -> None:
        file = SNAPSHOTS / name
        scrubbed = text.replace(f'"version": "{__version__}"', '"version": "VERSION"')
        if os.environ.get(UPDATE):
            file.write_text(scrubbed, "utf-8")
        hint = (
            f"If this is what it should say: {UPDATE}=1 make test PYTEST_ARGS={file.parent.parent}"
        )
        assert scrubbed == (file.read_text("utf-8") if file.is_file() else ""), hint

    return compare
