"""The small language in which people write expectations, one line each.

    expected-tables:         scans, heartbeats
    expected-columns:        scans: ended_at, last_activity_at timestamptz
    expected-functions:      update_scan_heartbeat(scan_id, progress_msg text)
    expected-relationships:  scans -> projects
    expected-absent:         any of these forms

Names are taken as they stand in a URL, case and all. A name with other characters than letters,
digits, `_` and `$` is put in double quotes, a quote in it doubled. `schema.name` names a schema.
`f()` takes no arguments; `f(*)` is a function with one unnamed parameter that takes any keys.
Blank lines and what follows ` #` are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from pgrst_gate.schema import ANY_KEYS, Argument, Column, Function, Item, Relation, Relationship

Parsed = TypeVar("Parsed")

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"]|"")*")|(?P<word>[^\W\d][\w$]*|\*)|(?P<arrow>->|→)|(?P<sign>[.,:()]))"""
)
_COMMENT: Final = re.compile(r'("(?:[^"]|"")*")|(?:^|\s)#.*$')
"""A comment, or a quoted name (1), which may hold what looks like one."""


class SyntaxProblem(ValueError):
    """A line that does not read; `str()` says where and what was expected."""


def tables(text: str, first: int = 1) -> tuple[Relation, ...]:
    """`scans, api.heartbeats`, separated by commas or lines, of which the first has a number."""
    return _each(text, _Line.relations, first)


def columns(text: str) -> tuple[Column, ...]:
    """`scans: ended_at, last_activity_at timestamptz`, one relation a line."""
    return _each(text, _Line.columns)


def functions(text: str, first: int = 1) -> tuple[Function, ...]:
    """`update_scan_heartbeat(scan_id, progress_msg text)`, separated as in `tables`."""
    return _each(text, _Line.functions, first)


def relationships(text: str) -> tuple[Relationship, ...]:
    """`scans -> projects`, separated by commas or lines."""
    return _each(text, _Line.relationships)


def items(text: str) -> tuple[Item, ...]:
    """Any of the forms above, one a line, told apart by their `:`, `(` and `->`."""
    return _each(text, _Line.items)


def lines(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    """The lines that say something, without comments, each with its number."""
    for number, raw in enumerate(text.splitlines(), first):
        if line := _COMMENT.sub(lambda found: found[1] or "", raw).strip():
            yield number, line


def _each(
    text: str, read: Callable[[_Line], Iterator[Parsed]], first: int = 1
) -> tuple[Parsed, ...]:
    found = (one for number, line in lines(text, first) for one in read(_Line(line, number)))
    return tuple(dict.fromkeys(found))


@dataclass(slots=True)
class _Line:
    """One line, read from left to right."""

    text: str
    number: int
    at: int = 0

    def relations(self) -> Iterator[Relation]:
        yield self._relation("a table, such as `scans` or `api.scans`")
        while self._more():
            yield self._relation("another table")

    def columns(self) -> Iterator[Column]:
        relation = self._relation("a table and its columns, such as `scans: ended_at`")
        self._expect(":", "`:` and the columns, such as `scans: ended_at, last_activity_at`")
        yield self._column(relation)
        while self._more():
            yield self._column(relation)

    def functions(self) -> Iterator[Function]:
        yield self._function()
        while self._more():
            yield self._function()

    def relationships(self) -> Iterator[Relationship]:
        yield self._relationship()
        while self._more():
            yield self._relationship()

    def items(self) -> Iterator[Item]:
        start = self.at
        self._relation("a table, column, function or relationship")
        sign, self.at = self._peek(), start
        forms: dict[str, Callable[[], Iterator[Item]]] = {
            ":": self.columns,
            "(": self.functions,
            "->": self.relationships,
        }
        yield from forms.get(sign, self.relations)()

    # --- the parts ---

    def _relation(self, expected: str) -> Relation:
        first = self._name(expected)
        return (
            Relation(first, self._name("a name after the dot"))
            if self._skip(".")
            else Relation("", first)
        )

    def _column(self, relation: Relation) -> Column:
        return Column(relation, self._name("a column"), self._type())

    def _function(self) -> Function:
        named = self._relation("a function, such as `update_scan_heartbeat(scan_id)`")
        self._expect("(", "`(` and the names of its arguments; `f()` if it takes none")
        found: list[Argument] = []
        while not self._skip(")"):
            if found:
                self._expect(",", "`,` or `)`")
            found.append(self._argument())
        return Function(named.schema, named.name, tuple(found))

    def _argument(self) -> Argument:
        name = self._name("the name of an argument", wildcard=True)
        return Argument(name) if name == ANY_KEYS else Argument(name, self._type())

    def _relationship(self) -> Relationship:
        origin = self._relation("a relationship, such as `scans -> projects`")
        self._expect("->", "`->` and the table it embeds, such as `scans -> projects`")
        target = self._relation("the table it embeds")
        if target.schema and target.schema != origin.schema:
            self._fail("both tables in one schema: PostgREST embeds only within one")
        return Relationship(origin, target.name)

    def _type(self) -> str:
        """What stands up to the next comma, closing parenthesis or end, `numeric(10,2)` whole."""
        depth, start = 0, self.at
        while self.at < len(self.text):
            sign = self.text[self.at]
            if not depth and sign in ",)":
                break
            depth += {"(": 1, ")": -1}.get(sign, 0)
            self.at += 1
        return self.text[start : self.at].strip()

    # --- the tokens ---

    def _name(self, expected: str, *, wildcard: bool = False) -> str:
        found = _TOKEN.match(self.text, self.at)
        name = ""
        if found and found["quoted"]:
            name = found["quoted"][1:-1].replace('""', '"')
        elif found and found["word"] and (wildcard or found["word"] != ANY_KEYS):
            name = found["word"]
        if not found or not name:
            self._fail(expected)
        self.at = found.end()
        return name

    def _peek(self) -> str:
        found = _TOKEN.match(self.text, self.at)
        if not found:
            return ""
        return "->" if found["arrow"] else found["sign"] or ""

    def _skip(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        found = _TOKEN.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return True

    def _expect(self, sign: str, expected: str) -> None:
        if not self._skip(sign):
            self._fail(expected)

    def _more(self) -> bool:
        """Whether a comma and another entry follow; anything else but the end is refused."""
        if self._skip(","):
            return bool(self.text[self.at :].strip())
        if self.text[self.at :].strip():
            self._fail("`,` or the end of the line (put other characters in double quotes)")
        return False

    def _fail(self, expected: str) -> NoReturn:
        rest = self.text[self.at :].strip()
        found = f"`{rest}`" if rest else "the end"
        raise SyntaxProblem(
            f"line {self.number}, `{self.text}`: expected {expected}, found {found}"
        )
