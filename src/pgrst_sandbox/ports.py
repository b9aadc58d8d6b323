"""TCP ports of loopback."""

import secrets
import socket
from contextlib import suppress
from typing import Final

_RANGE: Final = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections, which would take one before it is used."""


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    while True:
        port = secrets.choice(_RANGE)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
