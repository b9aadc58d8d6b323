"""The outputs of the action: short words and numbers for later steps. The report has the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pgrst_gate.drift.rules import Impact
from pgrst_gate.report import Conclusion, Report
from pgrst_gate.untrusted import one_line


@dataclass(frozen=True, slots=True)
class Output:
    """One output: its name, what action.yml says of it, and how it is had from a report.

    A text of a server's is cut to one line.
    """

    name: str
    description: str
    of: Callable[[Report, str], str]
    """Given the report, and the path of its JSON form as a later step finds it, or empty."""


def _refreshed_by(report: Report, _path: str) -> str:
    ways = dict.fromkeys(f"{receipt.runtime} {receipt.action}" for receipt in report.receipts)
    return one_line(", ".join(ways)) or "none"


def _version(report: Report, _path: str) -> str:
    return one_line(report.server.version, characters=40) if report.server else ""


def _reload(report: Report, _path: str) -> str:
    return "" if report.reload_milliseconds is None else str(report.reload_milliseconds)


OUTPUTS: Final[tuple[Output, ...]] = (
    Output(
        "verdict",
        "How the run ended: " + ", ".join(Conclusion),
        lambda report, _: report.conclusion.value,
    ),
    Output(
        "evidence",
        "How strongly the reload of the schema cache was seen: confirmed, inferred or unproven",
        lambda report, _: report.evidence.value,
    ),
    Output(
        "refreshed-by",
        "What was done to refresh, such as `docker reload`; `none` where nothing was sent",
        _refreshed_by,
    ),
    Output(
        "reload-ms",
        "Milliseconds from the last refresh to the first sign of its effect; empty without one",
        _reload,
    ),
    Output(
        "attempts",
        "How many rounds of questions were asked after the refresh",
        lambda report, _: str(report.attempts),
    ),
    Output(
        "served",
        "How many items are as expected",
        lambda report, _: str(len(report.served)),
    ),
    Output(
        "not-served",
        "How many items are not as expected",
        lambda report, _: str(len(report.not_served)),
    ),
    Output(
        "changes",
        "How many changes `mode: drift` found, without those that are allowed; else empty",
        lambda report, _: str(len(report.drift.judged.left)) if report.drift else "",
    ),
    Output(
        "breaking",
        "How many of them break clients; empty in other modes",
        lambda report, _: str(report.drift.count(Impact.BREAKING)) if report.drift else "",
    ),
    Output(
        "postgrest-version",
        "The version of the server, such as 14.14; empty where it was not told",
        _version,
    ),
    Output(
        "report",
        "Path of the JSON report, relative to the workspace if it is in there; empty without one",
        lambda _, path: path,
    ),
)
