"""`mode: drift`, from the inputs of a step to its report."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.drift.test_run import AFTER, ALLOW, BEFORE

from pgrst_gate.cli import main

FORK, HOME = {"full_name": "stranger/app"}, {"full_name": "acme/app"}
LABELLED = "--override-label=api-change"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with two snapshots and a list of what may change."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "before.yml").write_text(BEFORE)
    (tmp_path / "after.yml").write_text(AFTER)
    (tmp_path / "allow.yml").write_text(ALLOW)
    return tmp_path


@pytest.fixture
def started_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a function
    """Sets the event that started this workflow."""

    def by(name: str, head: object, *labels: str) -> None:
        about = {"head": {"repo": head}, "base": {"repo": HOME}}
        told = about | {"labels": [{"name": label} for label in labels]}
        (tmp_path / "event.json").write_text(json.dumps({"pull_request": told}))
        monkeypatch.setenv("GITHUB_EVENT_NAME", name)
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))

    return by


def compare(*arguments: str) -> int:
    """The exit code of a run that compares; its report is report.json."""
    return main(["run", "--mode=drift", "--report=report.json", *arguments])


def report() -> Any:  # noqa: ANN401 - JSON
    """What the run reported."""
    return json.loads(Path("report.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--before=before.yml --after=after.yml", 1),
        ("--before=before.yml --after=before.yml", 0),
        ("--before=before.yml --after=after.yml --fail-on=none", 0),
        ("--before=before.yml --after=after.yml --allow=allow.yml", 0),
        ("--before=before.yml --after=after.yml --allow=allow.yml --fail-on=any", 1),
    ],
)
def test_a_change_closes_the_gate_as_in_diff(arguments: str, code: int) -> None:
    """The report has what `diff` would say of the same sources, and nothing was sent."""
    assert compare(*arguments.split()) == code

    found = report()
    assert (found["exit_code"], found["conclusion"]) == (code, "closed" if code else "open")
    assert (found["receipts"], found["items"]) == ([], [])
    assert found["drift"]["before"] == "before.yml"


@pytest.mark.parametrize(
    ("name", "labels", "code"),
    [
        ("pull_request", ["api-change"], 0),
        ("pull_request_target", ["other", "api-change"], 0),
        ("pull_request", ["other"], 1),
        ("pull_request", [], 1),
        ("push", ["api-change"], 1),
    ],
)
def test_the_label_opens_the_gate(
    name: str,
    labels: list[str],
    code: int,
    started_by: Any,  # noqa: ANN401 - a function
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Only on the pull request that has it; all changes are still shown, and who let them pass."""
    started_by(name, HOME, *labels)
    assert compare("--before=before.yml", "--after=after.yml", LABELLED) == code

    found, shown = report(), capsys.readouterr().out
    assert found["drift"]["counts"]["breaking"] == 1
    assert "column-removed public.t.note" in shown
    assert ("gate open by the label `api-change`: 1 breaking" in shown) is (code == 0)
    assert found["drift"]["override"] == ("" if code else "api-change")


def test_no_label_is_no_override(started_by: Any) -> None:  # noqa: ANN401 - a function
    """Where none is asked for, a pull request without a name for it passes nothing."""
    started_by("pull_request", HOME, "")
    assert compare("--before=before.yml", "--after=after.yml") == 1


def test_a_label_that_was_not_needed_is_not_told(
    started_by: Any,  # noqa: ANN401 - a function
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The gate was open anyway."""
    started_by("pull_request", HOME, "api-change")
    assert compare("--before=after.yml", "--after=after.yml", LABELLED) == 0
    assert "label" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("head", "more", "code"),
    [(FORK, [], 0), (FORK, ["--on-missing-secrets=fail"], 2), (HOME, [], 2)],
)
def test_a_fork_is_skipped_when_its_secrets_are_missing(
    head: object,
    more: list[str],
    code: int,
    started_by: Any,  # noqa: ANN401 - a function
) -> None:
    """A source that is a secret comes as nothing: only a fork is excused."""
    started_by("pull_request", head)
    assert compare("--before=", "--after=after.yml", *more) == code
    assert report()["conclusion"] == ("usage-error" if code else "skipped")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--after=after.yml", "mode drift needs `before`"),
        ("--before=before.yml", "mode drift needs `after`, or `url`"),
        (
            "--before=before.yml --after=after.yml --expected-tables=t",
            "`expected-tables` is for the other modes",
        ),
        (
            "--before=before.yml --after=after.yml --expect-from=database",
            "`expect-from` is for the other modes",
        ),
        (
            "--before=before.yml --mode=verify --url=http://localhost:1 --expected-tables=t",
            "`before` is for `mode: drift`, and this is mode verify",
        ),
        ("--before=nope.yml --after=after.yml", "nope.yml cannot be read"),
        ("--before=before.yml --after=after.yml --fail-on=all", "`all` is not valid"),
    ],
)
def test_bad_input_compares_nothing(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no verdict, and the error names the input."""
    assert compare(*arguments.split()) == 2
    assert message in capsys.readouterr().out
    assert report()["drift"] is None


def test_a_password_in_a_source_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Also not where the database cannot be reached."""
    source = "postgresql://user:marked-secret@127.0.0.1:1/db"
    assert compare("--before=before.yml", f"--after={source}") == 4

    shown = capsys.readouterr()
    assert "marked-secret" not in shown.out + shown.err + Path("report.json").read_text()


def test_the_plan_of_it_is_shown_without_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """`dry-run` opens no file."""
    assert compare("--before=nope.yml", "--after=after.yml", "--dry-run") == 0
    assert "compare nope.yml with after.yml" in capsys.readouterr().out
