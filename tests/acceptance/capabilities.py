"""What a PostgREST shows of its schema cache, by its version: for tests to ask, and no other way.

`needs("plans calls")` leaves a test out for those that cannot. What is then said instead, of every
version and question, is the table in tests/contract/cases.py.
"""

import re
import subprocess
from collections.abc import Callable
from typing import Final, Literal, get_args

import pytest

from pgrst_gate.postgrest.versions import dialect_of, parse

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


def any_version(why: str) -> pytest.MarkDecorator:
    """For tests of what no version does in its own way, and why: the newest stands for all."""
    del why
    return pytest.mark.alike.with_args(lambda _: "")


def each_line(why: str) -> pytest.MarkDecorator:
    """For tests of what only the gate's questions decide, and why: the newest of each line does."""
    del why
    return pytest.mark.alike.with_args(_line)


def _line(version: str) -> str:
    dialect = dialect_of(parse(version) or ())
    return dialect.line if dialect else ""


def stands_for(version: str, others: list[str], alike: Callable[[str], str]) -> bool:
    """Whether it is the newest of those that are alike."""
    peers = [other for other in others if alike(other) == alike(version)]
    return version == max(peers, key=lambda peer: parse(peer) or ())


def version_of_binary(path: str) -> str:
    """The version that a binary says it is of, in the head of its help."""
    told = subprocess.run([path, "--help"], capture_output=True, text=True, check=False)
    found = re.search(r"PostgREST (\d+(?:\.\d+)+)", told.stdout + told.stderr)
    if not found:
        raise RuntimeError(f"{path} --help names no version of PostgREST:\n{told.stdout}")
    return found[1]
