"""The way to the machine that the server is on: none for this one, SSH for another.

Out of a container to the machine that runs it, the way is that of `outside`, beside this module.

Docker over SSH goes through a forward of the engine's socket over the same connection. The SDK's
own `use_ssh_client` starts an ssh for each request (docker-py issue 2966), takes neither a key nor
known hosts (issue 2416), and needs the docker command on the other side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.engine import DockerEngine, Engine
from pgrst_gate.runtimes.host.processes import Processes, local_processes
from pgrst_gate.runtimes.host.remote_processes import RemoteProcesses
from pgrst_gate.runtimes.surroundings import HERE, Place
from pgrst_gate.runtimes.transports.commands import Commands, LocalCommands
from pgrst_gate.runtimes.transports.ssh import Connection

SOCKET: Final = "/var/run/docker.sock"

_ASK_SECONDS: Final = 30.0
_NO_SOCKET: Final = 3
_NOT_WRITABLE: Final = 4
_LOOK: Final = f'test -S "$1" || exit {_NO_SOCKET}; test -w "$1" || exit {_NOT_WRITABLE}'


@dataclass(frozen=True, slots=True)
class Transport:
    """What a runtime needs of a machine. Whatever is called may raise `NotRefreshed`."""

    place: Place
    way: str
    """How it is reached, for people; empty for the machine this runs on."""
    commands: Commands
    processes: Processes
    connect: Callable[[], Engine]
    """Gives the machine's Docker engine."""
    reach: Callable[[str], str]
    """Gives the address here by which an address of the machine's own network can be asked."""
    open: Callable[[], None]
    """Connects; what comes first may do so, too."""
    close: Callable[[], None]
    """Ends all that was opened on the way."""


def here() -> Transport:
    """No way at all: the server is on this machine."""
    return Transport(
        HERE, "", LocalCommands(), local_processes(), DockerEngine, str, _nothing, _nothing
    )


def over_ssh(connection: Connection) -> Transport:
    """The way over an SSH connection."""
    place = Place(connection.name)

    def connect() -> Engine:
        looked = connection.run(("sh", "-c", _LOOK, "sh", SOCKET), timeout=_ASK_SECONDS)
        if looked.exit_code == _NOT_WRITABLE:
            raise NotRefreshed(
                f"{connection.user} has no permission on the Docker socket of {place}",
                hint=f"there, as root: usermod --append --groups docker {connection.user}",
            )
        if looked.exit_code:
            raise NotRefreshed(
                f"no Docker engine {place.here}: there is no socket {SOCKET}",
                hint="start Docker there, or name a `unit`, a `pid-file` or a `process-name`",
            )
        return DockerEngine(str(connection.forward_socket(SOCKET)))

    def reach(url: str) -> str:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]
        # A certificate is for the name, which is the same at this end where it is `localhost`.
        name = "localhost" if parts.scheme == "https" and host == "localhost" else "127.0.0.1"
        local = connection.forward_port(host, port)
        return urlunsplit(parts._replace(netloc=f"{name}:{local}"))

    return Transport(
        place,
        "over SSH",
        connection,
        RemoteProcesses(connection, place),
        connect,
        reach,
        connection.open,
        connection.close,
    )


def _nothing() -> None:
    """There is nothing to open, and nothing to close."""
