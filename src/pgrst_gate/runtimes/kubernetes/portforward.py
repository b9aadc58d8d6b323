"""A local port that leads to a pod: what `kubectl port-forward` does, over WebSockets.

The protocol is `v4.channel.k8s.io` of the kubelet (its package streaming/portforward): binary
messages, of which the first byte is a channel. Channel 0 is the data, channel 1 an error as text;
the first message on each holds the port number. A stream is one TCP connection.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import TYPE_CHECKING, Final

from pgrst_gate.errors import NotRefreshed

if TYPE_CHECKING:
    from httpx2.websockets import WebSocketSession

Open = Callable[[], "AbstractContextManager[WebSocketSession]"]
"""Opens a stream to the pod's port; raises `NotRefreshed`."""

_DATA, _ERROR = 0, 1
_PIECE: Final = 32_768
_BACKLOG: Final = 16
_LOOK_SECONDS: Final = 0.2
"""How often what is idle is looked at, for whether it has ended."""
_END_SECONDS: Final = 1.0


class Forward:
    """Listens on a port of this machine's loopback, for this machine alone, until it is closed."""

    def __init__(self, open_stream: Open) -> None:
        self._open = open_stream
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.settimeout(_LOOK_SECONDS)  # a close does not wake `accept` everywhere
        self._closing = threading.Event()
        self._carried: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self.port: Final[int] = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the listener and all connections; never raises."""
        self._closing.set()
        self._thread.join()
        self._listener.close()
        with self._lock:
            carried = dict(self._carried)
        for connection, thread in carried.items():
            _end(connection)
            thread.join(_END_SECONDS)

    def _accept(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._carry, args=(connection,), daemon=True)
                with self._lock:
                    self._carried[connection] = thread
                thread.start()

    def _carry(self, connection: socket.socket) -> None:
        """Both ways, until either side ends; what fails is told as a gateway tells it."""
        with ExitStack() as closing:
            closing.callback(self._forget, connection)
            closing.callback(_end, connection)
            try:
                stream = closing.enter_context(self._open())
            except NotRefreshed as error:
                _refuse(connection, str(error))
                return
            upwards = threading.Thread(target=_upload, args=(connection, stream), daemon=True)
            upwards.start()
            if refusal := _download(stream, connection, goes_on=upwards.is_alive):
                _refuse(connection, refusal)
            _end(connection)
            upwards.join()

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            del self._carried[connection]
        connection.close()


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _refuse(connection: socket.socket, why: str) -> None:
    """Answer as the gateway that cannot reach the pod: what asks here speaks HTTP."""
    body = why.encode()
    head = f"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}"
    with suppress(OSError):
        connection.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)


def _upload(connection: socket.socket, stream: WebSocketSession) -> None:
    from httpx2.websockets import HTTPXWSException
    from wsproto.utilities import LocalProtocolError

    with suppress(OSError, HTTPXWSException, LocalProtocolError):  # the last: the pod's side ended
        while piece := connection.recv(_PIECE):
            stream.send_bytes(bytes((_DATA,)) + piece)


def _download(
    stream: WebSocketSession, connection: socket.socket, goes_on: Callable[[], bool]
) -> str:
    """Until either side ends; gives what the error channel says, by which the pod is not reached.

    Nothing once the pod has answered: that would be said in the middle of an answer.
    """
    from httpx2.websockets import HTTPXWSException

    begun: set[int] = set()
    answered = False
    while True:
        try:
            message = stream.receive_bytes(_LOOK_SECONDS)
        except TimeoutError:
            if not goes_on():  # looked at only here: what has arrived is passed on first
                break
            continue
        except HTTPXWSException:
            break
        channel = message[0]
        if channel in begun and channel == _ERROR:
            return "" if answered else message[1:].decode(errors="replace")
        if channel in begun:
            answered = True
            with suppress(OSError):
                connection.sendall(message[1:])
        begun.add(channel)  # its first message is the port number
    return ""
