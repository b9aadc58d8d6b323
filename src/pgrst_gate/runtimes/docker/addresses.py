"""Where a container's API can be reached from here, with no balancer between.

An address belongs to a machine: the same 172.18.0.3 may be somebody else's on this one. So a
container's own address is taken only where this machine, or this container, is in its network.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from pgrst_gate.postgrest.listening import PORT, port_of
from pgrst_gate.runtimes.docker.engine import Attachment, Container, Engine
from pgrst_gate.runtimes.surroundings import gateway, in_container, own_container

CONNECT_SECONDS: Final = 1.0
HANG_UP_SECONDS: Final = 0.05
"""Docker's proxy accepts for a container in which nothing listens, and hangs up at once."""
EVERYWHERE: Final = frozenset({"", "0.0.0.0"})  # noqa: S104 -- read, not bound


def url_of(container: Container, engine: Engine, *, awaited: bool = False) -> str:
    """The API's base address; empty where it cannot be reached from here.

    ``awaited``: it may not listen yet, so it is enough that there is a way.
    """
    port = port_of(container.environment, container.exposed)
    if port is None:
        return ""
    ways = [*_direct(container, port, engine), *_published(container, port, engine)]
    for host, number in ways:
        if _listens(host, number):
            return f"http://{host}:{number}"
    return "http://{}:{}".format(*ways[0]) if awaited and ways else ""


def _direct(container: Container, port: int, engine: Engine) -> Iterator[tuple[str, int]]:
    """The container's own addresses, in the networks that this process is in as well."""
    if engine.host != "localhost":
        return
    mine = _own_networks(engine)
    for place in container.attachments:
        if _is_shared(place, mine):
            if place.address:
                yield place.address, port
            elif PORT in container.environment:  # another's may be the default port of a machine
                yield "127.0.0.1", port
    if any(place.address and not place.gateway for place in container.attachments):
        bridge = engine.gateway_bridge(container)
        if bridge and _is_shared(bridge, mine):
            yield bridge.address, port


def _published(container: Container, port: int, engine: Engine) -> Iterator[tuple[str, int]]:
    """Where the engine's machine publishes the port, as far as that is open to this process."""
    machine = engine.host
    if machine == "localhost":
        machine = (gateway() or "") if in_container() else "127.0.0.1"
    for one in container.published:
        if one.inside == port and machine and one.host in {*EVERYWHERE, machine}:
            yield machine, one.port


def _own_networks(engine: Engine) -> frozenset[str]:
    """The ids of the networks that the container is in which this runs in, if it does."""
    own = own_container()
    container = engine.container(own) if own else None
    return (
        frozenset(place.network_id for place in container.attachments) if container else frozenset()
    )


def _is_shared(place: Attachment, mine: frozenset[str]) -> bool:
    """Whether this process is in the network: by its container, or as the machine at its gateway.

    A bridge's gateway is an address of the engine's machine.
    """
    if place.network_id in mine:
        return True
    if place.network == "host":
        return not in_container()
    return bool(place.gateway) and _is_own(place.gateway)


def _is_own(address: str) -> bool:
    """Whether it is an address of the machine (or container) this runs on."""
    with socket.socket() as probe, suppress(OSError):
        probe.bind((address, 0))
        return True
    return False


def _listens(host: str, port: int) -> bool:
    """Whether something answers there; Docker's own proxy does not count."""
    with socket.socket() as connection:
        connection.settimeout(CONNECT_SECONDS)
        if connection.connect_ex((host, port)):
            return False
        connection.settimeout(HANG_UP_SECONDS)
        try:
            return bool(connection.recv(1))
        except TimeoutError:  # it waits for a request
            return True
        except OSError:
            return False
