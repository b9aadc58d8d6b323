"""Connections into the machine's network, each carried by a command in a helper container.

For what listens on the machine's 127.0.0.1, which no container reaches by itself.
"""

from __future__ import annotations

import socket
import sys
from contextlib import closing, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Final

from pgrst_gate.runtimes.transports.helper import Helper

_BYTES: Final = 1 << 16

_CARRY: Final = f"""
import os, socket, sys, threading
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def there():
    while data := os.read(0, {_BYTES}):
        peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=there, daemon=True).start()
while data := peer.recv({_BYTES}):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""


@dataclass(slots=True)
class Relay:
    """A port of this container that leads to one in the helper's network."""

    helper: Helper
    host: str
    port: int
    _listener: socket.socket = field(init=False)

    def open(self) -> int:
        """Listen; gives the port, on 127.0.0.1. Raises `NotRefreshed`."""
        self.helper.open()
        self._listener = socket.create_server(("127.0.0.1", 0))
        Thread(target=self._accept, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        """Carry one connection to its end; a server that refuses it ends it without an answer."""
        from docker.errors import DockerException
        from docker.utils.socket import frames_iter

        api = self.helper.surrounding.api
        command = [sys.executable, "-c", _CARRY, self.host, str(self.port)]
        with client, suppress(DockerException, OSError):
            made = api.exec_create(self.helper.name, command, stdin=True, stderr=False)["Id"]
            with closing(api.exec_start(made, socket=True)) as stream:
                there = getattr(stream, "_sock", stream)
                Thread(target=_forward, args=(client, there), daemon=True).start()
                frames = frames_iter(stream, tty=False)  # type: ignore[no-untyped-call]
                for _, data in frames:
                    client.sendall(data)


def _forward(client: socket.socket, there: socket.socket) -> None:
    """All that the client says, and that it says no more."""
    with suppress(OSError):
        while data := client.recv(_BYTES):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)
