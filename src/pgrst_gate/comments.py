"""A gate's one comment on a pull request, by GitHub's REST API: made once, then updated in place.

Facts are those of its documentation on issue comments, which are a pull request's too. The token of
a workflow may not ask who it is (`GET /user` is 403): its comments are a bot's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

ANSWER_SECONDS: Final = 10.0
_AGAIN_AFTER_SECONDS: Final = 1.0
_PAGES: Final = 30
"""Of a hundred comments each: who writes more than that gets a second comment."""
_OVERLOADED: Final = frozenset({429, 500, 502, 503, 504})
_NOT_GITHUB: Final = (ValueError, KeyError, TypeError, AttributeError)
"""What reading an answer of another form raises."""


def thread(environment: Mapping[str, str], number: int) -> str:
    """The address of a pull request's comments."""
    api = environment.get("GITHUB_API_URL") or "https://api.github.com"
    return f"{api}/repos/{environment.get('GITHUB_REPOSITORY', '')}/issues/{number}/comments"


def run(environment: Mapping[str, str]) -> str:
    """The address of this workflow run; empty outside of one."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (environment.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{number}" if number else ""


def keep(comments: str, token: str, gate: str, body: str) -> str:
    """Have this gate's comment say this. ``comments`` is the address of the pull request's.

    Gives why that was not possible, as a clause; empty when it was done. Never raises: a comment is
    a courtesy, and the verdict is told elsewhere.
    """
    if not token:
        return "`github-token` is missing"
    marked = f"<!-- pgrst-gate: {gate} -->\n{body}"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    try:
        with httpx.Client(headers=headers, timeout=ANSWER_SECONDS) as client:
            found = _found(client, comments, marked.partition("\n")[0])
            if found:
                _ask(client, "PATCH", found, {"body": marked})
            else:
                _ask(client, "POST", comments, {"body": marked})
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS or "retry-after" in error.response.headers:
            return f"GitHub answered {status}: too many requests"
        needed = "; it needs `pull-requests: write`" if status in {401, 403, 404} else ""
        return f"GitHub answered {status} to this token{needed}"
    except (httpx.HTTPError, httpx.InvalidURL, *_NOT_GITHUB) as error:
        return f"GitHub did not answer as it should ({type(error).__name__})"
    return ""


def _found(client: httpx.Client, comments: str, marker: str) -> str:
    """The address of this gate's comment; empty if there is none.

    A marker that somebody else wrote counts for nothing: its author could edit what we wrote.
    """
    try:
        login = _ask(client, "GET", comments.partition("/repos/")[0] + "/user").json()["login"]
    except httpx.HTTPStatusError:
        login = ""
    for comment in _all(client, comments):
        author = comment["user"] or {}  # None is a user that was deleted
        own = author.get("login") == login if login else author.get("type") == "Bot"
        if own and str(comment["body"]).startswith(marker):
            return str(comment["url"])
    return ""


def _all(client: httpx.Client, comments: str) -> Iterator[dict[str, Any]]:
    url = f"{comments}?per_page=100"
    for _ in range(_PAGES):
        answer = _ask(client, "GET", url)
        yield from answer.json()
        if "next" not in answer.links:
            return
        url = answer.links["next"]["url"]


def _ask(
    client: httpx.Client, method: str, url: str, body: dict[str, str] | None = None
) -> httpx.Response:
    """The answer; a server that is overloaded is asked once more. Raises httpx's errors."""
    answer = client.request(method, url, json=body)
    if answer.status_code in _OVERLOADED and method != "POST":
        time.sleep(_AGAIN_AFTER_SECONDS)
        answer = client.request(method, url, json=body)
    return answer.raise_for_status()
