"""A workflow that is given no secrets is told by the event that started it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pgrst_gate.pull_request import PullRequest, started_by

HOME = {"full_name": "acme/app"}
FORK = {"full_name": "stranger/app"}


def event(head: object, *labels: str) -> dict[str, Any]:
    """What GitHub writes about a pull request, as far as it is read."""
    about = {"head": {"repo": head}, "base": {"repo": HOME}}
    return {"pull_request": about | {"labels": [{"name": label} for label in labels]}}


@pytest.mark.parametrize(
    ("name", "told", "actor", "found"),
    [
        ("pull_request", event(HOME), "me", PullRequest("")),
        (
            "pull_request",
            event(HOME, "api-change"),
            "me",
            PullRequest("", frozenset({"api-change"})),
        ),
        (
            "pull_request",
            event(FORK),
            "stranger",
            PullRequest("this pull request is from a fork, which is given no secrets"),
        ),
        (
            "pull_request",
            event(None),
            "stranger",
            PullRequest("this pull request is from a fork, which is given no secrets"),
        ),
        (
            "pull_request",
            event(HOME),
            "dependabot[bot]",
            PullRequest("Dependabot started this workflow, which is then given no secrets"),
        ),
        ("pull_request_target", event(FORK, "ok"), "stranger", PullRequest("", frozenset({"ok"}))),
        ("push", {"ref": "refs/heads/main"}, "me", None),
        ("pull_request", {}, "me", None),
        ("pull_request", [], "me", None),
    ],
)
def test_the_event_tells(
    tmp_path: Path, name: str, told: object, actor: str, found: PullRequest | None
) -> None:
    """A fork's and Dependabot's get none; whoever else lacks them has forgotten to set them."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(told))

    assert (
        started_by(
            {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), "GITHUB_ACTOR": actor}
        )
        == found
    )


@pytest.mark.parametrize("path", ["", "/nowhere/event.json"])
def test_no_event_is_no_pull_request(path: str) -> None:
    """Outside of a workflow nothing is excused."""
    assert started_by({"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path}) is None
    assert started_by({}) is None
