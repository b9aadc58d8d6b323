"""The report as SARIF 2.1.0, which code scanning shows at the lines of the migrations.

GitHub refuses a result without a file, so what no file made is shown at the pipeline's own.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from pgrst_gate import __version__
from pgrst_gate.report import Report
from pgrst_gate.reporters.checks import Check, not_passed

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_PAGES: Final = {
    "items": "docs/verdicts.md",
    "access": "docs/access.md",
    "changes": "docs/drift.md",
    "endpoints": "docs/expectations.md",
    "run": "docs/verdicts.md",
}


def render(report: Report, pipeline: str) -> str:
    """The report, which must be redacted, as JSON. ``pipeline`` is the path of its definition."""
    found = not_passed(report)
    rules = {check.rule: check for check in found}
    driver = {
        "name": "pgrst-gate",
        "semanticVersion": __version__,
        "rules": [_rule(check) for check in rules.values()],
    }
    numbers = {rule: number for number, rule in enumerate(rules)}
    run = {
        "tool": {"driver": driver},
        "results": [_result(check, numbers[check.rule], pipeline) for check in found],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the repository's root"}}},
    }
    return f"{json.dumps({'$schema': _SCHEMA, 'version': '2.1.0', 'runs': [run]}, indent=1)}\n"


def _rule(check: Check) -> dict[str, Any]:
    page = f"{_PAGES[check.group]} of pgrst-gate says what `{check.rule}` means, and what to do."
    return {
        "id": check.rule,
        "shortDescription": {"text": f"{check.rule.replace('-', ' ').capitalize()}."},
        "fullDescription": {"text": page},
        "help": {"text": page},
    }


def _artifact(path: str) -> dict[str, str]:
    """A file of the repository, or one that is outside of it."""
    uri = {"uri": quote(path)}
    inside = not path.startswith(("/", "../"))
    return {**uri, "uriBaseId": "SRCROOT"} if inside else uri


def _result(check: Check, number: int, pipeline: str) -> dict[str, Any]:
    return {
        "ruleId": check.rule,
        "ruleIndex": number,
        "level": "error",
        "message": {"text": "\n".join((check.message, *check.details))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(check.path or pipeline),
                    "region": {"startLine": check.line or 1},
                },
                "logicalLocations": [{"fullyQualifiedName": check.name}],
            }
        ],
        "partialFingerprints": {"pgrstGate/v1": check.fingerprint},
    }
