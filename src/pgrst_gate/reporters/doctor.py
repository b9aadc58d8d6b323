"""An examination, shown: to people one line a subject and then what is wrong, or as JSON.

The examination must be redacted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from pgrst_gate import __version__
from pgrst_gate.doctor.looks import Examination
from pgrst_gate.findings import Finding
from pgrst_gate.untrusted import block, one_line, without_commands

FORMAT_VERSION: Final = 1


def as_text(found: Examination) -> str:
    """The account for a terminal or a log; the last line is the conclusion."""
    return "".join(f"{without_commands(line)}\n" for line in _lines(found))


def as_json(found: Examination) -> str:
    """The account for programs: ASCII that is safe in a log. See schemas/doctor.schema.json."""
    fields = {
        "version": FORMAT_VERSION,
        "generator": {"name": "pgrst-gate", "version": __version__},
        "exit_code": found.exit_code,
        "sentence": found.sentence,
        "subjects": [
            {
                "subject": look.subject,
                "state": look.state,
                "text": look.text,
                "findings": [_finding(one) for one in look.findings],
            }
            for look in found.looks
        ],
    }
    return json.dumps(fields, indent=1).replace("##[", r"#\u0023[") + "\n"


def _finding(one: Finding) -> dict[str, object]:
    return {
        "severity": one.severity,
        "text": one.text,
        "told": list(one.told),
        "remedy": one.remedy,
        "place": one.place,
    }


def _lines(found: Examination) -> Iterator[str]:
    for look in found.looks:
        yield f"{look.state:<13} {look.subject:<18}  {one_line(look.text)}".rstrip()
    yield ""
    for severity in ("broken", "risk", "note"):
        for look in found.looks:
            for one in look.findings:
                if one.severity == severity:
                    yield from _told(one)
    yield one_line(found.sentence)


def _told(one: Finding) -> Iterator[str]:
    yield one_line(f"{one.severity} {one.subject}: {one.text}")
    for told in one.told:
        yield f"    {one_line(told)}"
    for line in block(one.remedy):
        yield f"    what to do: {line}"
    yield ""
