"""The container action: inputs from the runner, everything it shows back to the runner."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from pgrst_gate.given import from_action
from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Destinations, Event, Report
from pgrst_gate.reporters import console, github
from pgrst_gate.session import or_bug, run
from pgrst_gate.workflow import Workflow


class _Runner:
    """All on standard output, for the runner knows no order between two streams."""

    def __init__(self) -> None:
        self._workflow = Workflow.current()

    def begin(self, secrets: Secrets) -> Callable[[Event], None]:
        if self._workflow:
            self._workflow.mask(secrets)
            self._workflow.stop_commands()
        return console.Progress(sys.stdout, secrets, colour=False)

    def finish(self, report: Report, destinations: Destinations) -> None:
        console.write(sys.stdout, console.render(report))
        if self._workflow:
            github.publish(report, self._workflow, destinations)


def main() -> int:
    """Run as a step of a workflow; gives the exit code."""
    return or_bug(lambda: run(from_action(os.environ), _Runner()))
