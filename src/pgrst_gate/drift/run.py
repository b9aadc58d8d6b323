"""The commands `snapshot` and `diff`, from their given inputs to their exit codes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from pgrst_gate import files
from pgrst_gate.drift import allowed, options, shown, snapshot, sources
from pgrst_gate.drift.allowed import Judged, Permit
from pgrst_gate.drift.changes import compare
from pgrst_gate.drift.rules import Change, Impact
from pgrst_gate.drift.shown import Shown
from pgrst_gate.errors import Cancelled, GateError, UsageError
from pgrst_gate.inputs import Given, Input, secrets_of, values_of
from pgrst_gate.redaction import Secrets
from pgrst_gate.reporters import console
from pgrst_gate.session import cancellable
from pgrst_gate.surface import Surface

ALLOW_BYTES: Final = 1024 * 1024
_DESCRIBED: Final = (
    "is as an API's description has it: what a key may use, without lengths of types, results,"
    " grants and relationships; with `admin-url` the schema cache is read, which shows more"
)


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
        values = values_of(options.DIFF, given)
        found = secrets.redacted(_compared(before, after, values))
        console.write(sys.stdout, shown.as_json(found) if as_json else shown.as_text(found))
        return 0 if found.is_open else 1

    return _ended(show, secrets)


def closing(judged: Judged, fail_on: options.FailOn) -> tuple[Change, ...]:
    """The changes that close the gate."""
    least = {"breaking": [Impact.BREAKING], "any": [*Impact], "none": []}[fail_on]
    return tuple(one for one in judged.left if one.impact in least)


def _compared(before: str, after: str, values: Mapping[str, Any]) -> Shown:
    permits = _permits(values["allow"])  # first, for reading it costs nothing
    old, new = _both(before, after, values)
    judged = allowed.judge(compare(old, new), permits, datetime.now(UTC).date())
    notes = [
        f"{name} {_DESCRIBED}" for name, one in (("BEFORE", old), ("AFTER", new)) if not one.whole
    ]
    path = sources.snapshot_path(before)
    refresh = shlex.join(["pgrst-gate", "snapshot", after, "--out", path]) if path else ""
    return Shown(before, after, judged, closing(judged, values["fail_on"]), tuple(notes), refresh)


def _both(before: str, after: str, values: Mapping[str, Any]) -> tuple[Surface, Surface]:
    """Both surfaces; a database that names no schemas is read in those of the other source."""
    read = partial(
        sources.read_source, schemas=values["schema"], layout=values["migrations_layout"]
    )
    of_before, of_after = options.access(values, "before_"), options.access(values)
    if sources.knows_schemas(before) or not sources.knows_schemas(after):
        old = read(before, of_before)
        return old, read(after, of_after, otherwise=old.schemas)
    new = read(after, of_after)
    return read(before, of_before, otherwise=new.schemas), new


def _permits(path: str) -> Sequence[Permit]:
    return allowed.read(files.read(Path(path), most=ALLOW_BYTES), path) if path else ()


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
