"""The health of a folder of migrations, and of what the database says was applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from pgrst_gate.doctor.looks import Look, unseen
from pgrst_gate.doctor.repeats import once_only
from pgrst_gate.errors import GateError, UsageError
from pgrst_gate.expectations.migrations import history, layouts
from pgrst_gate.expectations.migrations.layouts import Layout, Migration
from pgrst_gate.findings import Finding, Severity

_LAST_ALONE: Final = {"golang-migrate", "drizzle"}
"""Layouts whose history tells of the last migration alone."""
_SUBJECTS: Final = ("migration-versions", "migration-history", "migration-repeats")


def examined(folder: Path, layout: Layout, database_url: str) -> tuple[Look, ...]:
    """A look at the versions, at the history and at each file.

    Raises UsageError as `layouts.migrations`.
    """
    if not folder.is_dir():
        return tuple(unseen(one, f"there is no folder {folder}") for one in _SUBJECTS)
    found = layouts.migrations(folder, layout)
    history_seen = _history(found, folder, layout, database_url)
    return (versions(found), history_seen, _repeats(found, layout))


def versions(found: Sequence[Migration]) -> Look:
    """Two files of one version: a tool applies one of them, or refuses both."""
    files: dict[str, list[Migration]] = defaultdict(list)
    for one in found:
        files[one.version].append(one)
    findings = tuple(
        Finding(
            "migration-versions",
            "broken",
            f"{len(same)} files have version {version}: {', '.join(one.name for one in same)}",
            remedy=f"give all but the first a version of their own: git mv {same[-1].path} ...",
            place=f"{same[-1].path}:1",
        )
        for version, same in files.items()
        if len(same) > 1
    )
    return Look("migration-versions", f"{len(found)} files", findings)


def _history(found: Sequence[Migration], folder: Path, layout: Layout, database_url: str) -> Look:
    if not database_url:
        return unseen("migration-history", "no database-url was given")
    if layout == "plain" or layout in _LAST_ALONE:
        return unseen("migration-history", f"the layout {layout} keeps no list of what was applied")
    try:
        return compared(found, history.applied(database_url, layout), folder, layout)
    except GateError as error:
        return unseen("migration-history", str(error))


def compared(
    found: Sequence[Migration], applied: Iterable[str], folder: Path, layout: Layout
) -> Look:
    """The files against what the tool's own table says was applied."""
    listed = tuple(applied)
    known = frozenset().union(*(one.names for one in found))
    missing = [one for one in listed if one not in known]
    pending = [one for one in found if one.names.isdisjoint(listed)]
    done = [number for number, one in enumerate(found) if one not in pending]
    passed_over = [one for one in pending if done and found.index(one) < done[-1]]
    findings = [
        Finding(
            "migration-history",
            "broken",
            f"version {version} was applied, and no file has it",
            remedy="restore the file from the history of the repository",
        )
        for version in missing
    ]
    for one in pending:
        late = one in passed_over
        text = f"{one.name} was never applied" + (", and later ones were" if late else "")
        remedy = f"apply it: {layouts.command(str(folder), layout, overtaken=late)}"
        severity: Severity = "broken" if late else "risk"
        place = f"{one.path}:1"
        findings.append(Finding("migration-history", severity, text, (), remedy, place))
    return Look("migration-history", f"{len(listed)} applied", tuple(findings))


def _repeats(found: Sequence[Migration], layout: Layout) -> Look:
    try:
        import postgast
    except ImportError:
        return unseen("migration-repeats", "pip install 'pgrst-gate[migrations]'")
    del postgast
    findings: list[Finding] = []
    for one in found:
        try:
            findings += _once_only(one, layouts.text(one, layout))
        except UsageError as error:
            text, remedy = str(error), error.hint
            findings.append(Finding("migration-repeats", "broken", text, remedy=remedy))
    told = f"{len(found) - len(findings)} of {len(found)} files can be run again"
    return Look("migration-repeats", told, tuple(findings))


def _once_only(migration: Migration, text: str) -> Iterable[Finding]:
    found = once_only(str(migration.path), text)
    if found:
        yield Finding(
            "migration-repeats",
            "note",
            f"{migration.name} cannot be run again: {found[0][1]}",
            tuple(f"{place}: {why}" for place, why in found),
            "guard the statements, or never run the file twice",
            str(found[0][0]),
        )
