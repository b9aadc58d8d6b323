"""The Docker engine's answers, and how its failures are told."""

from __future__ import annotations

import gc
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pgrst_gate.errors import Cancelled, NotRefreshed
from pgrst_gate.runtimes.docker.engine import ANSWER_SECONDS, DockerEngine


@pytest.fixture
def _failing() -> Iterator[None]:
    """Collect the sockets of failed connections, which the SDK leaves open."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.usefixtures("_failing")
@pytest.mark.parametrize(
    ("host", "message", "hint"),
    [
        ("unix:///nowhere/docker.sock", "no Docker engine here", "mount the socket"),
        ("tcp://127.0.0.1:1", "cannot be reached: .*Connection refused", "DOCKER_HOST"),
        ("nonsense://x", "cannot be reached: Invalid bind address", "DOCKER_HOST"),
    ],
)
def test_a_missing_engine_is_explained(
    monkeypatch: pytest.MonkeyPatch, host: str, message: str, hint: str
) -> None:
    """No socket, no answer and a wrong address each have their own words."""
    monkeypatch.setenv("DOCKER_HOST", host)

    with pytest.raises(NotRefreshed, match=message) as refused:
        DockerEngine()

    assert hint in refused.value.hint


@pytest.mark.usefixtures("_failing")
def test_a_socket_of_another_user_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket one may not open is told apart from one that is not there."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")

    with pytest.raises(NotRefreshed, match="permission denied on the Docker socket") as refused:
        DockerEngine()

    assert "group" in refused.value.hint


class Broken(BaseHTTPRequestHandler):
    """An engine that tells its version and then fails at everything."""

    def do_GET(self) -> None:
        """Answer /version, refuse the rest."""
        known = self.path.endswith("/version")
        body = b'{"ApiVersion": "1.41"}' if known else b'{"message": "disk is full"}'
        self.send_response(200 if known else 500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class's name
        """Say nothing."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """An engine that fails, as the one that DOCKER_HOST names."""
    with HTTPServer(("127.0.0.1", 0), Broken) as engine:
        thread = threading.Thread(target=engine.serve_forever)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{engine.server_port}")
        yield engine
        engine.shutdown()
        thread.join()


@pytest.mark.usefixtures("broken")
def test_the_engines_own_words_are_repeated() -> None:
    """What the engine says when it fails is what the reader gets."""
    with pytest.raises(NotRefreshed, match="refused to inspect container api: disk is full"):
        DockerEngine().container("api")


def test_an_engine_that_went_away_is_explained(broken: HTTPServer) -> None:
    """An engine that stops answering in the middle of a run is an error of its own."""
    engine = DockerEngine()
    broken.shutdown()
    broken.server_close()

    with pytest.raises(NotRefreshed, match="did not answer when asked to list containers"):
        engine.containers()


@pytest.mark.usefixtures("cancel_soon", "_failing")
def test_a_cancellation_ends_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancellation passes through at once, also while the engine keeps one waiting."""
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{silent.getsockname()[1]}")

        with pytest.raises(Cancelled):
            DockerEngine()

    assert time.monotonic() - started < ANSWER_SECONDS
