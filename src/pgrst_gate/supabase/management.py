"""Supabase's Management API, as far as the gate needs it: paced, and patient for as long as it may.

Requests, answers and permissions are those of its published description (supabase/supabase
apps/docs/spec/api_v1_openapi.json@06fd6bc), the limits those of its documentation
(apps/docs/content/_partials/api_rate_limits.mdx): 120 requests a minute for each user and project.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.client import DOCUMENT_BYTES, Client, Credentials
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.supabase.addresses import MANAGEMENT_API, dashboard
from pgrst_gate.supabase.refusals import (
    is_of_the_project,
    may_pass,
    refusal,
    shortened,
    until_reset,
    wait_asked_for,
)

PATIENCE_SECONDS: Final = 75.0
"""Something more than one window of the rate limit."""
UNANSWERED_SECONDS: Final = 25.0
"""For how long a statement is sent again that nobody answers: twice the time of an answer."""
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 8.0
DESCRIBED_SECONDS: Final = 1.0
"""How far apart two questions for the description are, which a wait asks again and again."""
HEALTH_MILLISECONDS: Final = 2000
"""How long the API may take to find out how a service is doing."""

TO_WRITE: Final = "`database_write` (of an OAuth app, the scope `database:write`)"
TO_READ_CONFIGURATION: Final = "`data_api_config_read` (of an OAuth app, the scope `rest:read`)"

_LASTING: Final = {
    "INACTIVE": "is paused",
    "PAUSING": "is being paused",
    "GOING_DOWN": "is being shut down",
    "REMOVED": "was removed",
    "INIT_FAILED": "failed to start",
    "RESTORE_FAILED": "failed to be restored",
}
"""Statuses of a project that do not pass by themselves."""
_PASSING: Final = {
    "COMING_UP": "is coming up",
    "RESTORING": "is being restored",
    "UPGRADING": "is being upgraded",
    "RESTARTING": "is restarting",
    "RESIZING": "is being resized",
    "ACTIVE_UNHEALTHY": "is unhealthy",
}


@dataclass(frozen=True, slots=True)
class State:
    """How a project or its REST service is doing; `text` is empty where nothing is known wrong."""

    text: str = ""
    lasting: bool = False
    """It does not pass by itself."""


@dataclass(frozen=True, slots=True)
class Done:
    """A statement that was run."""

    rows: Sequence[Mapping[str, Any]] | None
    """None where the answer is no list of rows."""
    tries: int = 1
    """How often it was sent."""


class Management:
    """One project, asked with one access token.

    ``patience``: for how many seconds from now on something may be asked again, at most.
    """

    def __init__(
        self,
        ref: str,
        token: str,
        url: str = MANAGEMENT_API,
        *,
        patience: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ref = ref
        self._project = f"/v1/projects/{ref}"
        self._open = ExitStack()
        self._client = self._open.enter_context(
            Client(url, Credentials(token=token), connections=1)
        )
        self._give_up = clock() + min(patience, PATIENCE_SECONDS)
        self._sleep, self._clock = sleep, clock
        self._not_before = self._describe_from = 0.0

    def run(self, statement: str) -> Done:
        """Run a statement that may write, and that may be run twice without harm.

        It is sent again where the answer was lost, since nobody knows then whether it was run: fine
        for a SELECT, and for a NOTIFY, after which PostgREST at worst reloads once more. Raises
        `NotRefreshed` when it is refused, and when the time is over.
        """
        body = json.dumps({"query": statement, "read_only": False}).encode()
        question = Question("POST", f"{self._project}/database/query", body=body)
        tries, pause = 1, FIRST_PAUSE_SECONDS
        unanswered = min(self._give_up, self._clock() + UNANSWERED_SECONDS)
        while not (answer := self._ask(question)).succeeded:
            if tries == 1 and is_of_the_project(answer):
                self._refuse_what_is_down()
            wait = wait_asked_for(answer) or pause
            give_up = self._give_up if answer.status else unanswered
            if not may_pass(answer) or self._clock() + wait > give_up:
                raise refusal(answer, self.ref, self._client.url, TO_WRITE)
            self._sleep(wait)
            tries, pause = tries + 1, min(pause * 2, LONGEST_PAUSE_SECONDS)
        rows = answer.json
        told = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        return Done(rows if told else None, tries)

    def exposed_schemas(self) -> tuple[str, ...]:
        """The schemas that the project's Data API is configured to expose, in order.

        The answer may hold the project's JWT secret: nothing else of it is read or shown. Raises
        `NotRefreshed` where this token may not know.
        """
        answer = self._ask(Question("GET", f"{self._project}/postgrest"))
        if not answer.succeeded:
            raise refusal(answer, self.ref, self._client.url, TO_READ_CONFIGURATION)
        found = answer.json
        listed = found.get("db_schema") if isinstance(found, dict) else None
        return tuple(filter(None, map(str.strip, str(listed or "").split(","))))

    def description(self, schema: str) -> Answer:
        """The OpenAPI document of a schema as the service role sees it, or why there is none.

        Waits for its turn: see `DESCRIBED_SECONDS`.
        """
        if (wait := self._describe_from - self._clock()) > 0:
            self._sleep(wait)
        self._describe_from = self._clock() + DESCRIBED_SECONDS
        query = f"?schema={quote(schema, safe='')}" if schema else ""
        return self._ask(Question("GET", f"{self._project}/database/openapi{query}"))

    def state(self) -> State:
        """How the REST service is doing now, as far as this token may know."""
        wanted = f"services=rest&timeout_ms={HEALTH_MILLISECONDS}"
        rest = _rest(self._ask(Question("GET", f"{self._project}/health?{wanted}")))
        if rest.get("status") == "ACTIVE_HEALTHY":
            return State()
        if rest.get("status") == "COMING_UP":
            return State(f"the REST service of project {self.ref} is coming up")
        project = self._state_of_project()
        if project.text or not rest:
            return project
        why = shortened(rest.get("error") or "it does not say why")
        return State(f"the REST service of project {self.ref} is unhealthy: {why}")

    def close(self) -> None:
        """Drop the connection."""
        self._open.close()

    def _state_of_project(self) -> State:
        answer = self._ask(Question("GET", self._project))
        found = answer.json if answer.succeeded else None
        status = found.get("status") if isinstance(found, dict) else None
        if status in _LASTING:
            return State(f"project {self.ref} {_LASTING[status]}", lasting=True)
        return State(f"project {self.ref} {_PASSING[status]}") if status in _PASSING else State()

    def _refuse_what_is_down(self) -> None:
        state = self._state_of_project()
        if state.lasting:
            raise NotRefreshed(state.text, hint=revival(self.ref))

    def _ask(self, question: Question) -> Answer:
        """The answer; asked once the rate limit allows it, and not at all if that is too late."""
        wait = self._not_before - self._clock()
        if wait > 0:
            if self._clock() + wait > self._give_up:
                told = {"x-ratelimit-reset": f"{wait:.0f}"}
                return Answer(HTTPStatus.TOO_MANY_REQUESTS, told)
            self._sleep(wait)
        answer = self._client.ask(question, most=DOCUMENT_BYTES)
        if answer.headers.get("x-ratelimit-remaining") == "0":
            self._not_before = self._clock() + until_reset(answer)
        return answer


def revival(ref: str) -> str:
    """What to do about a project that is down."""
    return f"restore it: {dashboard(ref)} (a free project is paused after a week without use)"


def _rest(answer: Answer) -> Mapping[str, Any]:
    """What an answer on health says of the REST service; empty where it does not."""
    found = answer.json if answer.succeeded else None
    services = found if isinstance(found, list) else ()
    named = (one for one in services if isinstance(one, dict) and one.get("name") == "rest")
    return next(named, {})
