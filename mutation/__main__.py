"""`python -m mutation`: which small changes to the dialects and the verdict rules no test notices.

mutmut makes the changes and runs the tests on each; `[tool.mutmut]` in pyproject.toml says where.
It changes what functions do, and leaves the tables beside them (`LINES`, the sets of codes) alone.
The changes that survive, and why no test can tell them from the source, are in `survivors.json`.
Exit status 1 if one survives that is not in there, or one is in there that does not survive.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
SURVIVORS: Final = Path(__file__).with_name("survivors.json")
MUTMUT: Final = Path(sys.executable).with_name("mutmut")
KILLED: Final = {"killed", "timeout"}
"""What mutmut calls a change that was noticed; one that ends in an endless loop is, too."""


class Change(NamedTuple):
    """A changed piece of the source. mutmut's own numbers move with each edit; this does not."""

    function: str
    source: str
    mutated: str

    def __str__(self) -> str:
        return f"{self.function}\n    - {self.source}\n    + {self.mutated}"


def main() -> int:
    """Run mutmut from scratch and compare what survives with what is explained."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N")
    processes = parser.parse_args().processes
    # What an earlier run found stands until the source changes, even if the tests did.
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    subprocess.run([MUTMUT, "run", "--max-children", str(processes)], cwd=ROOT, check=True)
    ended = _endings()
    survivors = [_change(name) for name, ending in ended.items() if ending not in KILLED]
    explained = {_explained(entry) for entry in json.loads(SURVIVORS.read_text())}
    counts = ", ".join(f"{number} {ending}" for ending, number in Counter(ended.values()).items())
    print(f"\n{len(ended)} mutants: {counts}; {len(explained)} explained in {SURVIVORS.name}")
    unexplained = sorted(set(survivors) - explained)
    outdated = sorted(explained - set(survivors))
    _tell("No test notices this, and nothing explains it:", unexplained)
    _tell(f"{SURVIVORS.name} explains this, and it does not survive:", outdated)
    return int(bool(unexplained or outdated))


def _endings() -> dict[str, str]:
    """How each mutant ended, by mutmut's name of it."""
    lines = _mutmut("results", "--all", "true").splitlines()
    return {name.strip(): ending for name, _, ending in (line.rpartition(": ") for line in lines)}


def _change(name: str) -> Change:
    """The change that mutmut knows by this name: `a.module.xǁClassǁmethod__mutmut_3`."""
    module, _, mangled = name.rpartition("__mutmut_")[0].rpartition(".")
    function = mangled.removeprefix("x").removeprefix("_").strip("ǁ").replace("ǁ", ".")
    body = _mutmut("show", name).partition("\n@@")[2].splitlines()[1:]
    source, mutated = (
        " ".join(line[1:].strip() for line in body if line.startswith(sign)) for sign in "-+"
    )
    return Change(f"{module}.{function}", source, mutated)


def _explained(entry: dict[str, str]) -> Change:
    return Change(entry["function"], entry["source"], entry["mutated"])


def _mutmut(*arguments: str) -> str:
    done = subprocess.run(
        [MUTMUT, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _tell(heading: str, changes: list[Change]) -> None:
    if changes:
        print(f"\n{heading}", *changes, sep="\n  ")


if __name__ == "__main__":
    sys.exit(main())
