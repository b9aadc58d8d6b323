"""Where there is no Docker engine to ask: exit 3, what to do about it, and nothing was sent."""

import gc
import socket
import warnings
from collections.abc import Iterator
from typing import Final

import pytest
from tests.acceptance.running import gate

NAMED: Final = (
    {"runtime": "docker", "container": "api"},
    {"runtime": "compose", "project": "shop", "service": "rest"},
    {"runtime": "swarm", "service": "shop_rest"},
    {"service": "rest"},
)


@pytest.fixture(autouse=True)
def _failing() -> Iterator[None]:
    """Collect the sockets of failed connections, which the SDK leaves open."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.get("runtime", "auto"))
@pytest.mark.parametrize("may", [True, False], ids=["no socket", "no permission"])
def test_a_runtime_of_docker_without_its_engine_is_refused(
    monkeypatch: pytest.MonkeyPatch, named: dict[str, str], *, may: bool
) -> None:
    """No socket, and one of other users, are told apart for containers and services alike."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    if not may:
        monkeypatch.setattr(socket.socket, "connect", refuse)

    report = gate("http://127.0.0.1:9", **{"runtime": "auto", "expected_tables": "scans"} | named)

    assert (report.exit_code, report.receipts) == (3, ())
    assert report.problem is not None
    told, hint = (
        ("no Docker engine here", "mount the socket")
        if may
        else ("permission denied on the Docker socket", "member of the socket's group")
    )
    assert told in report.sentence
    assert hint in report.problem.hint
