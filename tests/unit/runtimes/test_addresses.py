"""Where a container's API can be reached from here, on real sockets of this machine.

127.0.0.1 stands for a container, whose port is open or is not; and for a bridge's gateway, since
it is an address of this machine.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.unit.runtimes.doubles import FakeEngine, container, server

from pgrst_gate.runtimes.docker import addresses
from pgrst_gate.runtimes.docker.addresses import url_of
from pgrst_gate.runtimes.docker.docker import Docker
from pgrst_gate.runtimes.docker.engine import Attachment, Container, Published
from pgrst_gate.runtimes.interface import Address

HERE, ELSEWHERE = "127.0.0.1", "198.51.100.1"
BRIDGE = Attachment("app_default", "n1", HERE, HERE)
FOREIGN = Attachment("app_default", "n1", HERE, ELSEWHERE)
OVERLAY = Attachment("app_overlay", "n2", HERE, "")
MACHINE = Attachment("host", "n3", "", "")


@pytest.fixture(autouse=True)
def _on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """In no container, wherever the tests run."""
    monkeypatch.setattr(addresses, "in_container", lambda: False)
    monkeypatch.setattr(addresses, "own_container", str)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port on which somebody waits for requests."""
    with socket.create_server((HERE, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port on which nobody listens."""
    with socket.create_server((HERE, 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def hanging_up() -> Iterator[int]:
    """A port like that of Docker's proxy for a container in which nothing listens."""
    with socket.create_server((HERE, 0)) as listener:
        listener.settimeout(10)

        def accept() -> None:
            with suppress(TimeoutError):
                listener.accept()[0].close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def at(port: int, *attachments: Attachment, **changes: object) -> Container:
    """Give a container whose PostgREST is configured to listen on the port."""
    environment = {"PGRST_SERVER_PORT": str(port)}
    return container("api", environment=environment, attachments=attachments, **changes)


@pytest.mark.parametrize(
    ("attachments", "reached"),
    [
        ((BRIDGE,), True),
        ((OVERLAY, BRIDGE), True),
        ((MACHINE,), True),
        ((FOREIGN,), False),
        ((OVERLAY,), False),
        ((), False),
    ],
    ids=["bridge", "two networks", "the machine's own", "a foreign bridge", "overlay", "none"],
)
def test_a_container_is_asked_in_networks_of_this_machine(
    listening: int, attachments: tuple[Attachment, ...], *, reached: bool
) -> None:
    """Its address counts where this machine is its gateway: elsewhere it may be somebody else's."""
    url = url_of(at(listening, *attachments), FakeEngine([]))

    assert url == (f"http://127.0.0.1:{listening}" if reached else "")


def test_a_container_is_asked_in_networks_of_ones_own_container(
    monkeypatch: pytest.MonkeyPatch, listening: int
) -> None:
    """Where the gate runs in a container, the networks that both are in count, overlays too."""
    monkeypatch.setattr(addresses, "own_container", lambda: "me")
    monkeypatch.setattr(addresses, "in_container", lambda: True)
    engine = FakeEngine([container("me", attachments=(OVERLAY,))])

    assert url_of(at(listening, OVERLAY), engine) == f"http://127.0.0.1:{listening}"
    assert url_of(at(listening, MACHINE), engine) == ""


def test_a_task_in_an_overlay_is_asked_by_the_gateway_bridge(listening: int) -> None:
    """A container of an overlay network has a place in the bridge that joins it to its machine."""
    bridged = Attachment("docker_gwbridge", "n4", HERE, HERE)
    engine = FakeEngine([], bridged=bridged)

    assert url_of(at(listening, OVERLAY), engine) == f"http://127.0.0.1:{listening}"


@pytest.mark.parametrize("host", ["", "docker.example"])
def test_an_engine_elsewhere_tells_no_addresses_of_this_machine(listening: int, host: str) -> None:
    """172.18.0.3 of another machine is not the 172.18.0.3 that this one reaches."""
    assert url_of(at(listening, BRIDGE), FakeEngine([], host=host)) == ""


def test_the_default_port_of_the_machine_is_not_guessed_at() -> None:
    """In the machine's own network the port may be another server's unless it is configured."""
    assert url_of(container("api", attachments=(MACHINE,)), FakeEngine([]), awaited=True) == ""


@pytest.mark.parametrize(
    ("host", "engine_host", "reached"),
    [
        ("0.0.0.0", "localhost", True),  # noqa: S104 -- as the engine writes it
        ("127.0.0.1", "localhost", True),
        ("198.51.100.1", "localhost", False),
        ("0.0.0.0", "127.0.0.1", True),  # noqa: S104 -- the same
        ("0.0.0.0", "", False),  # noqa: S104 -- the same
    ],
)
def test_a_published_port_is_asked_where_the_container_cannot_be(
    listening: int, host: str, engine_host: str, *, reached: bool
) -> None:
    """As with Docker Desktop, or with an engine by TCP."""
    published = (Published(3001, host, 1), Published(3000, host, listening))
    engine = FakeEngine([], host=engine_host)

    url = url_of(container("api", attachments=(FOREIGN,), published=published), engine)

    assert url == (f"http://127.0.0.1:{listening}" if reached else "")


def test_a_published_port_is_at_the_gateway_of_ones_own_container(
    monkeypatch: pytest.MonkeyPatch, listening: int
) -> None:
    """Inside a container 127.0.0.1 is the container; its machine is the gateway."""
    monkeypatch.setattr(addresses, "in_container", lambda: True)
    monkeypatch.setattr(addresses, "gateway", lambda: "127.0.0.2")
    published = (Published(3000, "127.0.0.1", 1), Published(3000, "127.0.0.2", listening))
    with socket.create_server(("127.0.0.2", listening)):
        url = url_of(container("api", published=published), FakeEngine([]))

    assert url == f"http://127.0.0.2:{listening}"


def test_what_does_not_listen_has_no_address(closed: int, hanging_up: int) -> None:
    """A closed port is none, and neither is a proxy that accepts and hangs up at once."""
    published = (Published(closed, "127.0.0.1", hanging_up),)

    assert url_of(at(closed, BRIDGE, published=published), FakeEngine([])) == ""


def test_one_that_starts_again_keeps_having_an_address(closed: int) -> None:
    """What listened before a restart is awaited at its address of now."""
    with socket.create_server((HERE, closed)):
        api = at(closed, BRIDGE)
        engine = FakeEngine([api], {"api": [server(10)]})
        runtime = Docker("api", lambda: engine)
        (instance,) = runtime.preflight("restart")
        before = runtime.addresses(instance)
    engine.known = [replace(api, attachments=(replace(BRIDGE, address="127.0.0.2"),))]

    after = runtime.addresses(instance)

    assert before == (Address("container api", f"http://127.0.0.1:{closed}"),)
    assert after == (Address("container api", f"http://127.0.0.2:{closed}"),)


def test_one_that_never_listened_has_none(closed: int) -> None:
    """A closed port that was only guessed at is no address; a removed container has none."""
    engine = FakeEngine([at(closed, BRIDGE)], {"api": [server(10)]})
    runtime = Docker("api", lambda: engine)
    (instance,) = runtime.preflight("restart")

    assert runtime.addresses(instance) == ()
    engine.known = []
    assert runtime.addresses(instance) == ()
