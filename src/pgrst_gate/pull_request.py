"""The pull request that started a workflow, read from the runner's event file.

A workflow that a pull request from a fork starts is given no secrets, and one that Dependabot
started is treated as if it came from a fork (GitHub's documentation on events that trigger
workflows, `pull_request`). `pull_request_target` runs in the home repository, with its secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

DEPENDABOT: Final = "dependabot[bot]"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What matters of it to a gate."""

    gets_no_secrets: str
    """Why it is given none, as in `this pull request is from a fork`; empty when it is."""
    labels: frozenset[str] = frozenset()
    number: int = 0


def started_by(environment: Mapping[str, str]) -> PullRequest | None:
    """The pull request that started this workflow; None where something else did.

    An event file that is not there or does not read is that of no pull request.
    """
    name = environment.get("GITHUB_EVENT_NAME")
    if name not in {"pull_request", "pull_request_target"}:
        return None
    try:
        event = json.loads(Path(environment.get("GITHUB_EVENT_PATH", "")).read_bytes())
        found = _of(event["pull_request"], environment.get("GITHUB_ACTOR", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if name == "pull_request" else replace(found, gets_no_secrets="")


def _of(told: Mapping[str, Any], actor: str) -> PullRequest:
    head, base = told["head"]["repo"], told["base"]["repo"]["full_name"]
    why = ""
    if head is None or head["full_name"] != base:  # no head: the fork was deleted meanwhile
        why = "this pull request is from a fork, which is given no secrets"
    elif actor == DEPENDABOT:
        why = "Dependabot started this workflow, which is then given no secrets"
    labels = frozenset(label["name"] for label in told.get("labels", ()))
    return PullRequest(why, labels, int(told.get("number", 0)))
