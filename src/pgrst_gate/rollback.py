"""The user's own plan for a run that failed: a command or an SQL file, run once."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Final

from pgrst_gate import files
from pgrst_gate.database import connected
from pgrst_gate.errors import GateError, NotRefreshed
from pgrst_gate.inputs import Inputs
from pgrst_gate.report import OnFailure
from pgrst_gate.runtimes.transports.commands import LocalCommands

COMMAND_SECONDS: Final = 600.0
"""How long the command may take."""
SQL_BYTES: Final = 4 * 1024 * 1024
VARIABLE: Final = "PGRST_GATE_FAILURE_REPORT"
"""Not `PGRST_GATE_REPORT`: to a gate that the command runs, that is an input."""


def is_sql(plan: str) -> bool:
    """Whether the plan is a file for the database, and no command."""
    return plan.lower().endswith(".sql") and len(shlex.split(plan)) == 1


def carry_out(inputs: Inputs, report: str) -> OnFailure:
    """Run the plan and wait for its end; ``report`` is the redacted JSON report so far.

    It cannot fail in a way that is not in the result.
    """
    try:
        told = _sql(inputs) if is_sql(inputs.on_failure) else _command(inputs, report)
    except GateError as error:
        return OnFailure(inputs.on_failure, succeeded=False, told=str(error))
    return OnFailure(inputs.on_failure, succeeded=not told, told=told or "done")


def _command(inputs: Inputs, report: str) -> str:
    """What went wrong; empty if nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        path.write_text(report, "utf-8")
        commands = LocalCommands({VARIABLE: str(path)})
        ended = commands.run(shlex.split(inputs.on_failure), timeout=COMMAND_SECONDS)
    return f"exit code {ended.exit_code}: {ended.said}" if ended.exit_code else ""


def _sql(inputs: Inputs) -> str:
    """As `_command`. Statements are one transaction, unless the file has its own."""
    statements = files.read(Path(inputs.on_failure), most=SQL_BYTES, place="on-failure")
    with connected(inputs.database_url, "rolled back", NotRefreshed) as connection:
        connection.execute(statements.encode())
    return ""
