"""Reads two sources, compares them, and judges what changed by an allow-list."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from pgrst_gate import files
from pgrst_gate.drift import allowed, sources
from pgrst_gate.drift.allowed import Permit
from pgrst_gate.drift.changes import compare
from pgrst_gate.drift.comparison import Comparison
from pgrst_gate.drift.options import Terms
from pgrst_gate.surface import Surface

ALLOW_BYTES: Final = 1024 * 1024
_DESCRIBED: Final = (
    "is as an API's description has it: what a key may use, without lengths of types, results,"
    " grants and relationships; with `admin-url` the schema cache is read, which shows more"
)


def compared(
    before: str, after: str, terms: Terms, tell: Callable[[str], None] = lambda _: None
) -> Comparison:
    """What changed from one source to the other.

    ``tell`` is called with what was read. Raises `UsageError` for what does not read, `NotObserved`
    for what cannot be reached.
    """
    permits = _permits(terms.allow)  # first, for reading it costs nothing
    old, new = _both(before, after, terms)
    for name, source, surface in (("BEFORE", before, old), ("AFTER", after, new)):
        tell(
            f"{name} {source}: {len(surface.relations)} relations and"
            f" {len(surface.functions)} functions of {', '.join(surface.schemas)}"
        )
    notes = [
        f"{name} {_DESCRIBED}" for name, one in (("BEFORE", old), ("AFTER", new)) if not one.whole
    ]
    judged = allowed.judge(compare(old, new), permits, datetime.now(UTC).date())
    path = sources.snapshot_path(before)
    refresh = shlex.join(["pgrst-gate", "snapshot", after, "--out", path]) if path else ""
    return Comparison(before, after, judged, terms.fail_on, tuple(notes), refresh)


def _both(before: str, after: str, terms: Terms) -> tuple[Surface, Surface]:
    """Both surfaces; a database that names no schemas is read in those of the other source."""
    read = partial(sources.read_source, schemas=terms.schemas, layout=terms.layout)
    if sources.knows_schemas(before) or not sources.knows_schemas(after):
        old = read(before, terms.of_before)
        return old, read(after, terms.of_after, otherwise=old.schemas)
    new = read(after, terms.of_after)
    return read(before, terms.of_before, otherwise=new.schemas), new


def _permits(path: str) -> Sequence[Permit]:
    return allowed.read(files.read(Path(path), most=ALLOW_BYTES), path) if path else ()
