"""The report as JUnit XML, which most CI systems show as tests.

In the form of Jenkins's xUnit plugin, that the others read, too: one suite for the run, a case for
every check.
"""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

from pgrst_gate.report import Report
from pgrst_gate.reporters.checks import Check, checks


def render(report: Report) -> str:
    """The report, which must be redacted, as an XML document."""
    found = checks(report)
    outcomes = Counter(check.outcome for check in found)
    counts = {
        "tests": str(len(found)),
        "failures": str(outcomes["failed"]),
        "errors": str(outcomes["error"]),
        "time": f"{report.seconds:.3f}",
    }
    suites = ET.Element("testsuites", {"name": "pgrst-gate", **counts})
    started_at = report.started_at.removesuffix("Z")
    skipped = str(outcomes["skipped"])
    suite = ET.SubElement(
        suites,
        "testsuite",
        {"name": "schema cache", **counts, "skipped": skipped, "timestamp": started_at},
    )
    for check in found:
        _case(suite, check)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, "unicode")}\n'


def _case(suite: ET.Element, check: Check) -> None:
    attributes = {"name": check.name, "classname": f"pgrst-gate.{check.group}", "time": "0"}
    case = ET.SubElement(suite, "testcase", attributes)
    if check.outcome == "skipped":
        ET.SubElement(case, "skipped", {"message": check.message})
    elif check.outcome != "passed":
        tag = "error" if check.outcome == "error" else "failure"
        found = ET.SubElement(case, tag, {"type": check.rule, "message": check.message})
        place = (f"{check.path}:{check.line}",) if check.path else ()
        found.text = "\n".join((*place, *check.details))
