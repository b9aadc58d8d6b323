"""HTTP/1.1 on a bare socket protocol: keep-alive, one request after the other per connection."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import lru_cache
from http.client import responses
from typing import Any, Final

import httptools

from pgrst_sandbox.answers import Response
from pgrst_sandbox.request import HttpRequest

Answer = Callable[[HttpRequest], Response | Awaitable[Response]]

_NO_BODY: Final = frozenset({204, 304})


class Protocol(asyncio.Protocol):
    """One client connection. `answer` may answer at once or be waited for."""

    def __init__(self, answer: Answer, server: str, connections: set["Protocol"]) -> None:
        self._answer = answer
        self._server = server
        self._connections = connections
        self._parser: Any = httptools.HttpRequestParser(self)
        self._queue: deque[tuple[HttpRequest, bool]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = b""
        self._closing = False
        self.closed = asyncio.Event()
        """Set when the client has gone."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection, for the end."""
        self._transport = transport  # type: ignore[assignment]  # TCP transports are Transports
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the connection, and whatever it was waiting for."""
        self._connections.discard(self)
        self._transport = None
        self.closed.set()
        if self._running is not None:
            self._running.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the methods below."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.close()

    def on_message_begin(self) -> None:
        """A request starts."""
        self._target, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; what is sent twice is one list."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """A request is complete: answer it now, or after those before it."""
        path, _, query = self._target.decode("latin-1").partition("?")
        method = self._parser.get_method().decode()
        http = HttpRequest(method, path, query, self._headers, self._body)
        keep = self._parser.should_keep_alive()
        if self._running is not None:
            self._queue.append((http, keep))
            return
        result = self._answer(http)
        if isinstance(result, Response):
            self._write(http, result, keep=keep)
        else:
            self._running = asyncio.ensure_future(self._finish(http, result, keep=keep))

    def finish(self) -> None:
        """Close as soon as no request is running."""
        self._closing = True
        if self._running is None and self._transport is not None:
            self._transport.close()

    async def _finish(self, http: HttpRequest, result: Awaitable[Response], *, keep: bool) -> None:
        try:
            self._write(http, await result, keep=keep)
            while self._queue:
                waiting, keep = self._queue.popleft()
                following = self._answer(waiting)
                response = following if isinstance(following, Response) else await following
                self._write(waiting, response, keep=keep)
        except Exception:  # a bug: asyncio shows it, and the client must not wait for ever
            if self._transport is not None:
                self._transport.close()
            raise
        self._running = None

    def _write(self, http: HttpRequest, response: Response, *, keep: bool) -> None:
        if self._transport is None:
            return
        keep = keep and not self._closing
        lines = [_status_line(response.status), _date(int(time.time())), self._server]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if response.status not in _NO_BODY:
            lines.append(f"Content-Length: {len(response.body)}")
        if not keep:
            lines.append("Connection: close")
        head = "\r\n".join((*lines, "\r\n")).encode()
        with_body = http.method != "HEAD" and response.status not in _NO_BODY
        self._transport.write(head + response.body if with_body else head)
        if not keep:
            self._transport.close()


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return f"Date: {formatdate(now, usegmt=True)}"


@lru_cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}"
