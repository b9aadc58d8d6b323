"""Rules on who may do what, one a line; checked as that role once the cache is proven.

    anon may read scans, projects
    anon may read 0 rows of heartbeats
    authenticated may read at least 1 row of projects
    anon may not write scans
    authenticated may call update_scan_heartbeat(scan_id, progress_msg)

`write` is `insert`, `update` and `delete`, each of them. Roles are those of the database; names are
written as in `pgrst_gate.expectations.inline`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, cast, get_args

from pgrst_gate.expectations import inline
from pgrst_gate.expectations.inline import SyntaxProblem
from pgrst_gate.schema import Derived, Expectation, Function, Relation

Verb = Literal["read", "insert", "update", "delete", "call"]
Bound = Literal["", "least", "most"]

WRITES: Final[tuple[Verb, ...]] = ("insert", "update", "delete")
A_RULE: Final = Derived("a rule of `access`")

_RULE: Final = re.compile(
    r'(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<role>[^\W\d][\w$-]*))'
    r"\s+may\s+(?P<no>not\s+)?(?P<verb>\w+)\s+(?P<rest>\S.*)"
)
_ROWS: Final = re.compile(
    r"(?:at\s+(?P<bound>least|most)\s+)?(?P<number>\d{1,18})\s+rows?\s+of\s+(?P<rest>\S.*)"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a role must see."""

    number: int
    bound: Bound = ""
    """Empty: exactly so many."""

    def hold(self, seen: int) -> bool:
        """Whether so many are right."""
        if self.bound == "least":
            return seen >= self.number
        return seen <= self.number if self.bound == "most" else seen == self.number

    def __str__(self) -> str:
        bound = f"at {self.bound} " if self.bound else ""
        return f"{bound}{self.number} {'row' if self.number == 1 else 'rows'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one role may do, or may not do, with one item."""

    role: str
    may: bool
    verb: Verb
    item: Relation | Function
    rows: Rows | None = None
    """How many rows a read must show; None: any number."""

    def __str__(self) -> str:
        rows = f"{self.rows} of " if self.rows else ""
        return f"{self.role} may {'' if self.may else 'not '}{self.verb} {rows}{self.item}"


def rules(text: str) -> tuple[Rule, ...]:
    """The rules, one or several a line. Raises `SyntaxProblem`."""
    found: dict[Rule, None] = {}
    said: dict[tuple[object, ...], tuple[int, bool]] = {}
    for number, line in inline.lines(text):
        for rule in _rules(line, number):
            before, may = said.setdefault((rule.role, rule.verb, rule.item), (number, rule.may))
            if may is not rule.may:
                raise _problem(number, line, f"line {before} says the opposite of `{rule}`")
            found[rule] = None
    return tuple(found)


def in_schema(found: Iterable[Rule], schema: str) -> tuple[Rule, ...]:
    """The rules with the schema filled in where an item names none."""
    return tuple(
        one if one.item.schema else replace(one, item=replace(one.item, schema=schema))
        for one in found
    )


def named(found: Iterable[Rule]) -> Expectation:
    """What the rules name: it must be in the cache, or no refusal would say anything of a role."""
    items = tuple(dict.fromkeys(one.item for one in found))
    return Expectation(items, (), dict.fromkeys(items, A_RULE))


def _rules(line: str, number: int) -> Iterator[Rule]:
    read = _RULE.fullmatch(line)
    if not read:
        example = "`anon may read scans` or `anon may not write scans`"
        raise _problem(number, line, f"expected who may do what, such as {example}")
    verbs = WRITES if read["verb"] == "write" else (read["verb"],)
    if verbs[0] not in get_args(Verb):
        words = ", ".join(("read", "write", *WRITES, "call"))
        raise _problem(number, line, f"what a role may do is one of {words}")
    rows, rest = _counted(read["rest"])
    if rows and (read["no"] or read["verb"] != "read"):
        raise _problem(number, line, "rows are counted for `may read` only")
    role = (read["quoted"] or read["role"]).replace('""', '"')
    for item in (inline.functions if verbs[0] == "call" else inline.tables)(rest, number):
        for verb in verbs:
            yield Rule(role, not read["no"], cast("Verb", verb), item, rows)


def _counted(rest: str) -> tuple[Rows | None, str]:
    """How many rows, if it says so, and of what."""
    found = _ROWS.fullmatch(rest)
    if not found:
        return None, rest
    bound = cast("Bound", found["bound"] or "")
    return Rows(int(found["number"]), bound), found["rest"]


def _problem(number: int, line: str, what: str) -> SyntaxProblem:
    return SyntaxProblem(f"line {number}, `{line}`: {what}")
