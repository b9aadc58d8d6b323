"""TCP ports for servers of tests and the demo."""

import os
import secrets
import socket
from collections import deque
from contextlib import suppress
from typing import Final

_RANGE: Final = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections, which would take one before it is used, or
while the server that has it restarts."""
_HELD: Final = 64
"""So many servers are never about to start at once."""

_namesakes: Final[deque[int]] = deque()


def free_port() -> int:
    """A port that nobody listens on at the moment, on any address, and that is given only once.

    What is given is marked for other processes by its namesake of UDP, which nothing here uses: it
    is held until this process ends, or has been given many others.
    """
    while True:
        port = secrets.choice(_RANGE)
        with (
            suppress(OSError),
            socket.socket() as listener,
            socket.socket(type=socket.SOCK_DGRAM) as namesake,
        ):
            namesake.bind(("127.0.0.1", port))
            listener.bind(("", port))
            _namesakes.append(namesake.detach())
            if len(_namesakes) > _HELD:
                os.close(_namesakes.popleft())
            return port
