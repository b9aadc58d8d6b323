"""What GitHub's runner makes of the lines a step prints (actions/runner src/Runner.Worker)."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from tests.runner_protocol import COMMANDS, Command, parse_command

if TYPE_CHECKING:
    from tests.harness.masks import Masks

LEVELS = ("error", "warning", "notice")
ANNOTATIONS_PER_LEVEL = 10
MESSAGE_LENGTH = 4096
"""Characters of an annotation's message; the rest is cut off."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message that GitHub shows on the page of the run; properties are `title`, `file`, ..."""

    level: str
    message: str
    properties: Mapping[str, str]


@dataclass
class StepLog:
    """Reads the two output streams of a step. Whatever a field holds has been masked."""

    masks: Masks
    on_line: Callable[[str], None]
    """Called with each line as it enters the log."""
    lines: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    """Each line that was taken as a command, in order."""
    annotations: list[Annotation] = field(default_factory=list)
    dropped_annotations: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    """Set by the old command `set-output`."""
    failed: bool = False
    """A command was such that the runner fails the step, whatever its exit code."""
    _stop_token: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, stream: IO[bytes]) -> None:
        """Read one stream to its end; CR, LF and CRLF each end a line."""
        with io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline=None) as text:
            for line in text:
                with self._lock:
                    self.take(line.removesuffix("\n"))

    def take(self, line: str) -> None:
        """Read one line: a command to obey, or a line of the log."""
        if self._stop_token:
            if parse_command(line, {self._stop_token}):
                self._stop_token = ""
            self._write(line)
        elif command := parse_command(line, COMMANDS):
            self.commands.append(command)
            self._obey(command, line)
        else:
            self._write(line)

    def annotate(
        self, level: str, message: str, properties: Mapping[str, str] | None = None
    ) -> None:
        """Show a message on the run's page, unless there are ten of its level, and in the log."""
        message = self.masks.hide(message)[:MESSAGE_LENGTH]
        if sum(level == shown.level for shown in self.annotations) < ANNOTATIONS_PER_LEVEL:
            self.annotations.append(Annotation(level, message, properties or {}))
        else:
            self.dropped_annotations += 1
        self._write(f"##[{level}]{message}")

    def fail(self, message: str) -> None:
        """Fail the step for what it printed or wrote."""
        self.failed = True
        self.annotate("error", message)

    def _write(self, line: str) -> None:
        self.lines.append(self.masks.hide(line))
        self.on_line(self.lines[-1])

    def _obey(self, command: Command, line: str) -> None:
        name, properties, data = command.name, command.properties, command.data
        if name in LEVELS:
            self.annotate(name, data, properties)
        elif name == "add-mask":
            self.masks.add(data)
        elif name == "stop-commands":
            self._stop(data, line)
        elif name in {"set-env", "add-path"}:
            self.fail(f"Unable to process command '{line}': the `{name}` command is disabled.")
        elif name in {"set-output", "save-state"}:
            self.annotate("warning", f"The `{name}` command is deprecated.")
            if name == "set-output":
                self.outputs[properties.get("name", "")] = data
        elif name in {"group", "endgroup"}:
            self._write(f"##[{name}]{data}")

    def _stop(self, token: str, line: str) -> None:
        if not token or token.lower() in {*COMMANDS, "pause-logging"}:
            self.fail("You cannot use an end token that is empty or the name of a command.")
            return
        self._stop_token = token.lower()
        self.masks.add(token)
        self._write(line)
