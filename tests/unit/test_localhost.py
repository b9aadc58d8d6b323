"""What `localhost` means inside a container."""

import socket
from pathlib import Path

import pytest

from pgrst_gate import localhost
from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes import surroundings
from pgrst_gate.runtimes.transports import helper
from pgrst_gate.runtimes.transports.outside import out_of_container

ROUTES = """\
Iface Destination Gateway  Flags RefCnt Use Metric Mask     MTU Window IRTT
eth0  0011A8C0    00000000 0001  0      0   0      00FFFFFF 0   0      0
eth0  00000000    0111A8C0 0003  0      0   0      00000000 0   0      0
"""


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("http://api.localhost", True),
        ("http://172.17.0.1:3000", False),
        ("http://postgrest:3000", False),
    ],
)
def test_local_addresses_are_told(url: str, *, local: bool) -> None:
    """Names and loopback addresses of both kinds."""
    assert localhost.is_local(url) is local


@pytest.fixture
def contained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Inside a container, with a route file to write."""
    monkeypatch.setattr(localhost, "in_container", lambda: True)
    monkeypatch.setattr(surroundings, "_ROUTES", tmp_path / "route")
    (tmp_path / "route").write_text(ROUTES)
    return tmp_path / "route"


def test_the_gateway_is_read_from_the_routes(
    contained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row without a destination; the address is in the machine's byte order."""
    del contained
    tried: list[str] = []

    def listens(url: str) -> bool:
        tried.append(url)
        return "localhost" not in url

    monkeypatch.setattr(localhost, "_listens", listens)

    assert localhost.from_inside("http://localhost:3000/rest") == "http://192.168.17.1:3000/rest"
    assert tried == ["http://localhost:3000/rest", "http://192.168.17.1:3000/rest"]


@pytest.mark.parametrize("routes", ["", ROUTES.splitlines()[0], None])
def test_without_a_route_there_is_no_outside(contained: Path, routes: str | None) -> None:
    """A container without a network."""
    if routes is None:
        contained.unlink()
    else:
        contained.write_text(routes)

    assert localhost.from_inside("http://localhost:1") is None
    assert "the service's name" in localhost.hint("http://localhost:1")


def test_a_server_in_the_same_container_is_used_as_it_is(contained: Path) -> None:
    """Then localhost is meant."""
    del contained
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        assert localhost.from_inside(url) is None


def test_outside_of_a_container_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anybody told about containers."""
    monkeypatch.setattr(localhost, "in_container", lambda: False)

    assert localhost.from_inside("http://localhost:1") is None
    assert localhost.hint("http://localhost:1") == ""


def test_out_of_a_container_leads_no_way_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the machine itself `reach-host` is a mistake that is told before anything is begun."""
    monkeypatch.setattr(helper, "in_container", lambda: False)
    transport = out_of_container()

    with pytest.raises(NotRefreshed, match="leads out of a container, and this is none"):
        transport.open()
    transport.close()


def test_a_local_address_that_answers_needs_no_helper() -> None:
    """It is asked as it is, or at the gateway where the machine answers there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        assert out_of_container().reach(url) == url
