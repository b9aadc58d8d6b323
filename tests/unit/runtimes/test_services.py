"""A Swarm manager's answers, and what it is sent for an update."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.engine import DockerEngine
from pgrst_gate.runtimes.docker.services import Membership, Service, Task, Update

SPECIFICATION = {
    "Name": "app_rest",
    "Labels": {"com.docker.stack.namespace": "app"},
    "TaskTemplate": {
        "ContainerSpec": {"Image": "registry.example/postgrest:v14", "Unheard": {"Of": [1]}},
        "ForceUpdate": 4,
        "Runtime": "container",
    },
    "Mode": {"Replicated": {"Replicas": 3}},
    "Another": True,
}
"""As the manager keeps it; the SDK knows nothing of some of it."""
SERVICE = {
    "ID": "s1",
    "Version": {"Index": 17},
    "Spec": SPECIFICATION,
    "UpdateStatus": {
        "State": "completed",
        "StartedAt": "2026-11-23T15:00:00Z",
        "Message": "update completed",
    },
}
TASKS = [
    {
        "ID": "t1",
        "Slot": 1,
        "NodeID": "n1",
        "CreatedAt": "2026-11-23T15:00:00Z",
        "DesiredState": "shutdown",
        "Status": {
            "State": "failed",
            "Err": "task: non-zero exit (3)",
            "ContainerStatus": {"ContainerID": "c1", "ExitCode": 3},
        },
    },
    {
        "ID": "t2",
        "NodeID": "n2",
        "CreatedAt": "2026-11-23T15:00:01Z",
        "DesiredState": "running",
        "Status": {"State": "pending"},
    },
]
INFO = {
    "Swarm": {
        "NodeID": "n1",
        "LocalNodeState": "active",
        "ControlAvailable": True,
        "RemoteManagers": [{"NodeID": "n1", "Addr": "10.0.0.1:2377"}],
    }
}
ANSWERS = {
    "/version": {"ApiVersion": "1.41"},
    "/v1.41/info": INFO,
    "/v1.41/services": [SERVICE],
    "/v1.41/services/app_rest": SERVICE,
    "/v1.41/services/s1": SERVICE,
    "/v1.41/tasks": TASKS,
}
REST = Service(
    "s1",
    "app_rest",
    "registry.example/postgrest:v14",
    Update("completed", "2026-11-23T15:00:00Z", "update completed"),
)


class Manager(HTTPServer):
    """An engine that manages a Swarm; keeps what it is sent."""

    refuses = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.sent: list[tuple[str, dict[str, str], Any]] = []


class Answering(BaseHTTPRequestHandler):
    """Gives the answers; takes an update of any service."""

    server: Manager

    def do_GET(self) -> None:
        """Give an answer, or say that there is none."""
        answer = ANSWERS.get(self.path.partition("?")[0])
        self._answer(404 if answer is None else 200, answer or {"message": "no such service"})

    def do_POST(self) -> None:
        """Keep what was sent."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append((self.path, dict(self.headers), body))
        if self.server.refuses:
            self._answer(500, {"message": "rpc error: update out of sequence"})
        else:
            self._answer(200, {"Warnings": None})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class's name
        """Say nothing."""


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Manager]:
    """The engine that DOCKER_HOST names; this user has credentials for its image's registry."""
    auth = base64.b64encode(b"user:password").decode()
    config = {"auths": {"registry.example": {"auth": auth}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Manager() as engine:
        thread = threading.Thread(target=engine.serve_forever)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{engine.server_port}")
        yield engine
        engine.shutdown()
        thread.join()


def test_an_update_changes_one_number_and_nothing_else(manager: Manager) -> None:
    """The specification goes back as it was, unknown parts and all, and without credentials."""
    DockerEngine().services.force_update(REST)

    ((path, headers, sent),) = manager.sent
    template = {**SPECIFICATION["TaskTemplate"], "ForceUpdate": 5}  # type: ignore[dict-item] # a dict
    assert path == "/v1.41/services/s1/update?version=17"
    assert sent == {**SPECIFICATION, "TaskTemplate": template}
    assert "X-Registry-Auth" not in headers


def test_a_refused_update_is_told_in_the_managers_words(manager: Manager) -> None:
    """Somebody else's update in between, for one, is an error with the engine's own text."""
    manager.refuses = True

    with pytest.raises(NotRefreshed, match=r"to update service app_rest: .*out of sequence"):
        DockerEngine().services.force_update(REST)


@pytest.mark.usefixtures("manager")
def test_a_swarm_is_read() -> None:
    """What the manager tells of itself, its services and their tasks, the newest first."""
    services = DockerEngine().services

    assert services.membership() == Membership(
        "active", is_manager=True, node="n1", managers=("10.0.0.1:2377",)
    )
    assert services.all() == (REST,)
    assert services.get("app_rest") == REST
    assert services.get("another") is None
    assert services.tasks(REST) == (
        Task("t2", "n2", "n2", "pending", "running", "2026-11-23T15:00:01Z"),
        Task(
            *("t1", "1", "n1", "failed", "shutdown", "2026-11-23T15:00:00Z"),
            error="task: non-zero exit (3)",
            container="c1",
        ),
    )


def test_an_engine_knows_where_its_machine_is(manager: Manager) -> None:
    """Where it is asked by TCP, the ports of its machine are at the same name."""
    assert manager.server_port
    assert DockerEngine().host == "127.0.0.1"
