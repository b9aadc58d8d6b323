"""The inputs of `snapshot` and `diff`: some of a run's, and a few of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pgrst_gate import readers
from pgrst_gate.drift.rules import FailOn
from pgrst_gate.drift.sources import Access
from pgrst_gate.expectations.migrations.layouts import Layout
from pgrst_gate.inputs import INPUTS, Input

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
    _OF_RUN["fail-on"],
    _OF_RUN["allow"],
    *(replace(one, about=f"{one.about} For AFTER, where it is an API.") for one in _ACCESS),
    *(_OF_RUN[f"before-{one.name}"] for one in _ACCESS),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How two sources are read and compared."""

    schemas: tuple[str, ...]
    layout: Layout
    fail_on: FailOn
    allow: str
    """The file of the allow-list; empty for none."""
    of_before: Access
    of_after: Access


def terms(values: Mapping[str, Any]) -> Terms:
    """The terms from the values of the inputs, by attribute."""
    return Terms(
        values["schema"],
        values["migrations_layout"],
        values["fail_on"],
        values["allow"],
        access(values, "before_"),
        access(values),
    )


def access(values: Mapping[str, Any], prefix: str = "") -> Access:
    """The part of the values that asks an API."""
    return Access(
        values[f"{prefix}api_key"],
        values[f"{prefix}token"],
        values[f"{prefix}headers"],
        values[f"{prefix}admin_url"],
    )
