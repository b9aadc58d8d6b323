"""Text that a server, a database, a log or a command said, made fit to be printed.

Whoever answers a probe chooses these words: there may be terminal sequences, workflow commands or
megabytes of them. `block` and `one_line` give printable text of bounded length; a line that goes to
a log passes `without_commands` last, with all that was put before and behind the text.
"""

from __future__ import annotations

import re
from typing import Final

LINE_CHARACTERS: Final = 500
BLOCK_LINES: Final = 30

_TERMINAL_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, the cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS
    r"|\x1b[ -/]*[0-~]?"
)
# The runner compares by the rules of a culture, which overlook some characters outside of ASCII. So
# whatever is not ASCII counts as overlooked, between the characters of a command or before them.
_OLD_COMMAND = re.compile(r"#([^ -~]*)#([^ -~]*)\[")
_COLON_FIRST = re.compile(r"(?:[^!-~])*:")


def plain(text: str) -> str:
    r"""The text without terminal sequences and what does not print; only `\n` parts its lines."""
    if text.isprintable():
        return text
    lines = _TERMINAL_SEQUENCE.sub("", text).splitlines()
    return "\n".join("".join(map(_printable, line)) for line in lines).strip("\n")


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ""


def block(text: str) -> tuple[str, ...]:
    """The text as lines of bounded number and length, without blank ones; what was cut is said."""
    found = [line.rstrip() for line in plain(text).split("\n") if line.strip()]
    kept = tuple(cut(line, LINE_CHARACTERS) for line in found[:BLOCK_LINES])
    left_out = len(found) - len(kept)
    return (*kept, f"({left_out} more lines)") if left_out else kept


def one_line(text: str, *, characters: int = LINE_CHARACTERS) -> str:
    """The text as one line, its white space single and cut after ``characters``, which is said."""
    return cut(" ".join(plain(text).split()), characters)


def without_commands(line: str) -> str:
    r"""The line as it may be printed in a workflow: `##[` becomes `#\#[`, and no colon comes first.

    The two forms of a command are `::name::` at the start of a line, after white space, and
    `##[name]` anywhere in it (actions/runner, src/Runner.Common/ActionCommand.cs).
    """
    line = _OLD_COMMAND.sub(r"#\\\1#\2[", line)
    return "| " + line if _COLON_FIRST.match(line) else line


def cut(line: str, characters: int) -> str:
    """The line's first characters, and how many there are more."""
    if len(line) <= characters:
        return line
    return f"{line[:characters]}... ({len(line) - characters} more characters)"
