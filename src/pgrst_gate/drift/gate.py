"""The gate of `mode: drift`, from the inputs to the report: two surfaces, and no server touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Final

from pgrst_gate.drift import options
from pgrst_gate.drift.comparing import compared
from pgrst_gate.errors import NotObserved
from pgrst_gate.inputs import Inputs, refuse
from pgrst_gate.journal import Journal
from pgrst_gate.pull_request import PullRequest
from pgrst_gate.report import Conclusion, Report
from pgrst_gate.verdicts import Cause

_OTHER_MODES: Final = (
    "expect_from",
    "endpoints",
    "expected_columns",
    "expected_tables",
    "expected_functions",
    "expected_relationships",
    "expected_absent",
)


def run(inputs: Inputs, pull_request: PullRequest | None, journal: Journal) -> Report:
    """Compare, and conclude by the changes, the allow-list and the label of the pull request.

    A key that is missing because this pull request is given no secrets skips the run. Raises
    `UsageError` for inputs that do not go together, and as `compared`.
    """
    journal.runtime = ""
    before, after = _sources(inputs)
    if inputs.dry_run:
        journal.note("plan", f"compare {before} with {after}, and fail on {inputs.fail_on}")
        return journal.report(Conclusion.PLANNED, 0, "planned only: nothing was asked")
    terms = options.terms({one.name: getattr(inputs, one.name) for one in fields(inputs)})
    try:
        found = compared(before, after, terms, lambda text: journal.note("preflight", text))
    except NotObserved as error:
        excuse = _excuse(inputs, pull_request)
        if excuse and error.cause == Cause.UNAUTHORIZED:
            return journal.skipped(excuse, str(error))
        raise
    label = inputs.override_label
    if found.against and pull_request and label in pull_request.labels:
        found = replace(found, override=label)
        text = f"the label `{label}` lets {len(found.against)} changes pass"
        journal.note("verify", text, "notice")
    for notice in found.judged.notices:
        journal.note("verify", notice, "warning")
    journal.drift = found
    if found.is_open:
        return journal.report(Conclusion.OPEN, 0, found.sentence)
    return journal.report(Conclusion.CLOSED, 1, found.sentence)


def _sources(inputs: Inputs) -> tuple[str, str]:
    after = inputs.after or inputs.url
    problems = [
        f"`{one.replace('_', '-')}` is for the other modes: drift compares `before` with `after`"
        for one in _OTHER_MODES
        if getattr(inputs, one)
    ]
    missing = list(_missing(inputs.before, after))
    if problems or missing:
        refuse(problems, missing)
    return inputs.before, after


def _missing(before: str, after: str) -> Iterator[str]:
    if not before:
        yield "mode drift needs `before`: a snapshot, `git:<ref>:<path>` of one, an API, a database"
    if not after:
        yield "mode drift needs `after`, or `url`"


def _excuse(inputs: Inputs, pull_request: PullRequest | None) -> str:
    keyless = not (inputs.api_key or inputs.token or inputs.before_api_key or inputs.before_token)
    excused = pull_request and keyless and inputs.on_missing_secrets == "skip"
    return pull_request.gets_no_secrets if pull_request and excused else ""
