"""Inputs that do not read or do not go together: exit 2, and nothing was touched."""

from pathlib import Path
from typing import Final

import pytest
from tests.acceptance.capabilities import any_version
from tests.acceptance.running import gate
from tests.acceptance.world import World

pytestmark = any_version("inputs are read before any server is asked")

COLUMNS: Final = {"expected_columns": "scans: status"}

WRONG: Final[tuple[tuple[dict[str, str], str], ...]] = (
    ({}, "nothing is expected"),
    ({"expected_columns": "# none yet"}, "nothing is expected"),
    ({"endpoints": "/"}, "nothing is expected"),
    ({"expected_columns": "scans"}, "expected `:`"),
    ({"endpoints": "FETCH /scans"}, "FETCH is no method"),
    (COLUMNS | {"expected_absent": "scans: status"}, "both present and absent: scans.status"),
    (COLUMNS | {"timeout": "31m"}, "at most 30m"),
    (COLUMNS | {"timeout": "soon"}, "expected a duration"),
    (COLUMNS | {"runtime": "dokcer"}, "did you mean `docker`?"),
    (COLUMNS | {"runtime": "docker"}, "needs `container`"),
    (COLUMNS | {"runtime": "none", "method": "restart"}, "does not go with runtime none"),
    (COLUMNS | {"url": "localhost:3000"}, "http://"),
)


@pytest.mark.parametrize(("inputs", "told"), WRONG)
def test_a_wrong_input_is_named(fresh: World, inputs: dict[str, str], told: str) -> None:
    """The input, what is wrong with it and what would be right are said; nobody is asked."""
    before = fresh.requests()
    given = {"url": fresh.url, "runtime": "notify", "database_url": fresh.database_url} | inputs

    report = gate(**given)

    assert (report.exit_code, report.conclusion.value) == (2, "usage-error")
    assert told in report.sentence
    assert (report.receipts, fresh.requests()) == ((), before)


CONFIGS: Final = (
    ("expected-columns: {scans: [status]", ":1: not YAML"),
    ("- a list", ":1: expected a mapping"),
    ("expected-colums: 'scans: status'", ":1: there is no input `expected-colums`"),
    ("timeout: 1m\nexpected_tables: scans", ":2: there is no input `expected_tables`"),
    ("timeout: 1m\ntimeout: 2m", ":2: `timeout` is given twice"),
    ("\n\nconsecutive: 0", ":3: `0` is not valid: expected a whole number"),
)


@pytest.mark.parametrize(("content", "told"), CONFIGS)
def test_a_wrong_config_is_named_with_its_line(
    fresh: World, tmp_path: Path, content: str, told: str
) -> None:
    """File and line are said; what a key may have meant, too."""
    config = tmp_path / "gate.yml"
    config.write_text(content)

    report = gate(fresh.url, config=str(config))

    assert report.exit_code == 2
    assert f"{config}{told}" in str(report.problem)
    if "there is no input" in told:
        assert "did you mean `expected-" in str(report.problem)


def test_a_config_that_cannot_be_read_is_told(fresh: World, tmp_path: Path) -> None:
    """A path that leads nowhere, or to a directory."""
    missing = gate(fresh.url, config=str(tmp_path / "gate.yml"))
    directory = gate(fresh.url, config=str(tmp_path))

    assert (missing.exit_code, directory.exit_code) == (2, 2)
    assert "gate.yml cannot be read: No such file" in missing.sentence
    assert "cannot be read: Is a directory" in directory.sentence


def test_a_config_is_taken_and_what_is_given_besides_wins(fresh: World, tmp_path: Path) -> None:
    """The file expects what is there, the input what is not."""
    config = tmp_path / "gate.yml"
    config.write_text("timeout: 150ms\nexpected-columns:\n  scans: [status]\n")

    by_file = gate(fresh.url, config=str(config))
    besides = gate(fresh.url, config=str(config), expected_columns="scans: never")

    assert (by_file.exit_code, besides.exit_code) == (0, 1)
