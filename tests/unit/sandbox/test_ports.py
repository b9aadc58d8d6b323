"""Ports for servers that are started side by side."""

import socket

import pytest

from pgrst_sandbox import ports


def test_a_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while nobody listens on it yet; nor is one on which somebody does."""
    given = ports.free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        taken = listener.getsockname()[1]
        free = ports.free_port() + 1
        drawn = iter([given, taken, given, free, free + 1, free + 2])
        monkeypatch.setattr("pgrst_sandbox.ports.secrets.choice", lambda _: next(drawn))

        assert free <= ports.free_port() <= free + 2
