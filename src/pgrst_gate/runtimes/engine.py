"""The Docker Engine, through its API: what a container is, and what can be done to it.

The SDK is imported and its errors are converted here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.processes import RunningProcess

if TYPE_CHECKING:
    from docker.api.client import APIClient

ANSWER_SECONDS: Final = 30
"""How long the engine may take to answer."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the engine tells it."""

    id: str
    name: str
    image: str
    status: str
    """created, running, paused, restarting, removing, exited or dead."""
    health: str = ""
    """starting, healthy or unhealthy; empty without a health check."""
    pid: int = 0
    """Of its main process, as the engine's machine counts."""
    exit_code: int = 0
    """Of its last end."""
    error: str = ""
    """Why it could not be started; untrusted."""
    started_at: str = ""
    restart_policy: str = "no"
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: frozenset[int] = frozenset()
    """Published on the engine's machine."""

    def __str__(self) -> str:
        return f"container {self.name} ({self.id[:12]})"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a container's log, with the engine's own time stamp, which sorts as text."""

    stamp: str
    text: str


class Engine(Protocol):
    """What runtimes need of a Docker Engine. Every method may raise `NotRefreshed`."""

    def containers(self, label: str = "") -> tuple[Container, ...]:
        """All containers, running or not; with a label (`key`, `key=value`) those that have it."""
        ...

    def container(self, name: str) -> Container | None:
        """The container by its name, id, or the beginning of its id; None when there is none."""
        ...

    def processes(self, container: Container) -> tuple[RunningProcess, ...]:
        """The processes in a running container, with the pids of the engine's machine."""
        ...

    def kill(self, container: Container, signal: str) -> None:
        """Send a signal to the main process."""
        ...

    def restart(self, container: Container, *, stop_seconds: int) -> None:
        """Stop (killing it when the time is up) and start again; returns when it was started."""
        ...

    def log(self, container: Container, *, last: int, since: int = 0) -> tuple[LogLine, ...]:
        """The last lines of both streams, oldest first, not older than `since` (seconds UTC)."""
        ...


class DockerEngine:
    """The engine that the environment names (`DOCKER_HOST`), or the local socket's."""

    def __init__(self) -> None:
        import docker
        from docker.errors import DockerException

        try:
            self._api: APIClient = docker.from_env(timeout=ANSWER_SECONDS).api
        except (DockerException, OSError) as error:
            raise _unreachable(error) from error

    def containers(self, label: str = "") -> tuple[Container, ...]:
        """As `Engine.containers`."""
        with _told("list containers"):
            listed = self._api.containers(all=True, filters={"label": label} if label else None)
        found = (self.container(entry["Id"]) for entry in listed)
        return tuple(container for container in found if container is not None)

    def container(self, name: str) -> Container | None:
        """As `Engine.container`."""
        from docker.errors import NotFound

        with _told(f"inspect container {name}"):
            try:
                return _container(self._api.inspect_container(name))
            except NotFound:
                return None

    def processes(self, container: Container) -> tuple[RunningProcess, ...]:
        """As `Engine.processes`."""
        from docker.errors import APIError

        with _told(f"list the processes of {container}"):
            try:
                # `comm` is how a script with a `#!` line shows its own name.
                top = self._api.top(container.id, ps_args="-eo pid,ppid,comm,args")
                columns = ["PID", "PPID", "COMM", "CMD"]
            except APIError:  # a `ps` without these options; the plain call is understood by all
                top = self._api.top(container.id)
                columns = top["Titles"]
            rows = [dict(zip(columns, row, strict=False)) for row in top["Processes"] or ()]
            return tuple(
                RunningProcess(
                    pid=int(row["PID"]),
                    parent=int(row.get("PPID", 0)),
                    argv=tuple((row.get("CMD") or row.get("COMMAND") or "").split()),
                    comm=row.get("COMM", ""),
                )
                for row in rows
            )

    def kill(self, container: Container, signal: str) -> None:
        """As `Engine.kill`."""
        with _told(f"send {signal} to {container}"):
            self._api.kill(container.id, signal)

    def restart(self, container: Container, *, stop_seconds: int) -> None:
        """As `Engine.restart`."""
        with _told(f"restart {container}"):
            self._api.restart(container.id, timeout=stop_seconds)

    def log(self, container: Container, *, last: int, since: int = 0) -> tuple[LogLine, ...]:
        """As `Engine.log`; empty for a log driver that cannot be read."""
        from docker.errors import APIError

        with _told(f"read the log of {container}"):
            try:
                output: bytes = self._api.logs(
                    container.id, timestamps=True, tail=last, since=since or None
                )
            except APIError:
                return ()
        lines = output.decode(errors="replace").split("\n")
        parts = (line.removesuffix("\r").partition(" ") for line in lines if line)
        return tuple(LogLine(stamp, text) for stamp, _, text in parts)


def _container(inspected: dict[str, Any]) -> Container:
    state, config = inspected["State"], inspected["Config"]
    bindings = (inspected["NetworkSettings"].get("Ports") or {}).values()
    return Container(
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        image=config["Image"],
        status=state["Status"],
        health=state.get("Health", {}).get("Status", "").replace("none", ""),
        pid=state["Pid"],
        exit_code=state["ExitCode"],
        error=state.get("Error", ""),
        started_at=state["StartedAt"],
        restart_policy=inspected["HostConfig"]["RestartPolicy"]["Name"] or "no",
        labels=config.get("Labels") or {},
        ports=frozenset(int(bound["HostPort"]) for ports in bindings for bound in ports or ()),
    )


@contextmanager
def _told(action: str) -> Iterator[None]:
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        raise NotRefreshed(
            f"the Docker engine refused to {action}: {error.explanation or error}",
            hint="the engine's own words; the same happens with the docker command",
        ) from error
    except (DockerException, OSError) as error:  # OSError: requests' own, no answer in time
        raise NotRefreshed(
            f"the Docker engine did not answer when asked to {action}: {error}",
            hint="is it overloaded, or did the connection break?",
        ) from error


def _unreachable(error: Exception) -> NotRefreshed:
    said = str(error)
    if "Permission denied" in said:
        return NotRefreshed(
            "permission denied on the Docker socket",
            hint="run as root or as a member of the socket's group, which is often called docker",
        )
    if "FileNotFoundError" in said:
        return NotRefreshed(
            "no Docker engine here: its socket does not exist",
            hint="start Docker, or set DOCKER_HOST; in a container, mount the socket: "
            "-v /var/run/docker.sock:/var/run/docker.sock",
        )
    return NotRefreshed(
        f"the Docker engine cannot be reached: {said}",
        hint="is it running? DOCKER_HOST says where it is asked for",
    )
