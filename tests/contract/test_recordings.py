"""The stand-in answers as the real PostgREST did, step by step."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.contract.replay import DIFFERENCES, Difference, Recording, differences

from pgrst_sandbox.dialect import RECORDED

# Those that wait longest come first: they run side by side, each with a PostgreSQL of its own.
SCENARIOS = ["reload", "failing", "migration", "functions", "tables", "doors"]
NAMES = [f"{scenario}-{version}" for scenario in SCENARIOS for version in RECORDED]

Replays = Mapping[str, Future[list[Difference]]]


@pytest.fixture(scope="module")
def replays(request: pytest.FixtureRequest) -> Iterator[Replays]:
    """The replays of the selected tests, started at once: mostly they wait for the server."""
    selected = [name for name in NAMES if any(name in item.name for item in request.session.items)]
    with ThreadPoolExecutor(max_workers=4) as threads:
        yield {name: threads.submit(differences, Recording.load(name)) for name in selected}


@pytest.mark.parametrize("name", NAMES)
def test_the_stand_in_does_what_the_real_server_did(name: str, replays: Replays) -> None:
    """Every answer, log line, counter and exit status is the recorded one, or a known difference.

    A difference that is known but is none any more fails too.
    """
    known = Recording.load(name).differing
    found = replays[name].result()

    assert [str(difference) for difference in found if difference.step not in known] == []
    assert known == {difference.step for difference in found if difference.step in known}


def test_known_differences_are_few_and_have_a_reason() -> None:
    """They are fewer than 2 % of the steps that ask for something."""
    known = json.loads(DIFFERENCES.read_text(encoding="utf-8"))
    asked = sum(not {"state", "sql"} & set(s) for name in NAMES for s in Recording.load(name).steps)

    assert {entry["recording"] for entry in known} <= set(NAMES)
    assert all(entry["reason"] for entry in known)
    assert sum(len(entry["steps"]) for entry in known) < 0.02 * asked
