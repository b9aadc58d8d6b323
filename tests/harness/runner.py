"""A container action, run as GitHub's runner runs it, on any machine with a Docker engine.

The same as in actions/runner 2.336 (src/Runner.Worker/Container/DockerCommandManager.cs and
Handlers/ContainerActionHandler.cs): the arguments of `docker run`, the folders it mounts, the
environment with host paths translated, commands in the output, masks, limits on annotations, the
files for outputs and summary, read after a failed step too, and the signals of a cancel. What the
action does not use is refused: `runs.args`, entrypoints in action.yml, `pre` and `post`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from tests.harness.masks import Masks
from tests.harness.step_log import Annotation, StepLog
from tests.runner_protocol import Command, FileCommandError, read_pairs

SIGINT_SECONDS = 7.5
SIGTERM_SECONDS = 2.5
SUMMARY_BYTES = 1024 * 1024
FILE_COMMANDS = ("add_path_", "save_state_", "set_env_", "set_output_", "step_summary_")

GITHUB = {
    "action": "__self",
    "actor": "octocat",
    "api_url": "https://api.github.com",
    "event_name": "push",
    "job": "gate",
    "ref": "refs/heads/main",
    "ref_name": "main",
    "ref_type": "branch",
    "repository": "octocat/example",
    "repository_owner": "octocat",
    "run_attempt": "1",
    "run_id": "1",
    "run_number": "1",
    "server_url": "https://github.com",
    "sha": "0" * 40,
    "workflow": "deploy",
}


class NotCovered(Exception):
    """action.yml, or the step, asks for what this harness does not do."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the runner knows of a step that is over."""

    exit_code: int
    conclusion: Literal["success", "failure", "cancelled"]
    log: tuple[str, ...]
    commands: tuple[Command, ...]
    """Every line that was taken as a workflow command."""
    annotations: tuple[Annotation, ...]
    dropped_annotations: int
    outputs: Mapping[str, str]
    summary: str
    left_running: bool
    """The container outlived the step; it has been removed since."""
    seconds: float
    cancel_seconds: float | None
    """From the cancel to the end of the step."""

    @property
    def text(self) -> str:
        """The log as one text."""
        return "\n".join(self.log)

    def messages(self, level: str) -> list[str]:
        """The annotations of one level: `error`, `warning` or `notice`."""
        return [shown.message for shown in self.annotations if shown.level == level]


class Job:
    """What outlives the steps of a job: its folders and its masks. A context manager."""

    def __init__(self, *, label: str, network: str | None = None) -> None:
        """Make the folders.

        `label` marks the containers, as `key=value`. `network` is that of a job with services;
        without one its containers are on the default bridge.
        """
        self.label = label
        self.network = network
        self.masks = Masks()
        self.folder = Path(tempfile.mkdtemp(prefix="pgrst-gate-job-"))
        self.workspace = self.folder / "workspace"
        temp = self.folder / "temp"
        self.mounts = {
            temp: "/github/runner_temp",
            temp / "_github_home": "/github/home",
            temp / "_github_workflow": "/github/workflow",
            temp / "_runner_file_commands": "/github/file_commands",
            self.workspace: "/github/workspace",
        }
        for folder in self.mounts:
            folder.mkdir()
        (temp / "_github_workflow/event.json").write_text("{}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What the container wrote belongs to root: a plain user leaves it to the system.
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(
        self,
        action: Path,
        *,
        image: str,
        inputs: Mapping[str, str],
        cancel_on: str | None = None,
    ) -> Step:
        """Run a step that uses the action in a folder, in an image, to its end.

        `inputs` are the step's `with:`. The step is cancelled when a line of its log has
        `cancel_on` in it. Raises `NotCovered`.
        """
        runs, declared = _load(action)
        suffix = secrets.token_hex(8)
        environment = self._environment(runs, _given(declared, inputs), suffix)
        name = f"{re.sub(r'[^a-z0-9]', '', image)}_{secrets.token_hex(3)}"
        cancel = threading.Event()

        def seen(line: str) -> None:
            if cancel_on is not None and cancel_on in line:
                cancel.set()

        log = StepLog(self.masks, seen)
        start = time.monotonic()
        exit_code, cancelled_at = self._execute(name, image, environment, log, cancel)
        end = time.monotonic()
        left_running = _remove(name)
        outputs = self._outputs(log, suffix)
        summary = self._summary(log, suffix)
        failed = exit_code != 0 or log.failed
        return Step(
            exit_code=exit_code,
            conclusion="cancelled" if cancelled_at else "failure" if failed else "success",
            log=tuple(log.lines),
            commands=tuple(log.commands),
            annotations=tuple(log.annotations),
            dropped_annotations=log.dropped_annotations,
            outputs=outputs,
            summary=summary,
            left_running=left_running,
            seconds=end - start,
            cancel_seconds=end - cancelled_at if cancelled_at else None,
        )

    def _environment(
        self, runs: Mapping[str, Any], inputs: Mapping[str, str], suffix: str
    ) -> dict[str, str]:
        """The variables of a step; later ones win, and `runs.env` only fills what is free."""
        temp = self.folder / "temp"
        files = {name: temp / "_runner_file_commands" / f"{name}{suffix}" for name in FILE_COMMANDS}
        for file in files.values():
            file.touch()
        github = GITHUB | {
            "env": str(files["set_env_"]),
            "event_path": str(temp / "_github_workflow/event.json"),
            "output": str(files["set_output_"]),
            "path": str(files["add_path_"]),
            "state": str(files["save_state_"]),
            "step_summary": str(files["step_summary_"]),
            "workspace": str(self.workspace),
        }
        environment = {
            **runs.get("env", {}),
            **{f"INPUT_{name.replace(' ', '_').upper()}": text for name, text in inputs.items()},
            "HOME": str(temp / "_github_home"),
            **{f"GITHUB_{name.upper()}": text for name, text in github.items()},
            "RUNNER_ARCH": "X64",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(temp),
            "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
            "RUNNER_WORKSPACE": str(self.workspace.parent),
        }
        return {name: self._to_container(text) for name, text in environment.items()}

    def _to_container(self, value: str) -> str:
        """Translate a value that is a mounted folder of the host, or a path in one."""
        for folder, inside in reversed(self.mounts.items()):
            if value == str(folder) or value.startswith(f"{folder}/"):
                return inside + value.removeprefix(str(folder))
        return value

    def _arguments(self, name: str, image: str, environment: Mapping[str, str]) -> list[str]:
        arguments = ["run", "--name", name, "--label", self.label]
        arguments += ["--workdir", "/github/workspace", "--rm"]
        for variable in environment:
            arguments += ["-e", variable]  # docker takes the value from its own environment
        arguments += ["-e", "GITHUB_ACTIONS=true", "-e", "CI=true"]
        if self.network:
            arguments += ["--network", self.network]
        arguments += ["-v", "/var/run/docker.sock:/var/run/docker.sock"]
        for folder, inside in self.mounts.items():
            arguments += ["-v", f"{folder}:{inside}"]
        return [*arguments, image]

    def _execute(
        self,
        name: str,
        image: str,
        environment: Mapping[str, str],
        log: StepLog,
        cancel: threading.Event,
    ) -> tuple[int, float | None]:
        """Run the container; gives its exit code, and the moment it was cancelled if it was."""
        process = subprocess.Popen(
            ["docker", *self._arguments(name, image, environment)],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C meant for the tests is not a cancel
        )
        readers = [
            threading.Thread(target=log.read, args=(stream,), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for reader in readers:
            reader.start()
        try:
            cancelled_at = _wait(process, cancel)
        finally:
            process.kill()
            exit_code = process.wait()
            for reader in readers:
                reader.join(5)
        return exit_code, cancelled_at

    def _file(self, name: str, suffix: str) -> bytes:
        return (self.folder / "temp/_runner_file_commands" / f"{name}{suffix}").read_bytes()

    def _outputs(self, log: StepLog, suffix: str) -> dict[str, str]:
        outputs = dict(log.outputs)
        try:
            outputs.update(read_pairs(self._file("set_output_", suffix).decode()))
        except FileCommandError as error:
            log.fail(f"Unable to process file command 'output' successfully. {error}")
        return outputs

    def _summary(self, log: StepLog, suffix: str) -> str:
        summary = self._file("step_summary_", suffix)
        if len(summary) > SUMMARY_BYTES:
            log.annotate("error", f"$GITHUB_STEP_SUMMARY upload aborted, got {len(summary)} bytes")
            return ""
        return "\n".join(map(self.masks.hide, summary.decode().split("\n")))


def _load(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """`runs` and `inputs` of an action.yml; every scalar stays the text that was written."""
    action = yaml.load((folder / "action.yml").read_text(), Loader=yaml.BaseLoader)  # noqa: S506 -- makes text only
    runs = action["runs"]
    beyond = runs.keys() - {"using", "image", "env"}
    if runs["using"] != "docker" or beyond:
        raise NotCovered(f"{folder}/action.yml: runs.using is {runs['using']}, with {beyond}")
    return runs, action.get("inputs", {})


def _given(declared: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
    """The inputs with the defaults of those that were not given."""
    if unknown := inputs.keys() - declared.keys():
        raise NotCovered(f"action.yml declares no input {', '.join(sorted(unknown))}")
    defaults = {name: (about or {}).get("default", "") for name, about in declared.items()}
    for name, text in defaults.items():
        if "${{" in text and name not in inputs:
            raise NotCovered(f"the default of input {name} is an expression: {text}")
    return {**defaults, **inputs}


def _wait(process: subprocess.Popen[bytes], cancel: threading.Event) -> float | None:
    """Wait for the end of the docker client, and cancel it on the way if asked to.

    Gives the moment of the cancel. As in actions/runner src/Runner.Sdk/ProcessInvoker.cs.
    """
    while process.poll() is None:
        if cancel.wait(0.02):
            cancelled_at = time.monotonic()
            for number, seconds in (
                (signal.SIGINT, SIGINT_SECONDS),
                (signal.SIGTERM, SIGTERM_SECONDS),
            ):
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
                    return cancelled_at
            return cancelled_at
    return None


def _remove(name: str) -> bool:
    """Remove the step's container, if there still is one; says whether it was running."""
    listed = ["docker", "ps", "--quiet", "--filter", f"name=^/?{name}$"]
    running = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
    return bool(running)
