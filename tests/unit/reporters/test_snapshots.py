"""What each reporter says of each run, word for word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.reporters.reports import REPORTS

from pgrst_gate.reporters import console, json_report, markdown

Snapshot = Callable[[str, str], None]

# A thousand items are listed: as a file that is nobody's reading. Other tests count them.
READABLE = tuple(name for name in REPORTS if name != "many-stale")


@pytest.mark.parametrize("name", READABLE)
def test_console(name: str, snapshot: Snapshot) -> None:
    """The account in a log is the one that was reviewed."""
    snapshot(f"{name}.console.txt", console.render(REPORTS[name]))


@pytest.mark.parametrize("name", READABLE)
def test_markdown(name: str, snapshot: Snapshot) -> None:
    """The job summary is the one that was reviewed."""
    snapshot(f"{name}.summary.md", markdown.render(REPORTS[name]))


@pytest.mark.parametrize(
    "name", ["open", "closed", "access", "replicas", "problem", "drift", "hostile"]
)
def test_json(name: str, snapshot: Snapshot) -> None:
    """The JSON report is the one that programs were written against."""
    snapshot(f"{name}.report.json", json_report.render(REPORTS[name]))
