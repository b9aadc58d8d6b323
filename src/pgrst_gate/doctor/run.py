"""The command `doctor`, from its given inputs to its exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pgrst_gate.doctor.examination import Where, examine
from pgrst_gate.doctor.options import DOCTOR
from pgrst_gate.errors import Cancelled, GateError
from pgrst_gate.inputs import Given, secrets_of, values_of
from pgrst_gate.redaction import Secrets
from pgrst_gate.reporters import console, doctor
from pgrst_gate.session import cancellable


def run_doctor(given: Mapping[str, Given], *, as_json: bool) -> int:
    """Examine and show it; gives the exit code."""
    secrets = Secrets(secrets_of(given, DOCTOR))
    with cancellable():
        try:
            found = secrets.redacted(examine(Where(**values_of(DOCTOR, given))))
        except GateError as error:
            sys.stderr.write(secrets.redact(f"{error}\nWhat to do: {error.hint}") + "\n")
            return error.exit_code
        except Cancelled as cancelled:
            return cancelled.exit_code
    console.write(sys.stdout, doctor.as_json(found) if as_json else doctor.as_text(found))
    return found.exit_code
