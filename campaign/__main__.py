"""`python -m campaign`: trials over all versions of the stand-in, and what came of them.

Exit status 1 if there was a false pass, a false failure or a side effect.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from campaign import table
from campaign.grading import Outcome
from campaign.trials import VERSIONS, campaign

_ABOUT = """\
Random schemas, migrations and conditions, on the [stand-in](stand-in.md) of each version: then the
gate. What is right is read from the database's catalog, the role's privileges and the server's own
cache, never from the gate; the rule is in `campaign/truth.py`. Where the cache was swapped while
the gate looked, an open gate must fit one of the states there were as a whole, a closed one each of
its verdicts one of them. Every trial is told again by its seed and version. Written by:"""


def main() -> int:
    """Run the campaign and print its tables."""
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--trials", type=int, default=200, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the first trial")
    parser.add_argument("--versions", nargs="+", choices=VERSIONS, default=VERSIONS)
    parser.add_argument("--processes", type=int, default=4, help="trials mostly wait")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables here, too")
    given = parser.parse_args()
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for found in campaign(given.trials, given.seed, given.versions, given.processes):
        outcomes += found
        for line in table.failures(found):
            print(line, flush=True)
        print(f"{len(outcomes)} of {given.trials} trials", file=sys.stderr, flush=True)
    outcomes.sort(key=lambda outcome: outcome.seed)
    for heading, rows in _tables(outcomes).items():
        print(f"\n{heading}\n\n{table.plain(rows)}")
    print(f"\n{table.LEGEND}\n{time.monotonic() - began:.0f} s")
    if given.markdown:
        command = f"python -m campaign --trials {given.trials} --seed {given.seed}"
        given.markdown.write_text(_document(outcomes, command))
    return int(any(outcome.failed for outcome in outcomes))


def _tables(outcomes: Sequence[Outcome]) -> dict[str, table.Table]:
    """The tables by their headings, what matters most last."""
    return {
        "By version, condition and kind of item": table.by_condition(outcomes),
        "What was right, and what the gate said": table.confusion(outcomes),
        "What is unproven, and why": table.unproven(outcomes),
        "Beside the checks people write today": table.compared(outcomes),
        "In all": table.totals(outcomes),
    }


def _document(outcomes: Sequence[Outcome], command: str) -> str:
    parts = [f"# A campaign\n\n{_ABOUT}\n\n```\n{command}\n```"]
    for heading, rows in reversed(_tables(outcomes).items()):
        parts.append(f"## {heading}\n\n{table.markdown(rows)}")
    return "\n\n".join([*parts[:-1], parts[-1], f"The cells: {table.LEGEND}."]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
