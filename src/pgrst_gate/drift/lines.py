"""The lines of a snapshot: a column, a function, a grant and an embed, one line each.

    id: bigint not null default
    note: text
    anon: insert, select, update (note)
    public.finish(scan_id uuid, note text default) -> setof public.scans for anon
    projects
    users (2 ways)

Names are quoted as in SQL where they are not plain lower-case words. Every word that may follow a
type is reserved in PostgreSQL, or no end of a type: a type of that name would be quoted. What a
source did not show has a `?` (`default?`), or is left out where it ends a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pgrst_gate.schema import Relation, quoted
from pgrst_gate.surface import ColumnShape, FunctionShape, Grants, Parameter

_EXECUTE: Final = "execute"
_NOBODY: Final = "none"
"""A name that no role can have (`RESERVED_ROLE_NAMES` in PostgreSQL's acl.c)."""
_NAME: Final = r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)'
_NULLS: Final = {True: "", False: "not null", None: "null?"}
_FILLS: Final = {True: "default", False: "", None: "default?"}
_COLUMN: Final = re.compile(
    r"(?P<type>.*?)(?:(?:^| )(?P<null>not null|null\?))?(?:(?:^| )(?P<fill>default\??))?", re.DOTALL
)
_RELATION: Final = re.compile(rf"(?P<schema>{_NAME})\.(?P<name>{_NAME})", re.DOTALL)
_EMBED: Final = re.compile(rf"(?P<name>{_NAME})(?: \((?P<ways>\d{{1,9}}) ways\))?", re.DOTALL)
_CALLED: Final = re.compile(rf"(?P<schema>{_NAME})\.(?P<name>{_NAME})\(", re.DOTALL)
_PARAMETER: Final = re.compile(
    rf"(?P<name>{_NAME}|\*) (?P<type>.*?)(?P<default> default)?(?P<variadic> variadic)?", re.DOTALL
)


class Unreadable(ValueError):
    """A line that does not read; `str()` says what was expected."""


def column(shape: ColumnShape) -> str:
    """What follows a column's name: its type, and what an insert must know."""
    return " ".join(filter(None, (shape.type, _NULLS[shape.nullable], _FILLS[shape.filled])))


def read_column(name: str, line: str) -> ColumnShape:
    """The column of this name that a line tells of. Every line tells of one."""
    return ColumnShape(name, *_column_parts(line))


@lru_cache(maxsize=1024)  # a schema has many columns, and few lines to tell of them
def _column_parts(line: str) -> tuple[str, bool | None, bool | None]:
    found = _COLUMN.fullmatch(line)
    assert found  # noqa: S101 - everything but the type may be left out
    nullable = {word: known for known, word in _NULLS.items()}[found["null"] or ""]
    filled = {word: known for known, word in _FILLS.items()}[found["fill"] or ""]
    return found["type"], nullable, filled


def relation(text: str) -> Relation:
    """`public.scans`; raises `Unreadable`."""
    if not (found := _RELATION.fullmatch(text)):
        raise Unreadable("expected a schema and a name, such as `public.scans`")
    return Relation(_unquoted(found["schema"]), _unquoted(found["name"]))


def embed(target: str, ways: int) -> str:
    """A target, with the number of ways to it where a client must choose."""
    return quoted(target) + (f" ({ways} ways)" if ways != 1 else "")


def read_embed(text: str) -> tuple[str, int]:
    """Target and ways; raises `Unreadable`."""
    if not (found := _EMBED.fullmatch(text)):
        raise Unreadable("expected a relation, such as `projects` or `users (2 ways)`")
    return _unquoted(found["name"]), int(found["ways"] or 1)


def privileges(granted: frozenset[str]) -> str:
    """What a role was granted, in one order."""
    return ", ".join(sorted(granted))


def read_privileges(text: str) -> frozenset[str]:
    """The privileges of a line."""
    return frozenset(_split(text))


def function(shape: FunctionShape) -> str:
    """One overload: how it is called, what it gives, and who may call it."""
    return signature(shape) + _callers(shape.grants)


def signature(shape: FunctionShape) -> str:
    """One overload: how it is called, and what it gives."""
    called = f"{Relation(shape.schema, shape.name)}({', '.join(map(parameter, shape.parameters))})"
    return called if shape.returns is None else f"{called} -> {shape.returns}"


def parameter(one: Parameter) -> str:
    """An argument; one without a name is a `*`."""
    name = quoted(one.name) if one.name else "*"
    default = "" if one.required else " default"
    return f"{name} {one.type}{default}{' variadic' if one.variadic else ''}"


def read_function(text: str) -> FunctionShape:
    """The overload that a line tells of; raises `Unreadable`."""
    if not (begin := _CALLED.match(text)):
        raise Unreadable("expected a function, such as `public.finish(scan_id uuid) -> void`")
    end = next(_outside(text, ")", begin.end()), None)
    if end is None:
        raise Unreadable("expected `)` after the arguments")
    rest = text[end + 1 :]
    roles = next(_outside(rest, " for "), len(rest))
    returns, callers = rest[:roles], rest[roles:].removeprefix(" for ")
    if returns and not returns.startswith(" -> "):
        raise Unreadable("expected ` -> ` and a type after the arguments, then ` for ` and roles")
    return FunctionShape(
        _unquoted(begin["schema"]),
        _unquoted(begin["name"]),
        tuple(map(_read_parameter, _split(text[begin.end() : end]))),
        returns.removeprefix(" -> ") if returns else None,
        _read_callers(callers) if callers else None,
    )


def _read_parameter(text: str) -> Parameter:
    if not (found := _PARAMETER.fullmatch(text)):
        raise Unreadable(f"expected an argument and its type, found `{text}`")
    name = "" if found["name"] == "*" else _unquoted(found["name"])
    return Parameter(name, found["type"], not found["default"], bool(found["variadic"]))


def _callers(grants: Grants | None) -> str:
    """A function has one privilege, so that roles are all there is to tell."""
    if grants is None:
        return ""
    roles = sorted(role for role, granted in grants.items() if _EXECUTE in granted)
    return f" for {', '.join(map(quoted, roles)) or _NOBODY}"


def _read_callers(text: str) -> Grants:
    roles = () if text == _NOBODY else map(_unquoted, _split(text))
    return {role: frozenset({_EXECUTE}) for role in roles}


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _split(text: str) -> Iterator[str]:
    """The parts between commas, but for commas in quotes and in brackets."""
    start = 0
    for at in (*_outside(text, ","), len(text)):
        if part := text[start:at].strip():
            yield part
        start = at + 1


def _outside(text: str, sign: str, start: int = 0) -> Iterator[int]:
    """Where a sign stands outside of quotes and brackets."""
    depth = 0
    for found in re.compile(rf'"(?:[^"]|"")*"|{re.escape(sign)}|[()]').finditer(text, start):
        if found[0] == sign and not depth:
            yield found.start()
        depth += {"(": 1, ")": -1}.get(found[0], 0)
