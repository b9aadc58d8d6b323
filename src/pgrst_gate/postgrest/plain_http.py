"""HTTP/1.1 without TLS and without a proxy; llhttp reads the answers.

A round asks thousands of small questions, mostly of a server on the same machine. There httpx,
which reads in Python, takes most of the time of a round (docs/decisions/0007).
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import httptools
import httpx

from pgrst_gate.postgrest.answers import Answer

HEAD_BYTES: Final = 64 * 1024
"""Status line and headers of an answer, all together."""
_PIECE_BYTES: Final = 64 * 1024
_HEADER: Final = re.compile(rb"[!#$%&'*+.^_`|~\w-]+: [^\r\n\0]*")
_PLAIN_TARGET: Final = re.compile(r"[\w/?&=.,()%~!*:;@$'+-]*", re.ASCII)
_FRAMED: Final = {"content-length", "transfer-encoding"}


class PlainHttp:
    """A server's address, and connections to it that are kept open; for many threads at once."""

    def __init__(self, url: str, *, connect_seconds: float, answer_seconds: float) -> None:
        """``url`` is the base of all targets. An answer is given so many seconds, whole."""
        self._base = httpx.URL(url)
        self._host = self._base.netloc
        self._connect_seconds, self._answer_seconds = connect_seconds, answer_seconds
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._busy: set[socket.socket] = set()
        self._closed = False

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> Answer:
        """Send a request and read the answer, of whose body at most so many bytes.

        Raises httpx's errors, and `httpx.InvalidURL`.
        """
        message = self._message(method, target, headers, body)
        connection = self._connection()
        keep = False
        try:
            _send(connection, message, self._answer_seconds)
            reading = _Reading(connection, most, has_body=method != "HEAD")
            answer = reading.to_the_end(time.monotonic() + self._answer_seconds)
            keep = reading.keep
        finally:
            self._give_back(connection, keep=keep)
        return answer

    def close(self) -> None:
        """Close all connections; whoever waits for an answer on one gets an error."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = tuple(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            _hang_up(connection)

    def _message(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        """The request as it is sent. Raises `httpx.LocalProtocolError` for what is no header."""
        lines = [f"{name}: {value}".encode() for name, value in headers.items()]
        for line in lines:
            if not _HEADER.fullmatch(line):
                name = line.partition(b":")[0].decode("ascii", "replace")
                raise httpx.LocalProtocolError(f"the header {name!r} has forbidden characters")
        if body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        first = b"%s %s HTTP/1.1" % (method.encode("ascii"), self._path(target))
        host = b"Host: " + self._host
        return b"\r\n".join((first, host, *lines, b"", body or b""))

    def _path(self, target: str) -> bytes:
        """Path and query, percent-encoded."""
        if _PLAIN_TARGET.fullmatch(target):
            return self._base.raw_path.rstrip(b"/") + target.encode("ascii")
        return httpx.URL(str(self._base).rstrip("/") + target).raw_path

    def _connection(self) -> socket.socket:
        connection = self._kept() or self._connected()
        with self._lock:
            self._busy.add(connection)
        return connection

    def _kept(self) -> socket.socket | None:
        """One that is still open: what can be read on an idle connection is its end."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            poll = select.poll()
            poll.register(connection, select.POLLIN)
            if not poll.poll(0):
                return connection
            connection.close()

    def _connected(self) -> socket.socket:
        address = self._base.host, self._base.port or 80
        try:
            connection = socket.create_connection(address, self._connect_seconds)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    def _give_back(self, connection: socket.socket, *, keep: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            keep = keep and not self._closed  # a thread may end after the client
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()


class _Reading:
    """One answer on its way, and what llhttp calls as it reads it (`on_...`)."""

    def __init__(self, connection: socket.socket, most: int, *, has_body: bool) -> None:
        self.keep = False
        """Whether the connection can be used again."""
        self._connection, self._most, self._has_body = connection, most, has_body
        self._parser: Any = httptools.HttpResponseParser(self)
        self._status, self._body, self._read = 0, bytearray(), 0
        self._headers: dict[str, str] = {}
        self._has_head = self._complete = False

    def to_the_end(self, deadline: float) -> Answer:
        """The whole answer, or its status and why the rest was given up. Raises httpx's errors."""
        while not self._complete:
            left = deadline - time.monotonic()
            if left <= 0:
                raise httpx.ReadTimeout("no answer in time")
            self._receive(left)
            if len(self._body) > self._most:
                self.keep = False
                return Answer(self._status, failure=f"more than {self._most} bytes of answer")
            if self._read > HEAD_BYTES and not self._has_head:
                raise httpx.RemoteProtocolError(f"more than {HEAD_BYTES} bytes of headers")
        return Answer(self._status, self._headers, bytes(self._body))

    def _receive(self, seconds: float) -> None:
        """Read once, and have it parsed."""
        try:
            self._connection.settimeout(seconds)
            data = self._connection.recv(_PIECE_BYTES)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time") from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        if not data:
            self._end()
            return
        self._read += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise httpx.RemoteProtocolError(f"not HTTP: {error}") from error

    def _end(self) -> None:
        """The server has closed the connection: the end of a body whose length it did not tell."""
        if not self._has_head:
            raise httpx.RemoteProtocolError("the server disconnected without an answer")
        if not _FRAMED.isdisjoint(self._headers):
            raise httpx.RemoteProtocolError("the connection was closed amid the answer")
        self._complete = True

    def on_message_begin(self) -> None:
        if self._complete:
            raise httpx.RemoteProtocolError("two answers to one question")
        self._headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = int(self._parser.get_status_code())
        self._has_head = self._status >= httpx.codes.OK  # `100 Continue` is no answer yet
        self._complete = self._has_head and not self._has_body

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._has_head:
            self.keep = bool(self._parser.should_keep_alive())
            self._complete = True


def _send(connection: socket.socket, message: bytes, seconds: float) -> None:
    try:
        connection.settimeout(seconds)
        connection.sendall(message)
    except TimeoutError as error:
        raise httpx.WriteTimeout("nothing was taken") from error
    except OSError as error:
        raise httpx.WriteError(str(error)) from error


def _hang_up(connection: socket.socket) -> None:
    """End a connection that another thread may be waiting on, which closing it does not wake."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended by itself
        return
