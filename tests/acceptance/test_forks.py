"""A pull request from a fork is given no secrets: what cannot be asked for that is skipped."""

import json
from pathlib import Path

import pytest
from tests.acceptance.running import gate

from pgrst_sandbox.faults.gateway import Response, serving

COLUMNS = "scans: status"


def starts(monkeypatch: pytest.MonkeyPatch, home: Path, repository: str) -> None:
    """Have it look as if a pull request from this repository had started the workflow."""
    repositories = {
        "head": {"repo": {"full_name": repository}},
        "base": {"repo": {"full_name": "acme/app"}},
    }
    (home / "event.json").write_text(json.dumps({"pull_request": repositories}))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(home / "event.json"))


@pytest.mark.parametrize("missing", ["url", "database-url"])
@pytest.mark.parametrize(
    ("repository", "policy", "ended"),
    [
        ("stranger/app", "", (0, "skipped")),
        ("stranger/app", "fail", (2, "usage-error")),
        ("acme/app", "", (2, "usage-error")),
    ],
)
def test_a_missing_input_is_excused_only_for_forks(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    missing: str,
    repository: str,
    policy: str,
    ended: tuple[int, str],
) -> None:
    """In the home repository it fails loudly, and says that a secret may not be set."""
    starts(monkeypatch, tmp_path, repository)
    given = {"url": ""} if missing == "url" else {"url": "http://127.0.0.1:1", "runtime": "notify"}

    report = gate(expected_columns=COLUMNS, on_missing_secrets=policy, **given)

    assert (report.exit_code, report.conclusion.value) == ended
    assert missing in report.sentence
    assert "nothing was sent" in report.sentence
    if ended[0]:
        assert report.problem is not None
        assert "a secret that is not set" in report.problem.hint


def test_something_else_that_is_wrong_is_not_excused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A mistake in the workflow file shows on forks, too."""
    starts(monkeypatch, tmp_path, "stranger/app")

    report = gate("", expected_columns=COLUMNS, timeout="soon")

    assert (report.exit_code, report.conclusion.value) == (2, "usage-error")


@pytest.mark.parametrize(
    ("repository", "given", "ended"),
    [
        ("stranger/app", {}, (0, "skipped")),
        ("stranger/app", {"on_missing_secrets": "fail"}, (4, "not-observed")),
        ("stranger/app", {"token": "not.a.token"}, (4, "not-observed")),
        ("acme/app", {}, (4, "not-observed")),
    ],
)
def test_a_refusal_for_want_of_a_key_is_excused_only_for_forks(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    repository: str,
    given: dict[str, str],
    ended: tuple[int, str],
) -> None:
    """A key that was given and is refused is wrong wherever the request comes from."""
    starts(monkeypatch, tmp_path, repository)

    with serving(lambda _: Response(401)) as url:
        report = gate(url, expected_columns=COLUMNS, **given)

    assert (report.exit_code, report.conclusion.value) == ended
