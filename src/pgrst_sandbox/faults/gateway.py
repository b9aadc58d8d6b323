"""What stands between a client and PostgREST: a gateway that changes, keeps or refuses."""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from typing import Final
from urllib.parse import urlsplit

_HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What it is told."""

    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Answer = Callable[[Request], Response]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address
        if not isinstance(sys.exception(), ConnectionError):  # a client may hang up
            traceback.print_exc()


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server on a free port that answers so; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave together, or the second waits for an acknowledgement

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
            del format, args

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, self.rfile.read(length))
            response = answer(request)
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

        do_GET = do_HEAD = do_POST = do_OPTIONS = answer  # noqa: N815 - by http.server

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@dataclass(slots=True)
class Gateway:
    """Passes requests on to an upstream URL, with changes."""

    upstream: str
    prefix: str = ""
    """Where the API begins; other paths are not found."""
    drops: Sequence[str] = ()
    """Headers of the request that do not get through, in lower case."""
    hides: Sequence[str] = ()
    """Headers of the response that do not come back, in lower case."""
    answers_options: bool = False
    """It answers OPTIONS by itself, with all methods for any path."""
    closes_root: bool = False
    """It refuses the API's description to whoever asks, as Supabase does without a secret key."""
    keeps: bool = False
    """It keeps the first answer to each address, whatever the headers; to OPTIONS none, which no
    cache may keep (RFC 9110, 9.3.7)."""
    refuses: int = 0
    """It answers by itself, with this status and a page."""
    passes_after: float = inf
    """The number of such answers after which it lets requests through."""
    _kept: dict[tuple[str, str], Response] = field(default_factory=dict)

    def __call__(self, request: Request) -> Response:
        if self.refuses and self.passes_after > 0:
            self.passes_after -= 1
            return Response(self.refuses, {"Content-Type": "text/html"}, b"<html>Sorry</html>")
        if not request.target.startswith(self.prefix):
            return Response(404, {"Content-Type": "application/json"}, b'{"error": "Not Found"}')
        if self.answers_options and request.method == "OPTIONS":
            return Response(200, {"Allow": "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"})
        target = request.target.removeprefix(self.prefix) or "/"
        if self.closes_root and target == "/":
            return Response(403, {"Content-Type": "application/json"}, b'{"message": "Forbidden"}')
        if not self.keeps or request.method == "OPTIONS":
            return self._passed_on(replace(request, target=target))
        key = request.method, target
        if key not in self._kept:
            self._kept[key] = self._passed_on(replace(request, target=target))
        return self._kept[key]

    def _passed_on(self, request: Request) -> Response:
        lost, hidden = {*self.drops, *_HOP_BY_HOP}, {*self.hides, *_HOP_BY_HOP}
        headers = {name: value for name, value in request.headers.items() if name not in lost}
        with closing(HTTPConnection(urlsplit(self.upstream).netloc)) as connection:
            connection.request(request.method, request.target, request.body, headers)
            answer = connection.getresponse()
            kept = {
                name: text for name, text in answer.headers.items() if name.lower() not in hidden
            }
            return Response(answer.status, kept, answer.read())
