"""Reads one migration file on top of what is known."""

from __future__ import annotations

from pathlib import Path

from pgrst_gate.expectations.migrations.model import TEMPORARY, Model
from pgrst_gate.expectations.migrations.places import Unreadable
from pgrst_gate.expectations.migrations.session import Session, Source
from pgrst_gate.expectations.migrations.statements import read


def read_file(model: Model, path: Path, text: str) -> tuple[Unreadable, ...]:
    """Let the model know what the file does.

    Gives what cannot be read. It may lie in an earlier file, which this one makes uncertain.
    """
    session = Session(model, Source(str(path), text.encode()))
    read(session)
    for name in [name for name in model.relations if name.schema == TEMPORARY]:
        del model.relations[name]
    return tuple(session.notes)
