"""One invocation from its given inputs to its exit code, whoever started it: shell or runner.

The real edges are made here and nowhere else: the runtimes, the clock, the signals.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, Protocol

from pgrst_gate import __version__, gate
from pgrst_gate.errors import BUG_EXIT_CODE, Cancelled, GateError, MissingInput, NotRefreshed
from pgrst_gate.expectations.migrations import history
from pgrst_gate.expectations.pinned import as_config
from pgrst_gate.expectations.sources import gathered
from pgrst_gate.given import with_config
from pgrst_gate.inputs import Given, read_inputs, refuse, secrets_of
from pgrst_gate.journal import Journal
from pgrst_gate.plan import Plan, make_plan
from pgrst_gate.pull_request import started_by
from pgrst_gate.readers import comment_id, report_files
from pgrst_gate.redaction import Secrets
from pgrst_gate.remote import from_here, transport_of
from pgrst_gate.report import Conclusion, Destinations, Event, Level, OnFailure, Report
from pgrst_gate.reporters import json_report
from pgrst_gate.rollback import carry_out
from pgrst_gate.runtimes import RUNTIMES
from pgrst_gate.runtimes.auto import choose
from pgrst_gate.runtimes.interface import Runtime, Target
from pgrst_gate.runtimes.transports.transport import Transport

_CANCELLING: Final = (signal.SIGINT, signal.SIGTERM)


class Front(Protocol):
    """Who is shown the run: a terminal, or a runner."""

    def begin(self, secrets: Secrets) -> Callable[[Event], None]:
        """Mask the secrets; gives what to call with every event of the run."""

    def finish(self, report: Report, destinations: Destinations) -> None:
        """Show the redacted report, and take it to its destinations."""


def run(given: Mapping[str, Given], front: Front) -> int:
    """Run the gate on the given inputs and show it; gives the exit code.

    Bad inputs and a cancellation are reports like any other.
    """
    with cancellable():
        try:
            given, problem = with_config(given), None
        except GateError as error:
            problem = error
        secrets = Secrets(secrets_of(given))
        journal = Journal(front.begin(secrets))
        report = journal.failed(problem) if problem else _report(given, journal)
        report = _after_failure(report, given, secrets, journal)
    front.finish(secrets.redacted(report), _destinations(given))
    if report.conclusion is Conclusion.CANCELLED:
        # Questions that still wait for a slow server must not hold up the end: their threads would
        # be joined at exit, and the runner gives the whole container 10 s.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(report.exit_code)
    return report.exit_code


def _after_failure(
    report: Report, given: Mapping[str, Given], secrets: Secrets, journal: Journal
) -> Report:
    """The report with what came of `on-failure`, which is carried out now if it is for this end.

    The exit code stays what it is.
    """
    try:
        inputs = read_inputs(given)
    except GateError:
        return report
    if not inputs.on_failure or report.exit_code not in inputs.on_failure_codes:
        return report
    journal.note("failure", f"{report.sentence}: running {inputs.on_failure}", "notice")
    try:
        done = carry_out(inputs, json_report.render(secrets.redacted(report)))
    except Cancelled:
        done = OnFailure(inputs.on_failure, succeeded=False, told="stopped: cancelled")
    word = "succeeded" if done.succeeded else "failed"
    level: Level = "info" if done.succeeded else "warning"
    journal.note("failure", f"{done.plan} {word}: {done.told}", level)
    return journal.completed(report, done)


def _destinations(given: Mapping[str, Given]) -> Destinations:
    """Where a report goes is known even if other inputs are wrong."""
    texts = {name: one.text for name, one in given.items()}
    with suppress(ValueError):
        return Destinations(
            report_files(texts.get("report", "")),
            comment_id(texts.get("comment", "")),
            texts.get("github-token", "").strip(),
        )
    return Destinations()


def expect(
    given: Mapping[str, Given], show: Callable[[str], object], complain: Callable[[str], object]
) -> int:
    """Show what `expect-from` derives, as the YAML that `config` takes; gives the exit code.

    No API is asked, and nothing is sent to a server.
    """
    secrets = Secrets(secrets_of(given))
    try:
        plan = make_plan(read_inputs(given, asks_api=False))
        notes: list[str] = []
        found = gathered(plan, plan.inputs.schema, None, notes.append)
    except GateError as error:
        complain(secrets.redact(f"{error}\nWhat to do: {error.hint}\n"))
        return error.exit_code
    complain("".join(f"{secrets.redact(note)}\n" for note in notes))
    show(as_config(found))
    return 0


def applied(
    given: Mapping[str, Given], show: Callable[[str], object], complain: Callable[[str], object]
) -> int:
    """Show what the migration tool has applied so far, as JSON for `since`; gives the exit code."""
    secrets = Secrets(secrets_of(given))
    try:
        inputs = read_inputs(given, asks_api=False)
        if not inputs.database_url:
            refuse((), ["`applied` needs `database-url`"])
        versions = history.applied(inputs.database_url, inputs.migrations_layout)
    except GateError as error:
        complain(secrets.redact(f"{error}\nWhat to do: {error.hint}\n"))
        return error.exit_code
    show(f"{json.dumps({'applied': versions}, indent=1)}\n")
    return 0


def or_bug(invocation: Callable[[], int]) -> int:
    """The exit code of an invocation; a bug in it shows its traceback and has a code of its own."""
    try:
        return invocation()
    except Exception:  # noqa: BLE001 - Python's own exit code 1 would say that the gate is closed
        traceback.print_exc()
        sys.stderr.write(f"this is a bug in pgrst-gate {__version__}: please report it\n")
        return BUG_EXIT_CODE


def _report(given: Mapping[str, Given], journal: Journal) -> Report:
    pull_request = started_by(os.environ)
    no_secrets = pull_request.gets_no_secrets if pull_request else ""
    try:
        inputs = read_inputs(given)
        if inputs.mode == "drift":
            from pgrst_gate.drift import gate as drift_gate

            return drift_gate.run(inputs, pull_request, journal)
        plan = make_plan(inputs, no_secrets=no_secrets)
        with transport_of(inputs) as transport:
            return gate.run(
                from_here(plan, transport, journal),
                lambda _: _find_runtime(plan, transport),
                journal,
            )
    except MissingInput as error:
        # The inputs do not read as a whole, but this one does: all that is wrong is missing.
        asked = given.get("on-missing-secrets")
        if no_secrets and (asked is None or asked.text.strip() in {"", "skip"}):
            return journal.skipped(no_secrets, str(error))
        return journal.failed(error)
    except GateError as error:
        return journal.failed(error)
    except Cancelled as cancelled:
        return journal.cancelled(cancelled)


def _find_runtime(plan: Plan, transport: Transport) -> tuple[Runtime, str]:
    """The runtime that was asked for, or that suggests itself, and why it is this one."""
    inputs = plan.inputs
    if inputs.mode == "verify":
        return RUNTIMES["none"](Target(), transport), "mode verify refreshes nothing"
    target = plan.target
    if inputs.runtime != "auto":
        return RUNTIMES[inputs.runtime](target, transport), "as asked"
    choice = choose(target, inputs.url, transport)
    if choice.name == "none" and inputs.method != "auto":
        raise NotRefreshed(
            f"there is nothing to {inputs.method}: {choice.why}",
            hint="give `container`, `service`, `unit`, `pid`, `pid-file`, `process-name`,"
            " `workload` or `database-url`",
        )
    return RUNTIMES[choice.name](choice.target, transport), choice.why


@contextmanager
def cancellable() -> Iterator[None]:
    """Within it, the first SIGINT or SIGTERM raises `Cancelled` in the main thread.

    All later ones are ignored, also after it, while the report is written: a runner sends SIGINT,
    7.5 s later SIGTERM, and 2.5 s later gives up on the container.
    """

    def ignore() -> None:
        for one in _CANCELLING:
            signal.signal(one, signal.SIG_IGN)

    def cancel(number: int, frame: FrameType | None) -> None:
        del frame
        ignore()
        raise Cancelled(number)

    for one in _CANCELLING:
        signal.signal(one, cancel)
    try:
        yield
    finally:
        ignore()
