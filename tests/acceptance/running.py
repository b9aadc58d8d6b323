"""The gate, run whole: as a call in this process, and as the command that people type."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pgrst_gate import session
from pgrst_gate.inputs import Given
from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Destinations, Event, Report

COMMAND: Final = str(Path(sys.executable).with_name("pgrst-gate"))
BRIEF: Final = "150ms"
"""A timeout for runs in which nothing can come; it leaves time for several looks."""


class _Kept:
    """A front that shows nothing and keeps the report."""

    report: Report

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event

    def begin(self, secrets: Secrets) -> Callable[[Event], None]:
        del secrets
        return self._on_event

    def finish(self, report: Report, destinations: Destinations) -> None:
        del destinations
        self.report = report


def gate(url: str, **inputs: str) -> Report:
    """Run the gate with these inputs, named with underscores; nothing is refreshed by default."""
    return gate_told_of(lambda _: None, url, **inputs)


def gate_told_of(on_event: Callable[[Event], None], url: str, **inputs: str) -> Report:
    """As `gate`; calls `on_event` with each event as it happens, and goes on when it returns."""
    named = {name.replace("_", "-"): text for name, text in inputs.items()}
    texts = {"url": url, "runtime": "none", "timeout": "10s", "settle": "0"} | named
    front = _Kept(on_event)
    code = session.run({name: Given(text, name) for name, text in texts.items()}, front)
    assert code == front.report.exit_code
    return front.report


def causes(report: Report) -> dict[str, str]:
    """The cause of each item's verdict; items without the schema `public`."""
    return {
        str(verdict.item).replace("public.", ""): verdict.cause.value for verdict in report.verdicts
    }


def start_command(*arguments: str) -> subprocess.Popen[str]:
    """Start `pgrst-gate` as on a shell: no runner around it, no inputs by variables."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITHUB_", "INPUT_", "PGRST_GATE_"))
    }
    return subprocess.Popen(
        [COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `pgrst-gate` to its end."""
    with start_command(*arguments) as process:
        stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
