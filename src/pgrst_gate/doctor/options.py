"""The inputs of `doctor`: those of a run that say where to look. Each may be left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pgrst_gate.inputs import INPUTS, Input

_OF_RUN: Final = {one.name: one for one in INPUTS}

DOCTOR: Final[tuple[Input, ...]] = (
    replace(_OF_RUN["url"], required=False, read=_OF_RUN["admin-url"].read),
    *(
        _OF_RUN[name]
        for name in (
            "admin-url",
            "schema",
            "api-key",
            "token",
            "headers",
            "database-url",
            "db-channel",
            "migrations",
            "migrations-layout",
        )
    ),
)
