"""The server's side of a WebSocket (RFC 6455), for handlers of `http.server`."""

import base64
import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Final

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping
from wsproto.utilities import LocalProtocolError

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class WebSocket:
    """An accepted connection. It sends from any thread, and is received from by one."""

    raw: socket.socket
    frames: Connection = field(default_factory=lambda: Connection(ConnectionType.SERVER))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def accept(cls, handler: BaseHTTPRequestHandler, protocol: str) -> "WebSocket":
        """Answer the handshake, with one of the subprotocols that were offered."""
        key = handler.headers["Sec-WebSocket-Key"].encode()
        handler.send_response(101)
        handler.send_header("Upgrade", "websocket")
        handler.send_header("Connection", "Upgrade")
        accepted = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()  # noqa: S324 - RFC 6455
        handler.send_header("Sec-WebSocket-Accept", accepted)
        handler.send_header("Sec-WebSocket-Protocol", protocol)
        handler.end_headers()
        handler.wfile.flush()
        handler.close_connection = True
        return cls(handler.connection)

    def send(self, channel: int, data: bytes) -> None:
        """Send a message on a channel."""
        with self.lock:
            self.raw.sendall(self.frames.send(BytesMessage(data=bytes((channel,)) + data)))

    def close(self) -> None:
        """End it from this side."""
        with suppress(OSError, LocalProtocolError), self.lock:  # it may be closed already
            self.raw.sendall(self.frames.send(CloseConnection(code=1000)))

    def received(self) -> Iterator[bytes]:
        """The messages, until the other side ends."""
        whole = b""
        with suppress(OSError):
            while data := self.raw.recv(65536):
                self.frames.receive_data(data)
                for event in self.frames.events():
                    if isinstance(event, CloseConnection):
                        self.close()
                        return
                    if isinstance(event, Ping):
                        with self.lock:
                            self.raw.sendall(self.frames.send(event.response()))
                    if isinstance(event, BytesMessage):
                        whole += event.data
                        if event.message_finished:
                            yield whole
                            whole = b""
