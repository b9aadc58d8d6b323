"""The report as GitLab's code-quality JSON, which a merge request shows at its lines.

GitLab shows no finding without a file, so what no file made is shown at the pipeline's own.
"""

from __future__ import annotations

import json

from pgrst_gate.report import Report
from pgrst_gate.reporters.checks import Check, not_passed


def render(report: Report, pipeline: str) -> str:
    """The report, which must be redacted, as JSON. ``pipeline`` is the path of its definition."""
    found = [_finding(check, pipeline) for check in not_passed(report)]
    return f"{json.dumps(found, indent=1)}\n"


def _finding(check: Check, pipeline: str) -> dict[str, object]:
    return {
        "description": " ".join((check.message, *check.details)),
        "check_name": check.rule,
        "fingerprint": check.fingerprint,
        "severity": "critical" if check.outcome == "error" else "major",
        "location": {"path": check.path or pipeline, "lines": {"begin": check.line or 1}},
    }
