"""What a PostgREST shows of its schema cache, by its version: for tests to ask, and no other way.

`needs("plans calls")` leaves a test out for those that cannot. What is then said instead, of every
version and question, is the table in tests/contract/cases.py.
"""

import re
import subprocess
from typing import Final, Literal, get_args

import pytest

Capability = Literal["hides columns", "tells calls", "plans only", "counts loads", "plans reads"]
"""`hides columns`: a stale cache hides new columns from clients. `tells calls`: it can be asked for
a function with arguments. `plans only`: requests can be planned and not run. `counts loads`: the
admin server does, and shows the cache. `plans reads`: a read of what is not cached is refused."""

SINCE: Final[dict[Capability, tuple[int, ...]]] = {
    "hides columns": (11,),
    "tells calls": (11,),
    "plans only": (12,),
    "counts loads": (12, 2),
    "plans reads": (13,),
}


def needs(*capabilities: Capability) -> pytest.MarkDecorator:
    """For tests of what not every version can."""
    assert set(capabilities) <= set(get_args(Capability))
    return pytest.mark.needs(*capabilities)


def version_of_binary(path: str) -> str:
    """The version that a binary says it is of, in the head of its help."""
    told = subprocess.run([path, "--help"], capture_output=True, text=True, check=False)
    found = re.search(r"PostgREST (\d+(?:\.\d+)+)", told.stdout + told.stderr)
    if not found:
        raise RuntimeError(f"{path} --help names no version of PostgREST:\n{told.stdout}")
    return found[1]
