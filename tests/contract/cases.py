"""What the gate must conclude of each item of the recorded scenarios, by state and version."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.contract.alike import State


@dataclass(frozen=True, slots=True)
class Case:
    """An item of a scenario, and its verdict in each state.

    A verdict is written as `served`, for all versions, or by major version and then for the others:
    `10 served, 11-12 not-applied, stale`. `-` means that the answers were not recorded.
    """

    scenario: str
    item: str
    before: str
    stale: str
    fresh: str
    stale_again: str = "-"
    fresh_again: str = "-"
    role: str = ""
    absent: bool = False
    options: bool = True
    """Whether the server's answers to OPTIONS are believed: a gateway may give its own."""

    def verdict(self, state: State, version: str) -> str:
        """The expected one."""
        text = {
            "before": self.before,
            "stale": self.stale,
            "fresh": self.fresh,
            "stale again": self.stale_again,
            "fresh again": self.fresh_again,
        }[state]
        major = int(version.partition(".")[0])
        for part in text.split(", "):
            span, _, cause = part.rpartition(" ")
            first, _, last = span.partition("-")
            if not span or int(first) <= major <= int(last or first):
                return cause
        raise ValueError(text)

    def __str__(self) -> str:
        role = f" as {self.role}" if self.role else ""
        options = "" if self.options else " without OPTIONS"
        return f"{'no ' if self.absent else ''}{self.item}{role}{options}"


_migration = partial(Case, "migration", role="service_role")
_by_anon = partial(Case, "migration")
_tables = partial(Case, "tables", role="writer")
_without_options = partial(Case, "tables", role="writer", options=False)
_functions = partial(Case, "functions", options=False)  # the recorder did not send any there

_RELATIONS: Final = (
    _migration("scans", "served", "served", "served"),
    _migration("heartbeats", "10-12 not-applied, stale", "stale", "served"),
    _migration("active_scans", "10-12 not-applied, -", "10-12 stale, -", "10-12 served, -"),
    _by_anon("heartbeats", "10-12 not-applied, stale", "stale", "served"),
    _by_anon("ungranted", "10-12 not-applied, stale", "stale", "not-granted"),
    _tables("mat", "10-12 not-applied, stale", "stale", "served"),
    _tables("joined", "10-12 not-applied, stale", "stale", "served"),
    _tables("parted", "10-12 -, stale", "10-12 -, stale", "10-12 -, served"),
    _tables("parted_1", "10-12 -, stale", "10-12 -, stale", "10-12 -, stale"),
    _tables('"Quoted Table"', "10-12 -, stale", "10-12 -, stale", "10-12 -, served"),
    _tables("doomed", "served", "stale", "10-12 not-applied, stale"),
    _tables("doomed", "still-served", "still-served", "gone", absent=True),
    # Where reads are not planned, the API's description is left to tell. It leaves out what the
    # role may not use, and what was dropped, cached or not: so it proves the absence of nothing but
    # what this role can read.
    _without_options("mat", "10-12 not-applied, -", "10-12 stale, -", "10-12 served, -"),
    _without_options("parted", "10-12 not-applied, -", "10-12 stale, -", "10-12 served, -"),
    _without_options("parted_1", "10-12 not-applied, -", "10-12 stale, -", "10-12 stale, -"),
    _without_options(
        "doomed", "10-12 still-served, -", "10-12 unproven, -", "10-12 unproven, -", absent=True
    ),
)

# A stale cache of 10 hides no column from reads and writes, so there a column is served.
_COLUMNS: Final = (
    _migration("scans: ended_at", "not-applied", "10 served, stale", "served"),
    _migration("scans: ended_at, last_activity_at", "not-applied", "10 served, stale", "served"),
    _migration("active_scans: status", "10-12 not-applied, stale", "10 served, stale", "served"),
    _migration("scans: legacy", "served", "stale", "not-applied"),
    _migration("scans: legacy", "still-served", "still-served", "gone", absent=True),
    _by_anon("scans: ended_at", "not-applied", "10 served, stale", "served"),
    _by_anon("ungranted: id", "10-12 not-applied, stale", "10 not-granted, stale", "not-granted"),
    _tables("base: added", "not-applied", "10 served, stale", "served"),
    _tables("base: computed", "not-applied", "10 served, stale", "served"),
    _tables('base: "Odd Col"', "not-applied", "10 served, stale", "served"),
    _tables("base: gone", "still-served", "still-served", "gone", absent=True),
    _tables("mat: id", "10-12 not-applied, stale", "10 served, stale", "served"),
    # Their types, as the API's description has them.
    _tables("base: retype text", "type-drift", "type-drift", "served"),
    _tables("base: retype integer", "served", "served", "type-drift"),
    _tables("base: added text", "not-applied", "10 unproven, stale", "served"),
    _tables("base: added integer", "not-applied", "10 unproven, stale", "type-drift"),
)

_RELATIONSHIPS: Final = (
    _migration("scans -> projects", "stale", "stale", "served"),
    _tables("base -> parent", "stale", "stale", "served"),
    _tables("child -> parent", "still-served", "still-served", "gone", absent=True),
)

# On 10 every question about a function with arguments would run it, on 11 those about one that
# takes any keys. Without OPTIONS the same goes for a function without arguments.
_NEW = "10 unproven, stale", "10 unproven, stale", "10 unproven, served"
_NEVER = "10 unproven, stale", "10 unproven, stale", "10 unproven, stale"
_NEW_ON_12 = "10-11 unproven, stale", "10-11 unproven, stale", "10-11 unproven, served"
_NEVER_ON_12 = "10-11 unproven, stale", "10-11 unproven, stale", "10-11 unproven, stale"

_FUNCTIONS: Final = (
    _migration("ping()", "served", "served", "served"),
    _migration("update_scan_heartbeat(scan_id, progress_msg)", *_NEW),
    _migration("update_scan_heartbeat(scan_id)", *_NEVER),
    _migration("overloaded(a)", *_NEW),
    _migration("overloaded(a, b)", *_NEW),
    _migration("retired(a)", "10 unproven, served", "10 unproven, stale", "10 unproven, stale"),
    _migration(
        "retired(a)",
        "10 unproven, still-served",
        "10 unproven, still-served",
        "10 unproven, gone",
        absent=True,
    ),
    _by_anon("ungranted_fn()", "stale", "stale", "not-granted"),
    _functions("noargs()", *_NEW_ON_12),
    _functions(
        "noargs()",
        "10-11 unproven, gone",
        "10-11 unproven, gone",
        "10-11 unproven, still-served",
        absent=True,
    ),
    _functions("writes(msg)", *_NEW),
    _functions("defaults(a, b)", *_NEW, "10 unproven, stale", "10 unproven, stale"),
    # The names that both signatures share pass in both: all names must be given.
    _functions("defaults(a)", *_NEW, "10 unproven, served", "10 unproven, served"),
    _functions(
        "defaults(a, b)",
        "10 unproven, gone",
        "10 unproven, gone",
        "10 unproven, still-served",
        "10 unproven, still-served",
        "10 unproven, gone",
        absent=True,
    ),
    _functions("variadic(nums)", *_NEW),
    _functions("outs(a)", *_NEW),
    _functions("outs(a, total)", *_NEVER),
    _functions("single_json(*)", *_NEW_ON_12),
    _functions("single_json(anything)", "10 unproven, stale", "10 unproven, stale", "unproven"),
    _functions("unnamed_two(a)", *_NEVER),
    _functions("as_table(min_id)", *_NEW),
    _functions("composite(p)", *_NEW),
    _functions("domained(e)", *_NEW),
    _functions(
        "same_names(a)", "10 unproven, stale", "10 unproven, stale", "10 unproven, ambiguous"
    ),
    _functions("retyped(a)", *_NEW, "10 unproven, stale", "10 unproven, served"),
    _functions("a_trigger()", *_NEVER_ON_12),
    _functions("a_procedure()", *_NEVER_ON_12),
    _functions('"Quoted Name"("Odd Arg")', *_NEW),
)

CASES: Final = (*_RELATIONS, *_COLUMNS, *_RELATIONSHIPS, *_FUNCTIONS)
"""As long as no load was seen: then what the cache lacks may always be stale."""

AFTER_A_LOAD: Final = (
    _migration("heartbeats", "not-applied", "-", "served"),
    _migration("scans: ended_at", "not-applied", "-", "served"),
    _migration("scans -> projects", "not-applied", "-", "served"),
    _migration(
        "update_scan_heartbeat(scan_id, progress_msg)", "10 unproven, not-applied", "-", "served"
    ),
    _migration(
        "update_scan_heartbeat(scan_id)",
        "10 unproven, not-applied",
        "-",
        "10 unproven, wrong-signature",
    ),
    _migration("retired(a)", "served", "-", "10 unproven, not-applied"),
    _migration("retired(a)", "still-served", "-", "10 unproven, gone", absent=True),
    _functions("single_json(*)", "10-11 unproven, not-applied", "-", "served"),
    _functions("retyped(*)", "10-11 unproven, not-applied", "-", "10-11 unproven, wrong-signature"),
    _without_options("doomed", "10-12 still-served, -", "-", "10-12 gone, -", absent=True),
)
"""Once a load has finished: nothing is stale then, and where a version cannot be asked for an item,
the database's word on it is enough."""
