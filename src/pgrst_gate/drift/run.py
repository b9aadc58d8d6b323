"""The commands `snapshot` and `diff`, from their given inputs to their exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pgrst_gate import files
from pgrst_gate.drift import options, snapshot, sources
from pgrst_gate.drift.comparing import compared
from pgrst_gate.errors import Cancelled, GateError, UsageError
from pgrst_gate.inputs import Given, Input, secrets_of, values_of
from pgrst_gate.redaction import Secrets
from pgrst_gate.reporters import console, drift
from pgrst_gate.session import cancellable


def run_snapshot(source: str, given: Mapping[str, Given]) -> int:
    """Write the snapshot of a source, once all was read; gives the exit code."""

    def write() -> int:
        values = values_of(options.SNAPSHOT, given)
        access, layout = options.access(values), values["migrations_layout"]
        surface = sources.read_source(source, access, values["schema"], layout=layout)
        text = snapshot.write(surface)
        if not values["out"]:
            console.write(sys.stdout, text)
            return 0
        try:
            files.write(Path(values["out"]), text)
        except OSError as error:
            raise UsageError(f"{values['out']} cannot be written: {error.strerror}") from error
        return 0

    return _ended(write, _secrets(given, options.SNAPSHOT, source))


def run_diff(before: str, after: str, given: Mapping[str, Given], *, as_json: bool) -> int:
    """Compare two sources and show it; gives the exit code."""
    secrets = _secrets(given, options.DIFF, before, after)

    def show() -> int:
        terms = options.terms(values_of(options.DIFF, given))
        found = secrets.redacted(compared(before, after, terms))
        console.write(sys.stdout, drift.as_json(found) if as_json else drift.as_text(found))
        return 0 if found.is_open else 1

    return _ended(show, secrets)


def _secrets(given: Mapping[str, Given], table: Sequence[Input], *named: str) -> Secrets:
    """Those of the inputs, and of the sources that are addresses."""
    return Secrets([*secrets_of(given, table), *(one for one in named if "://" in one)])


def _ended(work: Callable[[], int], secrets: Secrets) -> int:
    """The exit code of the work; what ended it is told without secrets."""
    with cancellable():
        try:
            return work()
        except GateError as error:
            hint = f"\nWhat to do: {error.hint}" if error.hint else ""
            sys.stderr.write(secrets.redact(f"{error}{hint}") + "\n")
            return error.exit_code
        except Cancelled as cancelled:
            return cancelled.exit_code
