"""The grammars by which GitHub's runner reads what a step prints and writes (actions/runner 2.336).

Written against the runner, not against this product: the tests hold what we print against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

COMMANDS: Final = frozenset(
    {
        "add-mask",
        "add-matcher",
        "add-path",
        "debug",
        "echo",
        "endgroup",
        "error",
        "group",
        "notice",
        "remove-matcher",
        "save-state",
        "set-env",
        "set-output",
        "stop-commands",
        "warning",
    }
)

# What .NET's String.TrimStart takes for white space; str.lstrip takes U+001C to U+001F as well.
WHITE_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)

_OF_DATA: Final = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_OF_PROPERTY: Final = (*_OF_DATA[:2], ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_OF_OLD_FORM: Final = (("%3B", ";"), *_OF_DATA[:2], ("%5D", "]"), ("%25", "%"))


class FileCommandError(Exception):
    """An environment file that fails the step."""


@dataclass(frozen=True, slots=True)
class Command:
    """A workflow command: its name and the names of its properties in lower case."""

    name: str
    properties: Mapping[str, str]
    data: str


def parse_command(line: str, names: Collection[str] = COMMANDS) -> Command | None:
    """Read a line of output as the command it is; None if it is none of those named (lower case).

    `::name key=value,key=value::data` counts at the start of a line, after white space; the old
    form `##[name key=value;key=value]data` anywhere in it (src/Runner.Common/ActionCommand.cs).
    """
    return _new_form(line, names) or _old_form(line, names)


def split_lines(text: str) -> list[str]:
    """The lines that the runner sees in a stream: CR, LF or CRLF ends one, and nothing else."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def read_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Read what GITHUB_OUTPUT, GITHUB_STATE or GITHUB_ENV holds (FileCommandManager.cs).

    Pairs before a bad line are given; then `FileCommandError` is raised.
    """
    lines = iter(text.split("\n"))
    for line in lines:
        name, sign, value = _partition_first(line, ("=", "<<"))
        if sign == "=":
            yield name, value
        elif sign == "<<" and name and value:
            yield name, "\n".join(_until(value, lines))
        elif line:
            raise FileCommandError(f"Invalid format: {line!r}")


def _new_form(line: str, names: Collection[str]) -> Command | None:
    start = line.lstrip(WHITE_SPACE)
    end = start.find("::", 2)
    if not start.startswith("::") or end < 0:
        return None
    name, _, properties = start[2:end].partition(" ")
    if name.lower() not in names:
        return None
    parts = properties.strip(WHITE_SPACE).split(",")
    return Command(name.lower(), _read(parts, _OF_PROPERTY), _plain(start[end + 2 :], _OF_DATA))


def _old_form(line: str, names: Collection[str]) -> Command | None:
    begin = line.find("##[")
    end = line.find("]", begin)
    if begin < 0 or end < 0:
        return None
    name, _, properties = line[begin + 3 : end].partition(" ")
    if name.lower() not in names:
        return None
    parts = properties.split(";")
    return Command(name.lower(), _read(parts, _OF_OLD_FORM), _plain(line[end + 1 :], _OF_OLD_FORM))


def _read(parts: Sequence[str], escapes: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Properties with a key and a value; others are ignored."""
    pairs = (part.lstrip("=").partition("=") for part in parts)
    read = ((key, value.lstrip("=")) for key, _, value in pairs)
    return {key.lower(): _plain(value, escapes) for key, value in read if key and value}


def _plain(text: str, escapes: Sequence[tuple[str, str]]) -> str:
    for escaped, character in escapes:
        text = text.replace(escaped, character)
    return text


def _partition_first(line: str, signs: Sequence[str]) -> tuple[str, str, str]:
    """Parted at whichever of the signs comes first."""
    found = [(at, sign) for sign in signs if (at := line.find(sign)) >= 0]
    return line.partition(min(found)[1]) if found else (line, "", "")


def _until(delimiter: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == delimiter:
            return
        yield line
    raise FileCommandError(f"Matching delimiter not found: {delimiter!r}")
