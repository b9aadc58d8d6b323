"""All that a workflow run shows of a report: its file, outputs, job summary and annotations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pgrst_gate import pull_request as pull_requests
from pgrst_gate.drift.comparison import Comparison
from pgrst_gate.findings import Finding
from pgrst_gate.report import Conclusion, Destinations, Report, ReportFile
from pgrst_gate.reporters import drift, formats, markdown, wording
from pgrst_gate.reporters.outputs import OUTPUTS
from pgrst_gate.untrusted import block, one_line
from pgrst_gate.verdicts import Cause, Verdict
from pgrst_gate.workflow import Annotation, Level, Workflow

_MOST_NAMED = 5
"""Items that an annotation names."""


def publish(report: Report, workflow: Workflow, destinations: Destinations) -> None:
    """Write the report to its files, and as JSON; set outputs, summary and annotations; comment.

    The report must be redacted. What cannot be written becomes a warning, and the rest is still
    done: a full disk neither hides nor changes a verdict.
    """
    failures: list[str] = []
    saved = ""
    files = destinations.files
    as_json = () if any(file.format == "json" for file in files) else (ReportFile("json", "."),)
    for file in (*as_json, *files):
        with _noted(failures, f"The report was not written as {file.format}"):
            path = formats.save(report, file, _workspace())
            saved = _for_later_steps(path) if file.format == "json" else saved
    with _noted(failures, "The outputs were not set"):
        for output in OUTPUTS:
            workflow.output(output.name, output.of(report, saved))
    with _noted(failures, "The job summary was not written"):
        workflow.summary(markdown.render(report, _pages(os.environ)))
    if why := _commented(report, destinations):
        text = f"The comment was not written: {why}. The job summary says the same."
        workflow.annotate([Annotation("notice", "pgrst-gate", text)])
    unwritten = (Annotation("warning", "pgrst-gate", failure) for failure in failures)
    workflow.annotate((*remarks(report), *unwritten))


def remarks(report: Report) -> Iterator[Annotation]:
    """The conclusion, or an error for each cause that closed the gate; then the run's notices."""
    match report.conclusion:
        case Conclusion.OPEN | Conclusion.PLANNED | Conclusion.SKIPPED:
            yield _annotation("notice", report, one_line(report.sentence))
        case Conclusion.CLOSED:
            yield from _closed(report)
        case Conclusion.CANCELLED:
            yield _annotation("warning", report, _problem(report))
        case _:
            yield _annotation("error", report, _problem(report))
    for finding in report.findings:
        if finding.severity != "note":
            yield _found(finding)
    for text in dict.fromkeys(event.text for event in report.events if event.level == "warning"):
        yield Annotation("warning", "pgrst-gate", "\n".join(block(text)))
    for text in dict.fromkeys(event.text for event in report.events if event.level == "notice"):
        yield Annotation("notice", "pgrst-gate", "\n".join(block(text)))


def _found(finding: Finding) -> Annotation:
    """At the line of the migration that it is about, if it is about one."""
    file, line = wording.migration_line(finding) or ("", 1)
    text = "\n".join((*block(finding.text), *block(finding.remedy)))
    title = f"pgrst-gate: {one_line(finding.subject)}"
    return Annotation("warning", title, text, one_line(file), line)


def _closed(report: Report) -> Iterator[Annotation]:
    causes = wording.by_cause(report.not_served)
    failed = [endpoint for endpoint in report.endpoints if endpoint.passed is False]
    broken = [result for result in report.access if result.fails]
    if report.drift:
        yield from _changes(report.drift)
    elif not (causes or failed or broken):  # too little evidence, for example
        yield _annotation("error", report, one_line(report.sentence))
    for cause, verdicts in causes.items():
        yield _caused(cause, verdicts)
    if broken:
        first = one_line(f"{wording.ruled(broken[0])}: {broken[0].line}")
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        text = "\n".join((f"{first}{more}", *block(broken[0].remedy)))
        yield Annotation("error", "pgrst-gate: access", text)
    if failed:
        first = f"{one_line(failed[0].line)}: expected {one_line(failed[0].expected)}"
        answered = f"answered {one_line(failed[0].answered)}"
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        yield Annotation("error", "pgrst-gate: endpoint", f"{first}, {answered}{more}")
    for cause, verdicts in causes.items():
        yield from _elsewhere(cause, verdicts)


def _elsewhere(cause: Cause, verdicts: tuple[Verdict, ...]) -> Iterator[Annotation]:
    """An error at each further line that made items; last, so that no cause goes untold for it."""
    made = (one.place for one in verdicts if one.migration)
    _, *places = dict.fromkeys(made) or [""]
    for place in places:
        yield _caused(cause, tuple(one for one in verdicts if one.place == place))


def _changes(found: Comparison) -> Iterator[Annotation]:
    """An error for each rule that closed the gate."""
    rules = dict.fromkeys(change.rule for change in found.against)
    for rule in rules:
        changes = [change for change in found.against if change.rule is rule]
        lines = [one_line(f"{one.what}: {drift.values(one)}") for one in changes[:_MOST_NAMED]]
        if len(changes) > _MOST_NAMED:
            lines.append(f"and {len(changes) - _MOST_NAMED:,} more")
        yield Annotation("error", f"pgrst-gate: {rule.id} ({rule.impact.value})", "\n".join(lines))


def _caused(cause: Cause, verdicts: tuple[Verdict, ...]) -> Annotation:
    """At the first line of a migration that made one of the items, if one did."""
    file, line = next(filter(None, (one.migration for one in verdicts)), ("", 1))
    title = f"pgrst-gate: {cause}"
    return Annotation("error", title, _cause(cause, verdicts), one_line(file), line)


def _cause(cause: Cause, verdicts: tuple[Verdict, ...]) -> str:
    names = [one_line(wording.named(verdict.item)) for verdict in verdicts[:_MOST_NAMED]]
    more = f" and {len(verdicts) - len(names):,} more" if len(verdicts) > len(names) else ""
    remedies = wording.by_remedy(verdicts)
    remedy = next((remedy for _, remedy in remedies if remedy), "")
    return "\n".join((f"{cause}: {', '.join(names)}{more}", *block(remedy)))


def _problem(report: Report) -> str:
    if report.problem is None:
        return one_line(report.sentence)
    return "\n".join((*block(report.problem.message), *block(report.problem.hint)))


def _annotation(level: Level, report: Report, message: str) -> Annotation:
    return Annotation(level, f"pgrst-gate: {wording.HEADLINES[report.conclusion]}", message)


@contextmanager
def _noted(failures: list[str], what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        failures.append(f"{what}: {error}")


def _for_later_steps(path: Path) -> str:
    """Relative to the workspace: a path inside of a container means nothing to the next step."""
    try:
        return str(path.resolve().relative_to(_workspace().resolve()))
    except ValueError:
        return str(path)


def _commented(report: Report, to: Destinations) -> str:
    """Why the pull request has no comment of this run, although one was asked for."""
    pull_request = pull_requests.started_by(os.environ)
    if not to.comment or pull_request is None:
        return ""
    from pgrst_gate import comments

    body = markdown.comment(report, to.comment, _pages(os.environ), comments.run(os.environ))
    thread = comments.thread(os.environ, pull_request.number)
    return comments.keep(thread, to.github_token, to.comment, body)


def _pages(environment: Mapping[str, str]) -> str:
    """Where the files of the action in use can be read; empty for one of the checkout."""
    names = ("GITHUB_SERVER_URL", "GITHUB_ACTION_REPOSITORY", "GITHUB_ACTION_REF")
    server, repository, ref = (environment.get(name, "") for name in names)
    return f"{server}/{repository}/blob/{ref}" if server and repository and ref else ""


def _workspace() -> Path:
    return Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
