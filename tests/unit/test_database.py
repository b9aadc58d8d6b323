"""A connection that fails: what is said, and what to type."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import psycopg
import pytest

from pgrst_gate.database import connected
from pgrst_gate.errors import NotRefreshed

DIRECT = "db.abcdefghijklmnopqrst.supabase.co"
ENCRYPTION = {80877103, 80877104}
"""SSLRequest and GSSENCRequest, which a server without either declines with `N`."""


def refused(url: str) -> NotRefreshed:
    """Why no connection is made."""
    with pytest.raises(NotRefreshed) as caught, connected(url, "notified", NotRefreshed):
        pass
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    return caught.value


def test_a_host_that_nobody_knows_is_told() -> None:
    """A real resolver's failure; `.invalid` never exists (RFC 6761)."""
    error = refused("postgresql://user:hunter2@db.invalid/app")

    assert "db.invalid" in str(error)
    assert "check the host" in error.hint


@pytest.mark.parametrize(
    "said",
    [
        f"failed to resolve host '{DIRECT}': [Errno -5] No address associated with hostname",
        f'connection to server at "{DIRECT}" (2600::1) failed: Network is unreachable',
        'connection to server at "2600:1f18::1", port 5432 failed: No route to host',
        "connection timeout expired",
    ],
)
def test_a_direct_host_without_a_way_there_is_explained(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Supabase's own host answers on IPv6 only: the pooler's form and the API are named."""

    def fail(*_: object, **__: object) -> None:
        raise psycopg.OperationalError(said)

    monkeypatch.setattr(psycopg, "connect", fail)

    error = refused(f"postgresql://postgres:hunter2@{DIRECT}:5432/postgres")

    assert said in str(error)
    assert "IPv6 only" in error.hint
    assert (
        "postgres.abcdefghijklmnopqrst:<password>@aws-<n>-<region>.pooler.supabase.com:5432"
        in error.hint
    )
    assert "`runtime: supabase`" in error.hint


def test_a_wrong_password_at_a_direct_host_is_not_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever got an answer had a way there."""

    def fail(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("FATAL: password authentication failed for user")

    monkeypatch.setattr(psycopg, "connect", fail)

    assert "check user and password" in refused(f"postgresql://postgres:hunter2@{DIRECT}/d").hint


@pytest.fixture
def pooler() -> Iterator[int]:
    """A server that knows no tenant, in the words of Supabase's pooler; gives its port."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while True:
                length, code = struct.unpack("!II", connection.recv(8, socket.MSG_WAITALL))
                connection.recv(length - 8)
                if code not in ENCRYPTION:
                    break
                connection.sendall(b"N")
            fields = b"SFATAL\0VFATAL\0CXX000\0MTenant or user not found\0\0"
            connection.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_user_without_the_project_is_told_of_the_pooler(pooler: int) -> None:
    """Supabase's pooler tells projects apart by the user's name."""
    error = refused(f"postgresql://postgres:hunter2@127.0.0.1:{pooler}/postgres")

    assert "Tenant or user not found" in str(error)
    assert "postgres.abcdefghijklmnopqrst" in error.hint
