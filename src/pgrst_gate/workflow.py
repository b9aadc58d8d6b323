"""The GitHub runner's protocol: masks, outputs, annotations, the job summary.

actions-toolkit writes and escapes the commands; added here is what it lacks. It is imported when a
`Workflow` is made, so only in a workflow, and it reads and writes the process's own environment and
standard output.

Facts about the runner are those of actions/runner 2.336 (src/Runner.Worker/ActionCommandManager.cs,
FileCommandManager.cs), and of GitHub's documentation on workflow commands.
"""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

from pgrst_gate.redaction import Secrets

Level = Literal["error", "warning", "notice"]

ANNOTATIONS_PER_LEVEL: Final = 10
"""What the runner takes of one level from one step; what is over goes to the log only."""
MESSAGE_CHARACTERS: Final = 3900
"""GitHub cuts a message at 4,096 characters; a line on how many more there are must still fit."""
SUMMARY_BYTES: Final = 1_000_000
"""GitHub drops a step's summary that is over 1 MiB."""

_SUMMARY_CUT: Final = b"\n\n**The summary was cut here: GitHub shows 1 MiB of a step at most.**\n"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message on the page of the run. It may hold any text and several lines."""

    level: Level
    title: str
    message: str
    file: str = ""
    """The file it is shown at, from the workspace; without it, it is the run's as a whole."""
    line: int = 1


class Workflow:
    """The step that this process is.

    A file that the runner should have made, and is not there or not writable, raises `OSError`.
    """

    def __init__(self) -> None:
        from actions_toolkit import core  # type: ignore[import-untyped]  # it publishes no types

        self._core = core
        self._annotated: Counter[Level] = Counter()
        self._resume = ""

    @classmethod
    def current(cls) -> Workflow | None:
        """The step, or None outside of GitHub Actions."""
        return cls() if os.environ.get("GITHUB_ACTIONS") == "true" else None

    def mask(self, secrets: Secrets) -> None:
        """Have the secrets masked in the log from here on: call it before anything is printed."""
        with self._commands():
            for value in secrets.values:
                self._core.set_secret(_encodable(value))

    def stop_commands(self) -> None:
        """From here on the runner takes nothing that is printed for a command, whoever printed it.

        The methods of this class lift that for their own commands. It ends with the step, so it
        holds for the traceback of a crash as well.
        """
        self._stop()

    def annotate(self, annotations: Iterable[Annotation]) -> None:
        """Show the annotations; where the runner would drop some, the last one says how many."""
        with self._commands():
            for annotation in self._within_budget(annotations):
                show = getattr(self._core, annotation.level)
                place = (
                    {"file": _encodable(annotation.file), "start_line": annotation.line}
                    if annotation.file
                    else {}
                )
                show(_encodable(annotation.message), title=_encodable(annotation.title), **place)

    def output(self, name: str, value: str) -> None:
        """Set an output of the step."""
        _existing_file("GITHUB_OUTPUT")
        self._core.set_output(name, _encodable(value))

    def summary(self, markdown: str) -> None:
        """Add to the step's part of the job summary; it is cut at the limit, with a note."""
        path = _existing_file("GITHUB_STEP_SUMMARY")
        room = SUMMARY_BYTES - path.stat().st_size
        data = markdown.encode("utf-8", "replace")
        if len(data) > room:
            data = data[: max(0, room - len(_SUMMARY_CUT))].rpartition(b"\n")[0] + _SUMMARY_CUT
        with path.open("ab") as file:
            file.write(data)

    def _within_budget(self, annotations: Iterable[Annotation]) -> Iterator[Annotation]:
        by_level: dict[Level, list[Annotation]] = {}
        for annotation in annotations:
            by_level.setdefault(annotation.level, []).append(_cut(annotation))
        for level, wanted in by_level.items():
            room = ANNOTATIONS_PER_LEVEL - self._annotated[level]
            shown = wanted[:room]
            if len(wanted) > room > 0:
                more = f"({len(wanted) - room} more of this level: see the log and the job summary)"
                shown[-1] = replace(shown[-1], message=f"{shown[-1].message}\n{more}")
            self._annotated[level] += len(shown)
            yield from shown

    @contextmanager
    def _commands(self) -> Iterator[None]:
        """Where the runner takes commands, also after `stop_commands`."""
        stopped = bool(self._resume)
        if stopped:
            _print(f"::{self._resume}::")
            self._resume = ""
        try:
            yield
        finally:
            sys.stdout.flush()
            if stopped:
                self._stop()

    def _stop(self) -> None:
        self._resume = token_hex(16)
        _print(f"::stop-commands::{self._resume}")


def _print(line: str) -> None:
    """On the stream that actions-toolkit writes to: the runner knows no order between two."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _existing_file(variable: str) -> Path:
    name = os.environ.get(variable, "")
    if not name or not Path(name).is_file():
        raise FileNotFoundError(errno.ENOENT, f"{variable} names no file", name)
    return Path(name)


def _cut(annotation: Annotation) -> Annotation:
    if len(annotation.message) <= MESSAGE_CHARACTERS:
        return annotation
    return replace(annotation, message=annotation.message[:MESSAGE_CHARACTERS] + "...")


def _encodable(text: str) -> str:
    """The text without lone surrogates, which a server's broken UTF-8 may have left in it."""
    return text.encode("utf-8", "replace").decode()
