"""Which migrations are new: all, those of a git ref's difference, or those of a list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pgrst_gate.commits import Committed, committed
from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.migrations.layouts import Layout, Migration

_FORMS = (
    "the JSON of `supabase db push --output-format json`, that of `supabase migration list "
    '--output-format json` before the push, or {"applied": ["version", ...]}'
)


def new(
    found: tuple[Migration, ...], folder: Path, layout: Layout, since: str
) -> tuple[Migration, ...]:
    """Those of the migrations that are new; none after a push that had nothing to apply.

    ``since`` is empty (all), a JSON file, or a git ref. Raises UsageError.
    """
    if not since:
        return found
    path = Path(since)
    if path.is_file():
        return _listed(found, layout, path)
    if since.endswith(".json"):
        raise UsageError(f"there is no file {since}", hint=f"`since` is a git ref, or {_FORMS}")
    with committed(since, folder, f"`since: {since}`") as before:
        return tuple(one for one in found if not _is_in(before, one.path))


def _is_in(before: Committed, path: Path) -> bool:
    content = path.read_bytes()
    # A checkout with autocrlf has other line ends than the repository.
    name = path.resolve().relative_to(before.root).as_posix()
    return before.has(name, content, content.replace(b"\r\n", b"\n"))


def _listed(found: tuple[Migration, ...], layout: Layout, path: Path) -> tuple[Migration, ...]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, OSError) as error:
        raise UsageError(f"{path}: not JSON: {error}", hint=f"give {_FORMS}") from error
    match document:
        case {"applied": [*versions]} if all(isinstance(one, str) for one in versions):
            return _without(found, layout, versions)
        case {"migrations": []} if "upToDate" in document:
            return ()
        case {"migrations": [*names]} if names and all(isinstance(one, str) for one in names):
            return _named(found, names, path)
        case {"migrations": [*rows]} if all(_is_row(row) for row in rows):
            remote = [str(row["remote"]) for row in rows if row.get("remote")]
            return _without(found, layout, remote)
        case _:
            raise UsageError(f"{path}: JSON of an unknown form", hint=f"give {_FORMS}")


def _is_row(row: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(row, Mapping) and {"local", "remote"} <= row.keys()


def _named(found: tuple[Migration, ...], names: list[str], path: Path) -> tuple[Migration, ...]:
    missing = [name for name in names if not any(name in one.names for one in found)]
    if missing:
        raise UsageError(
            f"{path} names {missing[0]}, which is not in the folder of migrations",
            hint="give the folder, and the commit of it, that was pushed",
        )
    return tuple(one for one in found if not one.names.isdisjoint(names))


def _without(
    found: tuple[Migration, ...], layout: Layout, applied: list[str]
) -> tuple[Migration, ...]:
    """Those that a history does not have. golang-migrate's and Drizzle's tell of the last alone."""
    if layout in {"golang-migrate", "drizzle"} and all(one.isdigit() for one in applied):
        last = max(map(int, applied), default=-1)
        return tuple(one for one in found if not one.version.isdigit() or int(one.version) > last)
    return tuple(one for one in found if one.names.isdisjoint(applied))
