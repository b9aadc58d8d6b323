"""What the runner makes of what a step says to it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.harness.masks import Masks
from tests.harness.step_log import StepLog
from tests.runner_protocol import read_pairs, split_lines
from tests.unit import hostile

from pgrst_gate.redaction import Secrets
from pgrst_gate.workflow import ANNOTATIONS_PER_LEVEL, SUMMARY_BYTES, Annotation, Workflow

Heard = Callable[[], StepLog]


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """A step of a workflow, with its files."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        (tmp_path / name).touch()
        monkeypatch.setenv(name, str(tmp_path / name))
    return Workflow()


@pytest.fixture
def heard(capsys: pytest.CaptureFixture[str]) -> Heard:
    """What the runner took from the standard output since it was asked last."""

    def listen() -> StepLog:
        log = StepLog(Masks(), on_line=lambda _: None)
        for line in split_lines(capsys.readouterr().out):
            log.take(line)
        return log

    return listen


def test_outside_of_a_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a laptop there is no workflow, and nothing is imported for one."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delitem(sys.modules, "actions_toolkit.core", raising=False)

    assert Workflow.current() is None
    assert "actions_toolkit.core" not in sys.modules


def test_current(workflow: Workflow) -> None:
    """In a workflow there is one."""
    assert isinstance(Workflow.current(), type(workflow))


def test_masks(workflow: Workflow, heard: Heard) -> None:
    """Secrets are masked in the log; what is too short to be one would only ruin it."""
    workflow.mask(Secrets(["abc", " ", "", "hunter22 50% off"]))

    assert [(one.name, one.data) for one in heard().commands] == [("add-mask", "hunter22 50% off")]


def test_annotations_arrive_as_they_are(workflow: Workflow, heard: Heard) -> None:
    """Lines, per cents, colons and commas of a message and its title reach the page unchanged."""
    workflow.annotate([Annotation("warning", "50%: a,b", "one\r\ntwo %0A ::error::x")])

    (shown,) = heard().annotations
    assert shown.level == "warning"
    assert shown.message == "one\r\ntwo %0A ::error::x"
    assert shown.properties == {"title": "50%: a,b"}


def test_annotations_at_a_line(workflow: Workflow, heard: Heard) -> None:
    """A file and a line reach the page, whatever characters the path has."""
    workflow.annotate([Annotation("error", "a", "b", "m/1,2: 50%.sql", 7)])

    (shown,) = heard().annotations
    assert shown.properties == {"title": "a", "file": "m/1,2: 50%.sql", "line": "7"}


def test_annotations_that_the_runner_would_drop(workflow: Workflow, heard: Heard) -> None:
    """Of too many annotations of a level the last one shown says how many more there are."""
    errors = [Annotation("error", "", f"number {number}") for number in range(25)]

    workflow.annotate([*errors, Annotation("notice", "", "the only one")])

    log = heard()
    messages = [one.message for one in log.annotations if one.level == "error"]
    assert len(messages) == ANNOTATIONS_PER_LEVEL
    assert messages[-1].startswith("number 9\n(15 more")
    assert [one.message for one in log.annotations if one.level == "notice"] == ["the only one"]
    assert log.dropped_annotations == 0


def test_annotations_of_several_calls(workflow: Workflow, heard: Heard) -> None:
    """The runner's limit is that of the step, not that of a call."""
    for number in range(25):
        workflow.annotate([Annotation("error", "", f"number {number}")])

    log = heard()
    assert len(log.annotations) == ANNOTATIONS_PER_LEVEL
    assert log.dropped_annotations == 0


def test_long_message(workflow: Workflow, heard: Heard) -> None:
    """A message that is cut ends with dots, and still says how many more there are."""
    workflow.annotate([Annotation("error", "", "x" * 5000)] * 11)

    messages = [one.message for one in heard().annotations]
    assert messages[0].endswith("x...")
    assert messages[-1].endswith("(1 more of this level: see the log and the job summary)")


def test_commands_arrive_at_once(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask or an annotation does not wait in a buffer while a child process prints past it."""
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="utf-8"))

    workflow.mask(Secrets(["hunter22"]))

    assert pipe.getvalue() == b"::add-mask::hunter22\n"


def test_stopped_commands(workflow: Workflow, heard: Heard) -> None:
    """Once commands are stopped, nobody's print is one, before and after our own."""
    workflow.stop_commands()
    print("::error::from the server")  # noqa: T201  # this is what must do no harm
    workflow.annotate([Annotation("notice", "", "ours")])
    print("##[error]from the server")  # noqa: T201  # as above

    log = heard()
    assert [(one.level, one.message) for one in log.annotations] == [("notice", "ours")]
    assert "::error::from the server" in log.lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=hostile.texts)
def test_hostile_text(text: str, workflow: Workflow, heard: Heard) -> None:
    """No text in an annotation or in the log becomes a command of its own."""
    step = type(workflow)()  # a new one for each text: the annotations of a step are limited
    heard()
    step.annotate([Annotation("error", text, text)])
    step.stop_commands()
    sys.stdout.write(text.encode("utf-8", "replace").decode() + "\n")
    step.annotate([Annotation("warning", text, text)])

    names = [one.name for one in heard().commands]

    assert names == ["error", "stop-commands", "warning", "stop-commands"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=hostile.texts)
def test_outputs(text: str, workflow: Workflow) -> None:
    """An output has the value it was given, whatever that is, and sets no other."""
    file = Path(os.environ["GITHUB_OUTPUT"])
    file.write_text("", "utf-8")

    workflow.output("first", text)
    workflow.output("second", "value")

    written = dict(read_pairs(file.read_bytes().decode()))
    assert written == {"first": text.encode("utf-8", "replace").decode(), "second": "value"}


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
@pytest.mark.parametrize("value", ["", "/nowhere/at/all"])
def test_missing_files(
    variable: str, value: str, workflow: Workflow, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the runner's file nothing is printed instead, and the error names the variable."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(FileNotFoundError, match=variable):
        workflow.output("verdict", "open") if variable == "GITHUB_OUTPUT" else workflow.summary("x")
    assert heard().commands == []


def test_summary(workflow: Workflow) -> None:
    """The summary is added to what is there."""
    workflow.summary("# one\n")
    workflow.summary("# two\n")

    assert Path(os.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8") == "# one\n# two\n"


def test_summary_over_the_limit(workflow: Workflow) -> None:
    """A summary that GitHub would drop is cut between two lines, and says so at its end."""
    file = Path(os.environ["GITHUB_STEP_SUMMARY"])
    file.write_text("kept\n", "utf-8")

    workflow.summary("ä line\n" * 200_000)

    written = file.read_text("utf-8")
    assert file.stat().st_size <= SUMMARY_BYTES
    assert written.startswith("kept\nä line\n")
    assert written.endswith(
        "ä line\n\n**The summary was cut here: GitHub shows 1 MiB of a step at most.**\n"
    )
