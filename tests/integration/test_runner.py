"""The harness gives a step what GitHub's runner gives it, and takes from it what the runner takes.

The steps are small Python files, so that what is tested is the harness and not the gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from tests.harness import runner
from tests.harness.runner import Job, NotCovered, Step

if TYPE_CHECKING:
    from tests.harness.engine import Engine
    from tests.harness.images import Images

pytestmark = pytest.mark.docker

ACTION = """\
name: try
description: Runs step.py
inputs:
  admin-url:
    description: a dash in a name
  timeout:
    description: has a default
    default: "120"
runs:
  using: docker
  image: Dockerfile
"""


@pytest.fixture
def job(docker_engine: Engine) -> Iterator[Job]:
    """A job on the default bridge."""
    with Job(label=docker_engine.label) as job:
        yield job


@pytest.fixture
def action(tmp_path: Path) -> Path:
    """A folder with an action."""
    (tmp_path / "action.yml").write_text(ACTION)
    return tmp_path


def run(job: Job, action: Path, images: Images, code: str, cancel_on: str | None = None) -> Step:
    """Run a step that does what the code says."""
    (job.workspace / "step.py").write_text(dedent(code))
    inputs = {"admin-url": "http://api:3001"}
    return job.run(action, image=images.step, inputs=inputs, cancel_on=cancel_on)


def test_a_step_gets_inputs_and_translated_paths(job: Job, action: Path, images: Images) -> None:
    """Inputs keep their dashes and have their defaults; paths are those inside the container."""
    step = run(job, action, images, "import json, os; print(json.dumps(dict(os.environ)))")
    environment = json.loads(step.text)

    assert environment["INPUT_ADMIN-URL"] == "http://api:3001"
    assert environment["INPUT_TIMEOUT"] == "120"
    assert environment["HOME"] == "/github/home"
    assert environment["GITHUB_WORKSPACE"] == "/github/workspace"
    assert environment["GITHUB_OUTPUT"].startswith("/github/file_commands/set_output_")
    assert environment["GITHUB_ACTIONS"] == environment["CI"] == "true"
    assert (step.conclusion, step.exit_code, step.left_running) == ("success", 0, False)


def test_outputs_and_summary_count_after_a_failure(job: Job, action: Path, images: Images) -> None:
    """The runner reads a step's files whatever its exit code; secrets in the summary are hidden."""
    code = """
        import os
        print("::add-mask::hunter2")
        with open(os.environ["GITHUB_OUTPUT"], "a") as output:
            output.write("verdict=closed\\nreport<<END\\na\\nb\\nEND\\n")
        with open(os.environ["GITHUB_STEP_SUMMARY"], "a") as summary:
            summary.write("# Closed\\nhunter2\\n")
        raise SystemExit(7)
    """

    step = run(job, action, images, code)

    assert (step.conclusion, step.exit_code) == ("failure", 7)
    assert step.outputs == {"verdict": "closed", "report": "a\nb"}
    assert step.summary == "# Closed\n***\n"


def test_a_bad_output_file_fails_the_step(job: Job, action: Path, images: Images) -> None:
    """A line that is no pair fails the step, and the pairs before it count."""
    code = """
        import os
        with open(os.environ["GITHUB_OUTPUT"], "a") as output:
            output.write("served=3\\nno pair\\n")
    """

    step = run(job, action, images, code)

    assert (step.conclusion, step.exit_code) == ("failure", 0)
    assert step.outputs == {"served": "3"}
    assert "no pair" in step.messages("error")[0]


def test_a_summary_over_the_limit_is_not_shown(job: Job, action: Path, images: Images) -> None:
    """Over 1 MiB nothing is shown but an error, and the step's result stays."""
    code = """
        import os
        with open(os.environ["GITHUB_STEP_SUMMARY"], "a") as summary:
            summary.write("x" * (1024 * 1024 + 1))
    """

    step = run(job, action, images, code)

    assert (step.conclusion, step.summary) == ("success", "")
    assert "upload aborted" in step.messages("error")[0]


def test_a_cancel_interrupts_the_step(job: Job, action: Path, images: Images) -> None:
    """A cancel is a SIGINT to the container's process, which may still say and write things."""
    code = """
        import signal, sys
        signal.signal(signal.SIGINT, lambda *_: sys.exit("interrupted"))
        print("waiting")
        signal.pause()
    """

    step = run(job, action, images, code, cancel_on="waiting")

    assert (step.conclusion, step.left_running) == ("cancelled", False)
    assert "interrupted" in step.log
    assert step.cancel_seconds is not None
    assert step.cancel_seconds < 2


def test_a_container_that_outlives_its_step_is_told(
    job: Job, action: Path, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ignores both signals goes on after the step: the runner ends only docker's client."""
    monkeypatch.setattr(runner, "SIGINT_SECONDS", 0.2)
    monkeypatch.setattr(runner, "SIGTERM_SECONDS", 0.2)
    code = """
        import signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("waiting")
        while True:
            signal.pause()
    """

    step = run(job, action, images, code, cancel_on="waiting")

    assert (step.conclusion, step.left_running) == ("cancelled", True)


@pytest.mark.parametrize(
    ("action_yml", "inputs"),
    [
        (ACTION + "  args: [--help]\n", {}),
        (ACTION.replace("using: docker", "using: composite"), {}),
        (ACTION.replace('"120"', "${{ github.token }}"), {}),
        (ACTION, {"admin_url": "http://api:3001"}),
    ],
    ids=["args", "composite", "expression", "unknown input"],
)
def test_what_the_harness_does_not_do_is_refused(
    job: Job, action: Path, action_yml: str, inputs: dict[str, str]
) -> None:
    """Nothing is passed over in silence that the runner would do."""
    (action / "action.yml").write_text(action_yml)

    with pytest.raises(NotCovered):
        job.run(action, image="none", inputs=inputs)
