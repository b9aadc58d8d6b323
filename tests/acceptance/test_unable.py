"""Where there is nothing to ask: exit 4, with what to do about it, and nothing was sent."""

import time
from typing import Final

import jwt
import pytest
from tests.acceptance.capabilities import any_version, needs
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import World, token

from pgrst_sandbox.faults.gateway import Answer, Gateway, serving
from pgrst_sandbox.faults.impostor import green, json_not_found, json_ok, page
from pgrst_sandbox.ports import free_port


@any_version("none is asked")
def test_a_server_that_is_down_is_not_observed(fresh: World) -> None:
    """Nobody listens: the refresh that could be sent is not."""
    report = gate(
        f"http://127.0.0.1:{free_port()}",
        timeout="500ms",
        runtime="notify",
        database_url=fresh.database_url,
        expected_columns="scans: status",
    )

    assert (report.exit_code, report.conclusion.value) == (4, "not-observed")
    assert "does not answer" in report.sentence
    assert "nothing was sent" in report.sentence
    assert report.receipts == ()


@any_version("what answers is none")
@pytest.mark.parametrize("answer", [page, json_not_found, json_ok, green])
def test_a_server_that_is_no_postgrest_is_told(fresh: World, answer: Answer) -> None:
    """A web page for everything, another API, a mock, an old answer: none is a PostgREST."""
    lines = len(fresh.server.log)
    with serving(answer) as url:
        report = gate(
            url,
            runtime="notify",
            database_url=fresh.database_url,
            expected_columns="scans: status",
            expected_absent="doomed",
        )

    assert (report.exit_code, report.conclusion.value) == (4, "not-observed")
    assert "does not answer as a PostgREST does" in report.sentence
    assert report.problem is not None
    assert "base address" in report.problem.hint
    assert (report.receipts, len(fresh.server.log)) == ((), lines)


@needs("plans only")
def test_an_answer_that_was_kept_is_not_taken_for_a_new_one(fresh: World) -> None:
    """A cache between, that keeps answers by their address, opens no gate with an old green one."""
    with serving(Gateway(fresh.url, keeps=True)) as url:
        report = gate(url, timeout=BRIEF, expected_tables="heartbeats", expected_absent="never")

    assert (report.exit_code, causes(report)) == (1, {"heartbeats": "unproven", "never": "gone"})


WRONG_KEYS: Final = {
    "no JWT": "not.a.jwt",
    "another secret": token("member", "another secret, as long as the first one"),
    "expired": token("member", exp=int(time.time()) - 3600),
    "unsigned": jwt.encode({"role": "member"}, "", algorithm="none"),
}


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_a_wrong_key_is_told(fresh: World, name: str) -> None:
    """A token that the server does not take says nothing of the schema: nothing is sent."""
    report = gate(
        fresh.url,
        token=WRONG_KEYS[name],
        runtime="notify",
        database_url=fresh.database_url,
        expected_columns="scans: status",
    )

    assert (report.exit_code, report.conclusion.value) == (4, "not-observed")
    assert "refused the key" in report.sentence
    assert WRONG_KEYS[name] not in str(report)
    assert report.receipts == ()


def test_a_role_that_does_not_exist_is_told(fresh: World) -> None:
    """The server takes the token, and the database does not know its role."""
    report = gate(fresh.url, token=token("nobody"), expected_columns="scans: status")

    assert (report.exit_code, causes(report)) == (4, {"scans.status": "unauthorized"})


@any_version("none is asked")
def test_a_runtime_that_cannot_be_reached_is_not_refreshed(fresh: World) -> None:
    """A database URL that leads nowhere is exit 3, before anything was asked or sent."""
    report = gate(
        fresh.url,
        runtime="notify",
        database_url=f"postgresql://postgres@127.0.0.1:{free_port()}/postgres",
        expected_columns="scans: status",
    )

    assert (report.exit_code, report.conclusion.value) == (3, "not-refreshed")
    assert "the database cannot be notified" in report.sentence
    assert report.receipts == ()


@any_version("none is asked, and none is signalled")
def test_a_stranger_is_not_signalled(fresh: World) -> None:
    """A pid that is not PostgREST's gets no signal: exit 3."""
    stranger = str(fresh.rows("select pg_backend_pid()")[0][0])

    report = gate(fresh.url, runtime="process", pid=stranger, expected_columns="scans: status")

    assert (report.exit_code, report.receipts) == (3, ())
