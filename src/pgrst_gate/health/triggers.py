"""Event triggers: which of them have PostgREST reload, and after which statements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, LiteralString

from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Trigger

QUERY: Final[LiteralString] = """
select t.evtname, t.evtevent, t.evtenabled::text, t.evttags, p.prosrc
from pg_event_trigger t join pg_proc p on p.oid = t.evtfoid
order by t.evtname
"""

_ENABLED: Final[Mapping[str, Any]] = {
    "O": "origin",
    "A": "always",
    "R": "replica",
    "D": "disabled",
}
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TAG: Final = re.compile(r"'([A-Z]+(?: [A-Z]+)+)'")


def triggers(rows: Rows) -> tuple[Trigger, ...]:
    """All of the database."""
    return tuple(
        Trigger(name, event, _ENABLED[enabled], frozenset(tags or ()), source)
        for name, event, enabled, tags, source in rows
    )


def notifies(trigger: Trigger, channel: str) -> bool | None:
    """Whether its function has PostgREST reload by this channel, read as text; None: not seen."""
    if trigger.source is None:
        return None
    source = _COMMENT.sub("", trigger.source)
    name = re.escape(channel)
    said = rf'\bnotify\s+"?{name}"?\s*[,;]|\bpg_notify\s*\(\s*\'{name}\''
    return re.search(said, source, re.IGNORECASE) is not None


def covers(trigger: Trigger, command: str) -> bool:
    """Whether it acts after a command: `ALTER TABLE`, by its own tags and those in its function."""
    if not trigger.awake or trigger.event != "ddl_command_end":
        return False
    inner = frozenset(_TAG.findall(_COMMENT.sub("", trigger.source or "")))
    return all(command in tags for tags in (trigger.tags, inner) if tags)
