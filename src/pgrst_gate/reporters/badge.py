"""The report as one short line: for a badge, a chat message, a commit status."""

from __future__ import annotations

from pgrst_gate.report import Report
from pgrst_gate.reporters.wording import HEADLINES


def render(report: Report) -> str:
    """`gate open: 5 of 5, confirmed`; nothing in it is a server's text."""
    said = HEADLINES[report.conclusion]
    if report.drift:
        return f"{said}: {len(report.drift.against)} of {len(report.drift.judged.left)} changes\n"
    if report.verdicts:
        total = len(report.verdicts)
        return f"{said}: {len(report.served)} of {total}, {report.evidence.value}\n"
    return f"{said}\n"
