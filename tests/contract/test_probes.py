"""The gate's own questions, answered as the six recorded PostgRESTs answered them."""

from collections.abc import Iterable
from itertools import product
from typing import Final, get_args

import pytest
from tests.contract.alike import State
from tests.contract.cases import AFTER_A_LOAD, CASES, Case
from tests.contract.recorded import VERSIONS, RecordedAdmin, RecordedServer

from pgrst_gate.expectations import in_schema, inline
from pgrst_gate.postgrest.survey import Survey
from pgrst_gate.postgrest.versions import Dialect, dialect_of, parse
from pgrst_gate.schema import Expectation
from pgrst_gate.verdicts import Cause, Loads, judge_all

NOT_LOADED: Final = Loads()
SETTLED: Final = Loads(finished=True, settled=True)


def dialect(version: str) -> Dialect:
    """The dialect of a recorded version."""
    found = dialect_of(parse(version) or ())
    assert found
    return found


def survey(case: Case, state: State, version: str, admin: RecordedAdmin | None = None) -> Survey:
    """How the gate looks for the item of a case."""
    items = inline.items(case.item)
    expected = Expectation((), items) if case.absent else Expectation(items)
    return Survey(
        RecordedServer(case.scenario, version, state, case.role),
        dialect(version),
        in_schema(expected, "public"),
        admin,
        options_of_relations=case.options,
        options_of_functions=case.options,
    )


def causes(looking: Survey, loads: Loads) -> set[Cause]:
    """The causes that are told when the wait is over."""
    expected = looking.expectation
    seen = looking.diagnose()
    verdicts = judge_all(expected, seen.facts, loads)
    assert len(verdicts) == len(expected.items)
    return {verdict.cause for verdict in verdicts}


def opens(looking: Survey, loads: Loads) -> bool:
    """Whether a round of the wait would open the gate."""
    expected = looking.expectation
    seen = looking.look()
    assert not seen.accepted_nonsense
    verdicts = judge_all(expected, seen.facts, loads)
    return seen.complete and all(verdict.ok for verdict in verdicts)


def recorded(cases: Iterable[Case]) -> list[tuple[Case, State, str]]:
    """The cases in each state and version of which the answers were recorded."""
    return [
        (case, state, version)
        for case, state, version in product(cases, get_args(State), VERSIONS)
        if case.verdict(state, version) != "-"
    ]


@pytest.mark.parametrize(("case", "state", "version"), recorded(CASES), ids=str)
def test_each_item_has_the_verdict_of_its_state(case: Case, state: State, version: str) -> None:
    """Each item is told as it is, and the gate opens only for what is served, or gone."""
    looking = survey(case, state, version)
    cause = Cause(case.verdict(state, version))

    assert causes(looking, NOT_LOADED) == {cause}
    assert opens(looking, NOT_LOADED) is (cause in {Cause.SERVED, Cause.GONE})


STALE: Final = [
    (case, state, version)
    for case, state, version in recorded(CASES)
    if state.startswith("stale") and case.verdict(state, version) == Cause.STALE
]


@pytest.mark.parametrize(("case", "state", "version"), STALE, ids=str)
def test_a_load_does_not_outvote_the_cache(case: Case, state: State, version: str) -> None:
    """A counted load opens no gate while the cache itself says that it lacks the item."""
    assert not opens(survey(case, state, version), SETTLED)


@pytest.mark.parametrize(("case", "state", "version"), recorded(AFTER_A_LOAD), ids=str)
def test_after_a_load_nothing_is_stale(case: Case, state: State, version: str) -> None:
    """Once a load has finished, what is missing has another cause than a stale cache."""
    looking = survey(case, state, version)
    cause = Cause(case.verdict(state, version))

    assert causes(looking, SETTLED) == {cause}
    assert opens(looking, SETTLED) is (cause in {Cause.SERVED, Cause.GONE})


TYPES: Final = (
    ("migration", "scans: ended_at timestamptz", "served"),
    ("migration", "scans: ended_at date", "type-drift"),
    ("migration", "update_scan_heartbeat(scan_id int, progress_msg text)", "served"),
    ("migration", "update_scan_heartbeat(scan_id bigint, progress_msg text)", "type-drift"),
    ("tables", "base: retype text", "served"),
    ("tables", "base: retype int", "type-drift"),
)


@pytest.mark.parametrize("version", ["12.2.12", "13.0.8", "14.14", "16.2"])
@pytest.mark.parametrize(("scenario", "item", "cause"), TYPES)
def test_types_are_read_from_the_admin_server(
    scenario: str, item: str, cause: str, version: str
) -> None:
    """Types of columns and of arguments are compared with those in the schema cache itself."""
    role = {"migration": "service_role", "tables": "writer"}[scenario]
    case = Case(scenario, item, "-", "-", cause, role=role)

    looking = survey(case, "fresh", version, RecordedAdmin(scenario, version))

    assert causes(looking, NOT_LOADED) == {cause}
