"""A gate's comment on a pull request, at a double of GitHub's REST API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.unit.reporters.reports import CLOSED, HOSTILE_TEXT, REPORTS, saying

from pgrst_gate import comments
from pgrst_gate.comments import keep
from pgrst_gate.reporters import markdown

NEEDED = "it needs `pull-requests: write`"
BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass(slots=True)
class GitHub:
    """The comments of pull request 7. `login` is the token's own user, if it may know."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    login: str = ""
    page: int = 100
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of what is answered first, in place of anything else."""
    asked: list[str] = field(default_factory=list)

    @property
    def thread(self) -> str:
        """The address of the comments."""
        environment = {"GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": "o/r"}
        return comments.thread(environment, 7)

    def add(self, body: str | None, user: dict[str, str] | None = BOT) -> None:
        """A comment that is there already."""
        number = len(self.comments)
        url = f"{self.url}/repos/o/r/issues/comments/{number}"
        self.comments.append({"url": url, "user": user, "body": body})

    def bodies(self) -> list[str]:
        """What the comments say."""
        return [comment["body"] for comment in self.comments]


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The double, on a port of this machine."""
    monkeypatch.setattr(comments, "_AGAIN_AFTER_SECONDS", 0.0)
    found = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            found.asked.append(f"{self.command} {self.path}")
            assert self.headers["Authorization"] == "Bearer ghs_x"
            status, headers, content = self.found(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 - names of http.server

        def found(self, body: dict[str, str]) -> tuple[int, dict[str, str], object]:
            if found.refusals:
                return *found.refusals.pop(0), {"message": "no"}
            if self.path == "/user":
                return (200, {}, {"login": found.login}) if found.login else (403, {}, {})
            if self.command == "PATCH":
                found.comments[int(self.path.rpartition("/")[2])] |= body
                return 200, {}, {}
            if self.command == "POST":
                found.add(body["body"])
                return 201, {}, {}
            start = int(self.path.partition("&from=")[2] or 0)
            shown = found.comments[start : start + found.page]
            after = start + found.page
            more = f'<{found.thread}?per_page=100&from={after}>; rel="next"'
            return 200, {"Link": more} if after < len(found.comments) else {}, shown

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_a_gate_has_one_comment_that_says_the_last_run(github: GitHub) -> None:
    """It is made once and updated in place, among as many others as there are."""
    for number in range(5):
        github.add(f"talk {number}", {"login": "person", "type": "User"})
    github.page = 2

    assert keep(github.thread, "ghs_x", "staging", "first") == ""
    assert keep(github.thread, "ghs_x", "staging", "second") == ""

    assert github.bodies()[5:] == ["<!-- pgrst-gate: staging -->\nsecond"]


def test_two_gates_have_a_comment_each(github: GitHub) -> None:
    """One id may be the beginning of another."""
    for gate in ("staging", "staging 2", "staging"):
        assert keep(github.thread, "ghs_x", gate, f"of {gate}") == ""

    assert [body.partition("\n")[2] for body in github.bodies()] == ["of staging", "of staging 2"]


@pytest.mark.parametrize(
    ("login", "user"),
    [
        ("", {"login": "mallory", "type": "User"}),
        ("me", {"login": "other[bot]", "type": "Bot"}),
        ("", None),
    ],
)
def test_what_another_wrote_is_left_alone(
    login: str, user: dict[str, str] | None, github: GitHub
) -> None:
    """Its author could edit what the gate says."""
    github.login = login
    forged = "<!-- pgrst-gate: staging -->\n## Gate open"
    github.add(forged, user)
    github.add(None, BOT)

    assert keep(github.thread, "ghs_x", "staging", "closed") == ""

    assert github.bodies() == [forged, None, "<!-- pgrst-gate: staging -->\nclosed"]


@pytest.mark.parametrize(
    ("refusals", "why"),
    [
        ([(403, {}), (403, {})], f"GitHub answered 403 to this token; {NEEDED}"),
        ([(403, {}), (404, {})], f"GitHub answered 404 to this token; {NEEDED}"),
        ([(403, {}), (403, {"Retry-After": "60"})], "GitHub answered 403: too many requests"),
        ([(403, {}), (503, {}), (503, {})], "GitHub answered 503 to this token"),
        ([(403, {}), (503, {})], ""),
    ],
)
def test_why_there_is_no_comment_is_told(
    refusals: list[tuple[int, dict[str, str]]], why: str, github: GitHub
) -> None:
    """A server that is overloaded gets one more chance; nothing raises."""
    github.refusals = refusals

    assert keep(github.thread, "ghs_x", "staging", "x") == why
    assert len(github.comments) == (not why)


def test_without_a_token_nothing_is_asked(github: GitHub) -> None:
    """The reason names the input."""
    assert keep(github.thread, "", "staging", "x") == "`github-token` is missing"
    assert github.asked == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/repos/o/r", "nonsense"])
def test_a_server_that_is_not_there_is_told(address: str) -> None:
    """By the name of the error alone: an address may hold more than should be shown."""
    assert keep(address, "ghs_x", "staging", "x").startswith("GitHub did not answer as it should")


@pytest.mark.parametrize("name", REPORTS)
def test_a_comment_fits(name: str) -> None:
    """GitHub takes 65,536 characters, and the marker is to fit as well."""
    text = markdown.comment(REPORTS[name], "staging", "https://x/docs", "https://x/run")

    assert len(text) < 65_000
    assert "staging" in text
    assert '<a href="https://x/run">' in text


@pytest.mark.parametrize("text", ["x" * 100_000, "\n".join(["y" * 600] * 100), HOSTILE_TEXT])
def test_a_comment_of_hostile_texts_fits(text: str) -> None:
    """And begins with the verdict, whatever a server said."""
    said = markdown.comment(saying(text), "staging", "", "")

    assert len(said) < 65_000
    assert said.startswith("## ❌ Gate closed\n")


def test_a_comment_says_what_to_do() -> None:
    """The reader of a pull request sees verdict, items and remedies, and where the rest is."""
    text = markdown.comment(CLOSED, "staging", "", "https://x/run")

    assert "docker kill --signal SIGUSR1 api" in text
    assert "<code>column scans.last_activity_at</code>" in text
    assert "mermaid" not in text
