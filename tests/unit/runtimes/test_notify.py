"""The notify runtime, as far as it needs no database."""

from __future__ import annotations

import socket
import time

import pytest

from pgrst_gate import database
from pgrst_gate.errors import Cancelled, NotRefreshed
from pgrst_gate.runtimes.interface import Instance
from pgrst_gate.runtimes.notify import Notify, who_hears

SERVER = "PostgREST 14.14"


@pytest.mark.parametrize(
    ("statement", "channel", "heard"),
    [
        ('LISTEN "pgrst"', "pgrst", True),
        ("LISTEN pgrst", "pgrst", True),
        ("listen PGRST;", "pgrst", True),
        ('\n  LISTEN "MyChan"', "MyChan", True),
        ('LISTEN "my ""chan"""', 'my "chan"', True),
        ("LISTEN MyChan", "MyChan", False),
        ('LISTEN "PGRST"', "pgrst", False),
        ('UNLISTEN "pgrst"', "pgrst", False),
        ("SELECT 'LISTEN pgrst'", "pgrst", False),
    ],
)
def test_a_listener_is_known_by_its_statement(statement: str, channel: str, *, heard: bool) -> None:
    """A channel is an identifier: quoted it is as written, unquoted it is folded."""
    listeners, warning = who_hears([("x", "SELECT 1"), (SERVER, statement)], channel)

    assert bool(listeners) is heard
    assert bool(warning) is not heard


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([(SERVER, "SELECT 1")], "PostgREST is connected but does not show that it listens"),
        ([(SERVER, 'LISTEN "other"')], "does not show that it listens: check db-channel"),
        ([(SERVER, "<insufficient privilege>")], "this user may not see whether it listens"),
        ([("psql", "SELECT 1")], "nobody may hear it"),
        ([("psql", "<insufficient privilege>")], "nobody may hear it"),
        ([], "nobody may hear it"),
    ],
)
def test_a_notification_into_the_void_is_warned_of(
    sessions: list[tuple[str, str]], expected: str
) -> None:
    """Where no listener is seen the warning says how much is known."""
    listeners, warning = who_hears(sessions, "pgrst")

    assert listeners == 0
    assert expected in warning


def test_replicas_are_counted() -> None:
    """Each server that listens is counted."""
    assert who_hears([(SERVER, 'LISTEN "pgrst"')] * 3, "pgrst") == (3, "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter/2@db/app",
        "postgresql://user:hunter@2@db/app",
        "postgresql://user:hunter%2@db/app",
        "postgresql://user:1/hunter2@db/app",
        "host=db password=hunter 2",
        "hunter2",
    ],
)
def test_a_malformed_url_is_not_repeated(url: str) -> None:
    """What libpq would misread, and then print in parts, is refused without a word of it."""
    with pytest.raises(NotRefreshed, match="not a valid connection URL") as refused:
        Notify(url).preflight("reload")

    shown = f"{refused.value} {refused.value.hint} {refused.value.__cause__}"
    assert "hunter" not in shown
    assert "%40" in refused.value.hint


@pytest.fixture
def silent() -> socket.socket:
    """A server that accepts connections and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.listen()
    return listener


def test_a_silent_database_is_given_up(
    monkeypatch: pytest.MonkeyPatch, silent: socket.socket
) -> None:
    """A server that accepts but never answers costs the connection's time, not for ever."""
    monkeypatch.setattr(database, "CONNECT_SECONDS", 2)
    url = f"postgresql://user:hunter2@127.0.0.1:{silent.getsockname()[1]}/app"

    with silent, pytest.raises(NotRefreshed, match="timeout") as refused:
        Notify(url).preflight("reload")

    assert "firewall" in refused.value.hint
    assert "hunter2" not in str(refused.value)


@pytest.mark.usefixtures("cancel_soon")
def test_a_cancellation_ends_the_attempt(silent: socket.socket) -> None:
    """A cancellation passes through at once, also while the database keeps one waiting."""
    runtime = Notify(f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/app")
    started = time.monotonic()

    with silent, pytest.raises(Cancelled):
        runtime.preflight("reload")

    assert time.monotonic() - started < database.CONNECT_SECONDS


def test_a_closed_port_is_explained() -> None:
    """A database that is not there has a hint for containers, too."""
    with pytest.raises(NotRefreshed, match="Connection refused") as refused:
        Notify("postgresql://user:hunter2@127.0.0.1:1/app").preflight("reload")

    assert "localhost is the container itself" in refused.value.hint
    assert "hunter2" not in str(refused.value)


def test_a_restart_is_refused() -> None:
    """Through the database no server can be restarted, which is said before it is tried."""
    runtime = Notify("postgresql://127.0.0.1:1/app")

    with pytest.raises(NotRefreshed, match="cannot be restarted through its database"):
        runtime.preflight("restart")
    with pytest.raises(NotRefreshed, match="channel pgrst cannot be restarted"):
        runtime.restart(Instance("pgrst", "channel pgrst"))
