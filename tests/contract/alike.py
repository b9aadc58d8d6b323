"""What the gate asks and the recorder did not: the recorded question that has the same answer."""

from dataclasses import dataclass
from typing import Final, Literal

State = Literal["before", "stale", "fresh", "stale again", "fresh again"]
"""Of a scenario: before its migration, with the old cache, with the new one; the second time
`again`."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Questions that were not recorded, and a recorded one that has the same answer."""

    questions: str
    """Pattern of their `Asked.request`."""
    recorded: str
    """The request that stands for it; groups of the pattern as `\\1`."""
    why: str
    body: str = ""
    """Of the recorded request; empty for the same body."""
    at: tuple[str, State] | None = None
    """The scenario and state in which it was recorded; None for the same ones."""


_BEFORE: Final[tuple[str, State]] = ("migration", "before")
_NEVER: Final = "neither the cache nor the database has it, whatever its name"
_NO_MATTER: Final = "what is selected of them does not matter to the relationship"

ALIKE: Final = (
    Alike(r"(GET|OPTIONS) /random(\?limit=0)?", r"\1 /heartbeats\2", _NEVER, at=_BEFORE),
    Alike(r"OPTIONS /rpc/random", "OPTIONS /rpc/never_existed", _NEVER, at=_BEFORE),
    Alike(r"POST /rpc/random\?columns=a", "POST /rpc/never_existed", _NEVER, "{}", at=_BEFORE),
    Alike(
        r"GET /\w+\?select=random\(\*\)&limit=0",
        "GET /scans?select=id,projects(name)&limit=0",
        "there is no such relationship",
        at=_BEFORE,
    ),
    Alike(
        r"POST /\w+\?columns=random",
        "POST /scans?columns=nonexistent",
        "a relation has no such column; one that is not cached is refused even earlier",
        at=_BEFORE,
    ),
    Alike(
        r"POST /rpc/single_json\?columns=random",
        "POST /rpc/single_json?columns=anything",
        "it takes any keys",
    ),
    Alike(
        r"POST /rpc/(?!single_json)[\w ]+\?columns=random",
        "POST /rpc/never_existed",
        "no function of that name has such an argument",
        "{}",
        at=_BEFORE,
    ),
    *(
        Alike(r"GET /random\?limit=0", request, "the schema is refused before the relation is read")
        for request in ("GET /scans?limit=0", "GET /secret?limit=0")
    ),
    Alike(r"GET /scans\?limit=0", "GET /scans?select=id&limit=0", "it was there all along"),
    Alike(
        r"GET /projects\?limit=0",
        "GET /scans?select=id&limit=0",
        "all that matters of it is that the role may use the schema",
        at=_BEFORE,
    ),
    Alike(r"GET /log\?limit=0", "GET /log?select=id", "a limit changes the rows only"),
    Alike(
        r"GET /scans\?select=projects\(\*\)&limit=0",
        "GET /scans?select=id,projects(name)&limit=0",
        _NO_MATTER,
    ),
    Alike(
        r"GET /(base|child)\?select=parent\(\*\)&limit=0",
        r"GET /\1?select=id,parent(id)&limit=0",
        _NO_MATTER,
    ),
    Alike(
        r"GET /scans\?select=ended_at,last_activity_at&limit=0",
        "GET /scans?select=ended_at,last_activity_at",
        "a limit changes the rows only",
    ),
    Alike(
        r"GET /(active_scans|ungranted|mat)\?select=(id|status)&limit=0",
        r"GET /\1?limit=0",
        "the columns came with the relation, and so did the grant on it",
    ),
    Alike(
        r'GET /base\?select=(computed|"Odd Col")&limit=0',
        "GET /base?select=added&limit=0",
        "they came with the same statement",
    ),
    Alike(
        r"POST /base\?columns=retype",
        "POST /base?columns=gone",
        "it is a column all along, as the other one was before",
        at=("tables", "before"),
    ),
    Alike(
        r"GET /base\?select=retype&limit=0",
        "GET /base?select=gone&limit=0",
        "it is a column all along, as the other one was before",
        at=("tables", "before"),
    ),
    Alike(
        r"POST /scans\?columns=last_activity_at",
        "POST /scans?columns=ended_at",
        "they came with the same statement",
    ),
    Alike(
        r"GET /scans\?select=last_activity_at&limit=0",
        "GET /scans?select=ended_at&limit=0",
        "they came with the same statement",
    ),
    Alike(
        r"POST /rpc/unnamed_two\?columns=a",
        "POST /rpc/unnamed_two",
        "names are taken from `columns` or from the keys (update_scan_heartbeat: both alike)",
        '{"a": 1}',
    ),
    Alike(
        r"OPTIONS /rpc/(overloaded|retired|retyped|writes|defaults|variadic|outs|unnamed_two"
        r"|as_table|composite|domained|same_names|Quoted Name|single_json|fn|ungranted_fn)",
        "OPTIONS /rpc/never_existed",
        "it cannot be called without an argument, so none is found (update_scan_heartbeat)",
        at=_BEFORE,
    ),
)
