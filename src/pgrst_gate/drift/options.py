"""The inputs of `snapshot` and `diff`: those of a run that ask an API, and a few of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, get_args

from pgrst_gate import readers
from pgrst_gate.drift.sources import Access
from pgrst_gate.inputs import INPUTS, Input

FailOn = Literal["breaking", "any", "none"]

_OF_RUN: Final = {one.name: one for one in INPUTS}
_ACCESS: Final = tuple(_OF_RUN[name] for name in ("api-key", "token", "headers", "admin-url"))
_SCHEMA: Final = replace(
    _OF_RUN["schema"],
    about="Schemas to look at. Default: all that the source says are exposed; of a database that"
    " does not say, those of the other source, or `public`.",
)

_LAYOUT: Final = replace(
    _OF_RUN["migrations-layout"],
    about="How a folder of migrations is laid out. For `supabase` the database is first made what a"
    " Supabase project is, as far as migrations lean on it.",
)

SNAPSHOT: Final = (
    _SCHEMA,
    _LAYOUT,
    Input(
        "out",
        "File to write the snapshot to, once all was read. Default: standard output.",
        readers.text,
    ),
    *_ACCESS,
)

DIFF: Final = (
    _SCHEMA,
    _LAYOUT,
    Input(
        "fail-on",
        "The least change that closes the gate: a `breaking` one, `any` at all, or `none`.",
        readers.one_of(get_args(FailOn)),
        "breaking",
        choices=get_args(FailOn),
    ),
    Input("allow", "File of the changes that are allowed, and until when.", readers.text),
    *(replace(one, about=f"{one.about} For AFTER, where it is an API.") for one in _ACCESS),
    *(
        replace(
            one,
            name=f"before-{one.name}",
            about=f"As {one.name}, for BEFORE where it is an API.",
        )
        for one in _ACCESS
    ),
)


def access(values: Mapping[str, Any], prefix: str = "") -> Access:
    """The part of the values that asks an API."""
    return Access(
        values[f"{prefix}api_key"],
        values[f"{prefix}token"],
        values[f"{prefix}headers"],
        values[f"{prefix}admin_url"],
    )
