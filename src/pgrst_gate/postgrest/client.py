"""The one place that speaks HTTP to a PostgREST: bounded, without redirects, never raising."""

from __future__ import annotations

import re
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from pgrst_gate import __version__
from pgrst_gate.postgrest import questions
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.plain_http import PlainHttp
from pgrst_gate.postgrest.questions import Question

ANSWER_BYTES: Final = 256 * 1024
DOCUMENT_BYTES: Final = 64 * 1024 * 1024
"""For OpenAPI documents and the schema cache: 1,000 relations of 20 columns make 6.7 MB."""
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
BALANCER_CYCLE: Final = 12
"""A balancer in turn gives the next question to the next of 2, 3, 4, 6 or 12 servers."""
CONNECTIONS: Final = 10
"""At most, to one server: as many as PostgREST's own to its database (`db-pool`)."""
HANDFUL: Final = 25
"""Questions that one thread takes at a time: handing over each by itself costs a fifth more."""

Given = TypeVar("Given")
Found = TypeVar("Found")


class _Wire(Protocol):
    """Sends one request and reads its answer; raises httpx's errors."""

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> Answer: ...

    def close(self) -> None: ...


_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the API. Never printed."""

    api_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def as_headers(self) -> dict[str, str]:
        """The headers that carry them.

        Supabase's keys that start with `sb_` go in `apikey` only: as a bearer token they are no JWT
        (PGRST301). A key that is a JWT goes in both, for `apikey` alone is the anonymous role on a
        plain PostgREST.
        """
        found = {}
        if self.api_key:
            found["apikey"] = self.api_key
        bearer = self.token or (self.api_key if _JWT.fullmatch(self.api_key) else "")
        if bearer:
            found["Authorization"] = f"Bearer {bearer.removeprefix('Bearer ')}"
        return found | dict(self.headers)

    def only(self, role: str) -> Credentials:
        """What is left of them for `anonymous`, `api-key` or `token` (all of them)."""
        if role == "anonymous":
            return Credentials()
        return Credentials(self.api_key, "", self.headers) if role == "api-key" else self


class Client:
    """Asks questions of one base URL with one set of credentials; every failure is an `Answer`.

    Connections are kept open. Nothing is followed, and no cookie is kept. ``via`` is the address
    that is asked in place of the URL: the near end of a tunnel to it.
    """

    def __init__(
        self, url: str, credentials: Credentials, *, connections: int = CONNECTIONS, via: str = ""
    ) -> None:
        self.url = url.rstrip("/")
        self.via = via.rstrip("/")
        self._connections = connections
        self._asked = 0
        self.credentials = credentials
        self._headers = {"User-Agent": f"pgrst-gate/{__version__}"} | credentials.as_headers()
        self._wire = self._fresh()

    def _fresh(self) -> _Wire:
        url = self.via or self.url
        proxy = _proxy(url) if not self.via else None
        if url.startswith("http:") and not proxy:
            return PlainHttp(url, connect_seconds=CONNECT_SECONDS, answer_seconds=ANSWER_SECONDS)
        return _Httpx(url, proxy)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wire.close()

    def next_round(self) -> None:
        """Have a balancer send the same questions elsewhere next time.

        One that deals out connections does so if there is one to a round, which is dropped. One
        that deals out requests does so if their number is not a multiple of that of its servers:
        some are added that ask for nothing.
        """
        while self._asked % BALANCER_CYCLE != 1:
            self.ask(questions.read_relation("", questions.random_name()))
        self._asked = 0
        self.renew()

    def renew(self) -> None:
        """Drop all connections: what is at their other end may be gone."""
        self._wire.close()
        self._wire = self._fresh()

    def using(self, credentials: Credentials) -> Client:
        """A client of the same URL with other credentials; the caller closes it."""
        return Client(self.url, credentials, via=self.via)

    def ask(self, question: Question, *, most: int = ANSWER_BYTES) -> Answer:
        """The answer, of which at most so many bytes are read. A longer one is a failure."""
        self._asked += 1
        try:
            return self._wire.exchange(
                question.method,
                question.target,
                self._headers | question.headers,
                question.body,
                most,
            )
        except httpx.TimeoutException as error:
            late = "connection" if isinstance(error, httpx.ConnectTimeout) else "answer"
            return Answer(failure=f"no {late} in time")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return Answer(failure=_reason(error))

    def side_by_side(
        self, ask: Callable[[Given], Found], given: Sequence[Given]
    ) -> Iterator[Found]:
        """What `ask` finds for each of the given, in order; several at once.

        Nothing of it goes on after the iteration ends, also when that ends early.
        """
        if min(len(given), self._connections) <= 1:
            yield from map(ask, given)
            return
        size = max(1, min(HANDFUL, len(given) // (self._connections * 4)))
        handfuls = [given[first : first + size] for first in range(0, len(given), size)]
        pool = ThreadPoolExecutor(min(self._connections, len(handfuls)), "ask")
        try:
            for found in pool.map(lambda some: [ask(one) for one in some], handfuls):
                yield from found
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Httpx:
    """TLS and proxies: httpx's transport, which is below redirects and cookies."""

    def __init__(self, url: str, proxy: str | None) -> None:
        self._url = url
        self._timeouts = {
            "timeout": httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS).as_dict()
        }
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=None)
        self._transport = httpx.HTTPTransport(verify=_trust(url), limits=limits, proxy=proxy)

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> Answer:
        """As `PlainHttp.exchange`."""
        url = self._url + target
        request = httpx.Request(
            method, url, headers=headers, content=body, extensions=self._timeouts
        )
        return _read(self._transport.handle_request(request), most)

    def close(self) -> None:
        self._transport.close()


def _read(response: httpx.Response, most: int) -> Answer:
    """The answer in a response, which is closed."""
    deadline = time.monotonic() + ANSWER_SECONDS
    body = bytearray()
    try:
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > most:
                return Answer(response.status_code, failure=f"more than {most} bytes of answer")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer took too long")
    finally:
        response.close()
    headers = {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in response.headers.raw
    }
    return Answer(response.status_code, headers, bytes(body))


def _trust(url: str) -> ssl.SSLContext | bool:
    """What to verify certificates with. Reading the trusted ones takes 20 ms, so only for TLS."""
    return _trusted() if url.startswith("https:") else False


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for a URL (`HTTPS_PROXY`, `NO_PROXY`, ...)."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _reason(error: Exception) -> str:
    """The innermost cause in few words: `[Errno 111] Connection refused`."""
    while error.__cause__ is not None or error.__context__ is not None:
        inner = error.__cause__ or error.__context__
        if not isinstance(inner, Exception):
            break
        error = inner
    return str(error) or type(error).__name__
