"""The files that a report is written to, each in its format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pgrst_gate import files
from pgrst_gate.report import JSON_REPORT, Format, Report, ReportFile
from pgrst_gate.reporters import badge, code_quality, json_report, junit, sarif

FILE_NAMES: Final[Mapping[Format, str]] = {
    "json": JSON_REPORT,
    "junit": "pgrst-gate-junit.xml",
    "sarif": "pgrst-gate.sarif",
    "gitlab": "gl-code-quality-report.json",
    "badge": "pgrst-gate-badge.txt",
}
"""What a report is called in a directory."""


def save(report: Report, file: ReportFile, base: Path = Path()) -> Path:
    """Write the redacted report; gives the file. A relative path begins at the base.

    As `files.write`, whose `OSError` it raises.
    """
    target = base / file.path
    if target.is_dir():
        target /= FILE_NAMES[file.format]
    files.write(target, render(report, file.format, pipeline(os.environ)))
    return target


def render(report: Report, form: Format, pipeline: str) -> str:
    """The redacted report in a format. ``pipeline`` is the path of the pipeline's definition."""
    match form:
        case "json":
            return json_report.render(report)
        case "junit":
            return junit.render(report)
        case "sarif":
            return sarif.render(report, pipeline)
        case "gitlab":
            return code_quality.render(report, pipeline)
        case "badge":
            return badge.render(report)


def pipeline(environment: Mapping[str, str]) -> str:
    """The path of the file that defines this pipeline, from the root of the repository.

    By GITHUB_WORKFLOW_REF, `owner/repository/.github/workflows/x.yml@ref`, or CI_CONFIG_PATH of
    GitLab; `pgrst-gate` where neither is set.
    """
    workflow = environment.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].split("/", 2)
    if len(workflow) == len(("owner", "repository", "path")):
        return workflow[-1]
    return environment.get("CI_CONFIG_PATH") or "pgrst-gate"
