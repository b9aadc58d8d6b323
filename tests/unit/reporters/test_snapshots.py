"""What each reporter says of each run, word for word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.reporters.renderers import RENDERERS
from tests.unit.reporters.reports import REPORTS

Snapshot = Callable[[str, str], None]

SUFFIXES = {
    "console": "console.txt",
    "summary": "summary.md",
    "comment": "comment.md",
    "annotations": "annotations.txt",
    "json": "report.json",
    "junit": "junit.xml",
    "sarif": "sarif",
    "gitlab": "gitlab.json",
}
SHOWN = ("open", "closed", "causes", "access", "replicas", "problem", "drift", "hostile")
# Hundreds of items in a file are nobody's reading: test_large.py counts them.
LISTED = {(name, reporter) for name in ("many", "many-stale") for reporter in ("json", "junit")}
LISTED |= {("many-stale", reporter) for reporter in SUFFIXES}
PAIRS = [
    *((name, reporter) for name in REPORTS for reporter in ("console", "summary")),
    *((name, reporter) for name in SHOWN for reporter in SUFFIXES),
    *(("many", reporter) for reporter in SUFFIXES),
]


@pytest.mark.parametrize(
    ("name", "reporter"), [pair for pair in dict.fromkeys(PAIRS) if pair not in LISTED]
)
def test_what_is_said(name: str, reporter: str, snapshot: Snapshot) -> None:
    """It is what was reviewed, and programs were written against."""
    snapshot(f"{name}.{SUFFIXES[reporter]}", RENDERERS[reporter](REPORTS[name]))


@pytest.mark.parametrize("reporter", ["badge", "outputs"])
def test_what_is_said_in_few_words(reporter: str, snapshot: Snapshot) -> None:
    """Of all runs, one below the other."""
    said = (f"{name}\n{RENDERERS[reporter](report)}\n" for name, report in REPORTS.items())

    snapshot(f"all.{reporter}.txt", "\n".join(said))
