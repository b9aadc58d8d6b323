"""Texts of a server that wants to be taken for the runner, a terminal or a page."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from tests.runner_protocol import COMMANDS, WHITE_SPACE, Command, parse_command, split_lines

_PIECES: Final = (
    *("::", ":", "##[", "#", "[", "]", "##", "%0A", "%", ",", ";", "=", " ", "\t", "a", "open"),
    *(
        "\n",
        "\r",
        "\r\n",
        "\v",
        "\x1c",
        "\x85",
        "\u2028",
        "\xa0",
        "\u3000",
        "\u200b",
        "\ufeff",
        "\xad",
    ),
    *("\x1b[31m", "\x1b]0;title\x07", "\x1b", "\x9b", "\x00", "\x08", "\ud800", "\u202e", "\u0301"),
    *(
        "`",
        "```",
        "|",
        "<",
        ">",
        "&",
        "<b>",
        "</td>",
        "</table>",
        "-->",
        "\\",
        "*",
        "_",
        "~~~",
        "$",
    ),
    *("](https://example.org)", "www.example.org", "@everyone", "# ", "- ", "---", "\n\n", "    "),
    *sorted(f"::{name}::" for name in COMMANDS),
    *sorted(f"##[{name}]" for name in COMMANDS),
)

texts: Final = st.lists(st.sampled_from(_PIECES) | st.characters(), max_size=12).map("".join)
"""Texts of all lengths, rich in what somebody might read a meaning into."""


def commands_in(text: str) -> list[Command]:
    """Every workflow command in a printed text, by the strictest and the loosest reading.

    The runner compares by a culture's rules, which may overlook characters outside of ASCII.
    """
    return [
        command
        for line in split_lines(text)
        for reading in (line, _overlooking(line))
        if (command := parse_command(reading))
    ]


def _overlooking(line: str) -> str:
    return "".join(one for one in line if " " <= one <= "~" or one in WHITE_SPACE)
