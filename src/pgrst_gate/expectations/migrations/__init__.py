"""Expectations from SQL migration files, read without a database.

PostgreSQL's own parser reads them; what cannot be known without running them is put down as
unreadable. docs/migrations.md tells what is read and what is not.
"""

from __future__ import annotations

from pathlib import Path

from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.migrations import layouts
from pgrst_gate.expectations.migrations import since as since_
from pgrst_gate.expectations.migrations.history import applied
from pgrst_gate.expectations.migrations.layouts import LAYOUTS, Layout
from pgrst_gate.expectations.migrations.places import Place, Reading, Unreadable

__all__ = ["LAYOUTS", "Layout", "Place", "Reading", "Unreadable", "applied", "read_migrations"]


def read_migrations(folder: Path, layout: Layout, since: str) -> Reading:
    """What the new migrations of the folder change in an API; ``since`` as `since.new` takes it.

    All files are read, those that are not new first: a tool applies the new ones on top of them,
    whatever their order in the folder. Raises UsageError, with place and fix.
    """
    try:
        import dulwich
        import postgast
    except ImportError as error:
        raise UsageError(
            f"migrations cannot be read: {error.name} is not installed",
            hint="pip install 'pgrst-gate[migrations]'",
        ) from error
    del dulwich, postgast
    from pgrst_gate.expectations.migrations.claims import claims
    from pgrst_gate.expectations.migrations.model import Model
    from pgrst_gate.expectations.migrations.reading import read_file

    found = layouts.migrations(folder, layout)
    new = since_.new(found, folder, layout, since)
    model = Model()
    paths = {one.path for one in new}
    for one in found:
        if one.path not in paths:
            read_file(model, one.path, layouts.text(one, layout))
    before = model.copy()
    model.appeared = model.stood = frozenset()
    unreadable: list[Unreadable] = []
    for one in new:
        unreadable += read_file(model, one.path, layouts.text(one, layout))
    order = {str(one.path): number for number, one in enumerate(new)}
    present, absent = claims(before, model, frozenset(order))
    told = {one for one in unreadable if one.place.path in order}
    return Reading(
        present,
        absent,
        tuple(sorted(told, key=lambda one: (order[one.place.path], one.place.line, one.why))),
        tuple(one.path for one in new),
    )
