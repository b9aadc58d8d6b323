"""The Docker Engine, through its API: what a container is, and what can be done to it.

The SDK is imported here, for Swarm in services.py, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from pgrst_gate.runtimes.docker.engine_errors import told, unreachable
from pgrst_gate.runtimes.docker.services import DockerServices, Services
from pgrst_gate.runtimes.host.processes import RunningProcess

if TYPE_CHECKING:
    from docker.api.client import APIClient

ANSWER_SECONDS: Final = 30
"""How long the engine may take to answer."""
GATEWAY_BRIDGE: Final = "docker_gwbridge"
"""The network by which containers in overlay networks reach their machine, and it them."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A container's place in a network."""

    network: str
    """The network's name."""
    network_id: str
    address: str
    """IPv4; empty in the machine's own network (`host`)."""
    gateway: str
    """The machine's address in a bridge network; empty where there is none, as in overlays."""


@dataclass(frozen=True, slots=True)
class Published:
    """A TCP port of a container that the engine's machine publishes."""

    inside: int
    host: str
    """The machine's address, `0.0.0.0` for all of them."""
    port: int


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
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secrets among it."""
    exposed: frozenset[int] = frozenset()
    """The TCP ports that the image or the container declares."""
    published: tuple[Published, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    def __str__(self) -> str:
        return f"container {self.name} ({self.id[:12]})"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a container's log, with the engine's own time stamp, which sorts as text."""

    stamp: str
    text: str


class Engine(Protocol):
    """What runtimes need of a Docker Engine. Every method may raise `NotRefreshed`."""

    @property
    def host(self) -> str:
        """Its machine as seen from here: `localhost` by a local socket; empty where not known."""
        ...

    @property
    def services(self) -> Services:
        """The services of the Swarm it manages."""
        ...

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

    def gateway_bridge(self, container: Container) -> Attachment | None:
        """Its place in the bridge that joins overlay networks to the machine; None without one."""
        ...


class DockerEngine:
    """The engine of the environment (`DOCKER_HOST`); or another machine's, behind a socket here."""

    def __init__(self, socket: str = "") -> None:
        import docker
        from docker.errors import DockerException

        try:
            client = (
                docker.DockerClient(base_url=f"unix://{socket}", timeout=ANSWER_SECONDS)
                if socket
                else docker.from_env(timeout=ANSWER_SECONDS)
            )
            self._api: APIClient = client.api
            self._is_forwarded = bool(socket)
        except (DockerException, OSError) as error:
            raise unreachable(error) from error

    @property
    def host(self) -> str:
        """As `Engine.host`. The SDK's own names for sockets begin with `http+docker:`."""
        if self._is_forwarded:
            return ""
        address = urlsplit(self._api.base_url)
        if address.scheme != "http+docker":
            return address.hostname or ""
        return "" if address.hostname == "ssh" else "localhost"

    @cached_property
    def services(self) -> Services:
        """As `Engine.services`."""
        return DockerServices(self._api)

    def containers(self, label: str = "") -> tuple[Container, ...]:
        """As `Engine.containers`."""
        with told("list containers"):
            listed = self._api.containers(all=True, filters={"label": label} if label else None)
        found = (self.container(entry["Id"]) for entry in listed)
        return tuple(container for container in found if container is not None)

    def container(self, name: str) -> Container | None:
        """As `Engine.container`."""
        from docker.errors import NotFound

        with told(f"inspect container {name}"):
            try:
                return _container(self._api.inspect_container(name))
            except NotFound:
                return None

    def processes(self, container: Container) -> tuple[RunningProcess, ...]:
        """As `Engine.processes`."""
        from docker.errors import APIError

        with told(f"list the processes of {container}"):
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
        with told(f"send {signal} to {container}"):
            self._api.kill(container.id, signal)

    def restart(self, container: Container, *, stop_seconds: int) -> None:
        """As `Engine.restart`."""
        with told(f"restart {container}"):
            self._api.restart(container.id, timeout=stop_seconds)

    def log(self, container: Container, *, last: int, since: int = 0) -> tuple[LogLine, ...]:
        """As `Engine.log`; empty for a log driver that cannot be read."""
        from docker.errors import APIError

        with told(f"read the log of {container}"):
            try:
                output: bytes = self._api.logs(
                    container.id, timestamps=True, tail=last, since=since or None
                )
            except APIError:
                return ()
        lines = output.decode(errors="replace").split("\n")
        parts = (line.removesuffix("\r").partition(" ") for line in lines if line)
        return tuple(LogLine(stamp, text) for stamp, _, text in parts)

    def gateway_bridge(self, container: Container) -> Attachment | None:
        """As `Engine.gateway_bridge`; the container itself does not show this place."""
        from docker.errors import NotFound

        with told(f"inspect network {GATEWAY_BRIDGE}"):
            try:
                network = self._api.inspect_network(GATEWAY_BRIDGE)
            except NotFound:
                return None
        place = network["Containers"].get(container.id)
        if place is None:
            return None
        gateway = next((one.get("Gateway", "") for one in network["IPAM"]["Config"]), "")
        address = place["IPv4Address"].partition("/")[0]
        return Attachment(GATEWAY_BRIDGE, network["Id"], address, gateway)


def _container(inspected: dict[str, Any]) -> Container:
    state, config = inspected["State"], inspected["Config"]
    networking = inspected["NetworkSettings"]
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
        environment=dict(one.partition("=")[::2] for one in config.get("Env") or ()),
        exposed=frozenset(_tcp(config.get("ExposedPorts") or ())),
        published=tuple(
            Published(inside, bound["HostIp"], int(bound["HostPort"]))
            for port, bindings in (networking.get("Ports") or {}).items()
            for inside in _tcp([port])
            for bound in bindings or ()
        ),
        attachments=tuple(
            Attachment(name, place["NetworkID"], place["IPAddress"], place["Gateway"])
            for name, place in (networking.get("Networks") or {}).items()
        ),
    )


def _tcp(ports: Iterable[str]) -> Iterator[int]:
    """The numbers of what the engine writes as `3000/tcp`."""
    for port in ports:
        number, _, protocol = port.partition("/")
        if protocol == "tcp":
            yield int(number)
