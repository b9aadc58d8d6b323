"""What the Management API says when it does not do as asked, and what to type then."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.supabase.addresses import dashboard

_SAID_CHARACTERS: Final = 300
_SQL_ERROR: Final = re.compile(r"\bERROR:\s+([0-9A-Z]{5}):")
_OF_THE_REQUEST: Final = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS,
}


def may_pass(answer: Answer) -> bool:
    """Whether the same request may fare better in a while."""
    if sqlstate(answer):
        return False
    return (
        not answer.status
        or answer.status == HTTPStatus.TOO_MANY_REQUESTS
        or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def is_of_the_project(answer: Answer) -> bool:
    """Whether the project itself may be why, and not the request, the network or the SQL."""
    return bool(answer.status) and answer.status not in _OF_THE_REQUEST and not sqlstate(answer)


def sqlstate(answer: Answer) -> str:
    """The SQLSTATE of an error of the database; empty for any other answer.

    The description has status 500 for one, 400 is what was reported (stackblitz/bolt.new#4737).
    """
    found = None if answer.succeeded else _SQL_ERROR.search(said(answer))
    return found[1] if found else ""


def until_reset(answer: Answer) -> float:
    """The seconds until the rate limit counts anew, as every answer says; 0 where it does not."""
    return _seconds(answer.headers.get("x-ratelimit-reset"))


def wait_asked_for(answer: Answer) -> float:
    """The seconds that a refusal says to wait; 0 where it does not say."""
    limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS
    asked = _seconds(answer.headers.get("retry-after"))
    return asked or (until_reset(answer) if limited else 0.0)


def _seconds(told: str | None) -> float:
    return float(told) if re.fullmatch(r"\d{1,9}(\.\d+)?", told or "") and told else 0.0


def said(answer: Answer) -> str:
    """The API's own words, in one line: its errors are `{"message": …}`."""
    found = answer.json
    message = found.get("message") if isinstance(found, dict) else None
    return shortened(message) if message else answer.failure or f"status {answer.status}"


def shortened(text: object) -> str:
    """One line that is not too long."""
    return " ".join(str(text).split())[:_SAID_CHARACTERS]


def refusal(answer: Answer, ref: str, url: str, permission: str) -> NotRefreshed:
    """The error for an answer of the Management API at the URL that is no success.

    ``permission`` is what a token needs for the request.
    """
    if sqlstate(answer):
        return NotRefreshed(
            f"the database of project {ref} refused the statement: {said(answer)}",
            hint="these are the database's own words; the same happens in the SQL editor,"
            f" {dashboard(ref)}/sql",
        )
    if answer.status in _OF_THE_REQUEST:
        return _of_the_request(answer, ref, permission)
    if not answer.status:
        return NotRefreshed(
            f"the Management API at {url} does not answer: {answer.failure}",
            hint="is it reachable from here (HTTPS_PROXY is heeded), and is `supabase-api-url`"
            " right? A `database-url` does without it",
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NotRefreshed(
            f"the Management API failed ({answer.status}): {said(answer)}",
            hint=f"see https://status.supabase.com and the project, {dashboard(ref)}; a"
            " `database-url` does without this API",
        )
    return NotRefreshed(
        f"the Management API at {url} answered {answer.status}: {said(answer)}",
        hint="is `supabase-api-url` right? By default it need not be given",
    )


def _of_the_request(answer: Answer, ref: str, permission: str) -> NotRefreshed:
    """Of the token, the ref, or too many of them."""
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return NotRefreshed(
                f"Supabase does not take the access token (401): {said(answer)}",
                hint="make one at https://supabase.com/dashboard/account/tokens and put it into"
                " `access-token`: it begins with sbp_ (a project's keys, sb_… or eyJ…, are none)",
            )
        case HTTPStatus.FORBIDDEN:
            return NotRefreshed(
                f"the access token may not do this to project {ref} (403): {said(answer)}",
                hint=f"give the token the permission {permission} for this project; it must be of a"
                " member of the organization that owns the project",
            )
        case HTTPStatus.NOT_FOUND:
            return NotRefreshed(
                f"Supabase knows no project {ref} for this token (404): {said(answer)}",
                hint="check `project-ref`: `supabase projects list` shows those of the token",
            )
        case _:
            seconds = wait_asked_for(answer)
            ends = f" and ends in {seconds:.0f} s" if seconds else ""
            return NotRefreshed(
                f"too many requests to project {ref} (429): {said(answer)}",
                hint=f"the limit is 120 a minute for each user and project{ends}: raise `timeout`,"
                " or let fewer jobs of this user run at a time",
            )
