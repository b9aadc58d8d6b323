"""The tables of a campaign, as text or Markdown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from campaign.effects import NAMES as EFFECTS
from campaign.grading import Outcome
from campaign.habits import NAMES as HABITS

KINDS = ("relation", "column", "function", "relationship")
Table = list[Sequence[str]]


def totals(outcomes: Sequence[Outcome]) -> Table:
    """What matters most, and how it came out."""
    grades = Counter(one.grade for outcome in outcomes for one in outcome.graded)
    told = grades["right"] + grades["wrong cause"]
    rows: Table = [("what", "how many")]
    rows += [
        ("trials", str(len(outcomes))),
        ("items", str(sum(grades.values()))),
        ("false passes", str(grades["false pass"])),
        ("false failures", str(grades["false failure"])),
        ("unproven", str(grades["unproven"])),
        (
            "right, cause included",
            _share(grades["right"], told),
        ),
    ]
    red = [
        one
        for outcome in outcomes
        for one in outcome.graded
        if one.grade in {"right", "wrong cause"} and one.said not in {"served", "gone"}
    ]
    right = sum(one.grade == "right" for one in red)
    rows.append(("cause right, of what is not as expected", _share(right, len(red))))
    rows += [
        (name, str(sum(outcome.effects[at] for outcome in outcomes)))
        for at, name in enumerate(EFFECTS)
    ]
    return rows


def by_condition(outcomes: Sequence[Outcome]) -> Table:
    """A row for each version and condition, a column for each kind of item."""
    rows: Table = [("version", "condition", "trials", *(f"{kind}s" for kind in KINDS))]
    places = sorted({(one.version, one.condition) for one in outcomes}, key=_by_version)
    for version, condition in places:
        here = [one for one in outcomes if (one.version, one.condition) == (version, condition)]
        rows.append((version, condition, str(len(here)), *(_cell(here, kind) for kind in KINDS)))
    return rows


LEGEND = "items; u: unproven, c: wrong cause, P: FALSE PASS, F: FALSE FAILURE"


def _by_version(place: tuple[str, str]) -> tuple[tuple[int, ...], str]:
    return tuple(map(int, place[0].split("."))), place[1]


def _cell(outcomes: Iterable[Outcome], kind: str) -> str:
    grades = Counter(
        one.grade for outcome in outcomes for one in outcome.graded if one.kind == kind
    )
    marks = {"unproven": "u", "wrong cause": "c", "false pass": "P", "false failure": "F"}
    found = [f"{grades[grade]}{mark}" for grade, mark in marks.items() if grades[grade]]  # type: ignore[index]  # its keys are grades
    return " ".join([str(sum(grades.values())), *found])


def confusion(outcomes: Sequence[Outcome]) -> Table:
    """What was right against what the gate said."""
    pairs = Counter(
        (" or ".join(sorted(one.right)), one.said) for outcome in outcomes for one in outcome.graded
    )
    rows: Table = [("right", "said", "items")]
    rows += [(right, said, str(count)) for (right, said), count in sorted(pairs.items())]
    return rows


def unproven(outcomes: Sequence[Outcome]) -> Table:
    """Why items were unproven: the notes of their verdicts."""
    notes = Counter(
        (one.kind, one.note or "no note")
        for outcome in outcomes
        for one in outcome.graded
        if one.grade == "unproven"
    )
    rows: Table = [("items", "kind", "why they are unproven")]
    rows += [(str(count), kind, note) for (kind, note), count in notes.most_common()]
    return rows


def compared(outcomes: Sequence[Outcome]) -> Table:
    """The gate beside the checks people write today."""
    rows: Table = [
        ("check", "asked", "right", "unproven", "false passes", "false failures", *EFFECTS)
    ]
    grades = Counter(one.grade for outcome in outcomes for one in outcome.graded)
    right = grades["right"] + grades["wrong cause"]
    effects = [str(sum(one.effects[at] for one in outcomes)) for at in range(len(EFFECTS))]
    rows.append((
        "pgrst-gate", str(sum(grades.values())), str(right), str(grades["unproven"]),
        str(grades["false pass"]), str(grades["false failure"]), *effects,
    ))  # fmt: skip
    done = [str(sum(one.habit_effects[at] for one in outcomes)) for at in range(len(EFFECTS))]
    for name in HABITS:
        found = Counter(
            one.grade for outcome in outcomes for one in outcome.habits if one.name == name
        )
        shown = done if name.startswith("POST") else ["0"] * len(EFFECTS)
        rows.append((
            f"`{name}`", str(sum(found.values())), str(found["right"]), "0",
            str(found["false pass"]), str(found["false failure"]), *shown,
        ))  # fmt: skip
    return rows


def failures(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """What to type for each trial that failed, and what was wrong in it."""
    for outcome in outcomes:
        bad = [one for one in outcome.graded if one.grade not in {"right", "unproven"}]
        if not bad and not any(outcome.effects):
            continue
        mark = "FAILED" if outcome.failed else "cause"
        yield (
            f"{mark}: python -m campaign --trials 1 --seed {outcome.seed}"
            f" --versions {outcome.version}  # {outcome.condition}; {outcome.sentence}"
        )
        for name, count in zip(EFFECTS, outcome.effects, strict=True):
            if count:
                yield f"    {count} {name}"
        for one in bad:
            yield f"    {one.grade}: {one.item}: said {one.said}, right {sorted(one.right)}"
            yield from (f"        {line}" for line in (*one.told, one.note) if line)


def plain(rows: Table) -> str:
    """A table for a terminal, in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in rows
    )


def markdown(rows: Table) -> str:
    """The same table as Markdown."""
    head, *body = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *body))


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "none"
