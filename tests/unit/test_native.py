"""The step on the runner itself, up to the moment it becomes the gate: with a Python that plays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]

PYTHON = """\
#!/bin/sh
case "$*" in
    *version_info*) exit ${TOO_OLD-0} ;;
    *hashlib*) echo digest ;;
    -V) echo Python 3.13.0 ;;
    "-m venv"*) [ -z "${NO_VENV-}" ] && mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *" pip "*) [ -z "${OFFLINE-}" ] && : >"$RUNNER_TEMP/installed" ;;
    -I*) printf '%s\\n' "became the gate" "$$" "$*" "$STEP_INPUTS" ;;
esac
"""


@dataclass(frozen=True)
class Runner:
    """A job's folder, and a PATH on which little more than a Python is found."""

    temp: Path

    def step(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the step of native/action.yml as the runner does: `sh -e` on a file."""
        (step,) = yaml.safe_load((ROOT / "native/action.yml").read_text())["runs"]["steps"]
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        (self.temp / "output").write_text("")
        with subprocess.Popen(
            ["/bin/sh", "-e", script],
            env={
                "PATH": str(self.temp / "bin"),
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_ACTION_PATH": str(ROOT / "native"),
                "GITHUB_OUTPUT": str(self.temp / "output"),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            stdout, stderr = process.communicate(timeout=30)
        lines = [line for line in stdout.splitlines() if line != str(process.pid)]
        assert stderr == ""
        told = "\n".join(["pid kept", *lines] if str(process.pid) in stdout else lines)
        return subprocess.CompletedProcess(process.args, process.returncode, told)

    @property
    def outputs(self) -> list[str]:
        return (self.temp / "output").read_text().splitlines()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner with Python 3.13."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cp", "dirname", "mkdir", "rm", "sh"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    (programs / "python3").write_text(PYTHON)
    (programs / "python3").chmod(0o755)
    return Runner(tmp_path)


def test_the_step_becomes_the_gate(runner: Runner) -> None:
    """In the same process, which is the one the runner signals, and apart from the job's Python."""
    given = json.dumps({"url": "http://x", "expected-tables": "$(id)\n`id` \"'\\"})

    step = runner.step(STEP_INPUTS=given)

    assert step.returncode == 0
    assert step.stdout.splitlines()[-2:] == [f"-I -u {ROOT}/entrypoint.py", given]
    assert "pid kept" in step.stdout


def test_the_steps_of_a_job_share_what_was_set_up(runner: Runner) -> None:
    """The second one installs nothing."""
    runner.step(STEP_INPUTS="{}")
    (runner.temp / "installed").unlink()

    step = runner.step(STEP_INPUTS="{}")

    assert "became the gate" in step.stdout
    assert "Setting up" not in step.stdout
    assert not (runner.temp / "installed").exists()


@pytest.mark.parametrize(
    ("lack", "told"),
    [
        ("TOO_OLD", "needs Python 3.11 or later, and this runner has none on its PATH"),
        ("NO_VENV", "python3 cannot make a virtual environment: install its venv module"),
        ("OFFLINE", "The locked dependencies could not be installed"),
    ],
)
def test_what_the_runner_lacks_is_an_error_of_the_step(
    runner: Runner, lack: str, told: str
) -> None:
    """With what to do, and outputs for later steps; what was begun is not taken for whole."""
    step = runner.step(STEP_INPUTS="{}", **{lack: "1"})

    assert step.returncode == 3
    assert "::error title=pgrst-gate::" in step.stdout
    assert told in step.stdout
    assert "became the gate" not in step.stdout
    assert runner.outputs == ["verdict=not-refreshed", "refreshed-by=none"]
    assert "became the gate" in runner.step(STEP_INPUTS="{}").stdout
    assert (runner.temp / "installed").exists()


def test_a_shell_syntax_check_finds_nothing() -> None:
    """By the strictest shell at hand, for paths that no test takes."""
    checked = subprocess.run(
        ["/bin/sh", "-n", ROOT / "native/gate.sh"], env=dict(os.environ), check=False
    )

    assert checked.returncode == 0
