"""A small campaign: `make campaign` runs a large one, and each trial is told again by its seed."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from campaign.conditions import CONDITIONS
from campaign.grading import Grade, grade
from campaign.table import failures
from campaign.trials import VERSIONS, trials
from campaign.truth import Truth

from pgrst_gate import looking
from pgrst_gate.postgrest.survey import Survey
from pgrst_gate.schema import Expectation, Item, Relation
from pgrst_gate.verdicts import Cause, Facts, Loads, Verdict, judge_all
from pgrst_sandbox.postgres import Postgres

SCANS = Relation("api", "scans")


@pytest.mark.parametrize("version", VERSIONS)
def test_no_verdict_is_wrong_and_nothing_is_touched(cluster: Postgres, version: str) -> None:
    """Whatever the schema, the migration and the condition: no false pass, no false failure."""
    outcomes = trials(cluster, version, range(1, 3))

    assert "\n".join(failures(one for one in outcomes if one.failed)) == ""
    assert sum(len(one.graded) for one in outcomes) > 0


def test_a_gate_that_believes_everything_is_found_out(
    cluster: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The campaign does not take the gate's word: what is stale stays stale in its own truth."""

    def content(
        expectation: Expectation, facts: Mapping[Item, Facts], loads: Loads
    ) -> tuple[Verdict, ...]:
        judged = judge_all(expectation, facts, loads)
        return tuple(
            replace(one, cause=Cause.SERVED if one.expected_present else Cause.GONE)
            for one in judged
        )

    monkeypatch.setattr(Survey, "any_blocks", lambda *_: False)
    monkeypatch.setattr(looking, "judge_all", content)
    stale = [seed for seed in range(100) if Random(seed).choice(CONDITIONS).name == "stale"]  # noqa: S311 - as a trial draws it

    outcomes = trials(cluster, "14.14", stale[:2])

    assert "false pass" in {one.grade for outcome in outcomes for one in outcome.graded}


@pytest.mark.parametrize(
    ("said", "right", "expected"),
    [
        (Cause.SERVED, Truth(as_expected=True, causes=frozenset({"served"})), "right"),
        (Cause.SERVED, Truth(as_expected=False, causes=frozenset({"stale"})), "false pass"),
        (Cause.STALE, Truth(as_expected=True, causes=frozenset({"served"})), "false failure"),
        (Cause.STALE, Truth(as_expected=False, causes=frozenset({"stale"})), "right"),
        (Cause.STALE, Truth(as_expected=False, causes=frozenset({"not-granted"})), "wrong cause"),
        (Cause.UNPROVEN, Truth(as_expected=False, causes=frozenset({"stale"})), "unproven"),
    ],
)
def test_a_verdict_is_graded_by_the_truth(said: Cause, right: Truth, expected: Grade) -> None:
    """What opens the gate wrongly and what closes it wrongly are never mixed up."""
    verdict = Verdict(SCANS, expected_present=True, cause=said)

    assert grade(verdict, right, believable=True).grade == expected
