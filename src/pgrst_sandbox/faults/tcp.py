"""A listener on loopback that pairs each connection with one of its own to somewhere else."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

PIECE_BYTES: Final = 65536

Pump = Callable[[socket.socket, socket.socket], None]
"""Passes on what comes from the first to the second, until either ends."""


@contextmanager
def forwarding(port: Callable[[], int], back: Pump | None = None) -> Iterator[int]:
    """Forward every connection to the port on loopback that is named then; gives its own port.

    ``back`` passes on the answers; without it they are passed on as they are.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=_accept, args=(listener, port, back or passed_on))
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def passed_on(source: socket.socket, sink: socket.socket) -> None:
    """A pump that changes nothing."""
    while data := source.recv(PIECE_BYTES):
        sink.sendall(data)


def _accept(listener: socket.socket, port: Callable[[], int], back: Pump) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port()))
            for pump, source, sink in ((passed_on, client, server), (back, server, client)):
                threading.Thread(target=_run, args=(pump, source, sink), daemon=True).start()


def _run(pump: Pump, source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        pump(source, sink)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
