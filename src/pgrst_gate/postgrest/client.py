"""The one place that speaks HTTP to a PostgREST: bounded, without redirects, never raising."""

from __future__ import annotations

import re
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from pgrst_gate import __version__
from pgrst_gate.postgrest.answers import Answer
from pgrst_gate.postgrest.questions import Question

ANSWER_BYTES: Final = 256 * 1024
DOCUMENT_BYTES: Final = 64 * 1024 * 1024
"""For OpenAPI documents and the schema cache: 1,000 relations of 20 columns make 6.7 MB."""
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
NEAR_SECONDS: Final = 0.003
"""A round trip below which asking costs more than waiting: more connections gain little."""
NEAR_CONNECTIONS: Final = 2
FAR_CONNECTIONS: Final = 16
HANDFUL: Final = 25
"""Questions that one thread takes at a time: handing over each by itself costs a fifth more."""
_TIMEOUTS: Final = {
    "timeout": httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS).as_dict(),
}

Given = TypeVar("Given")
Found = TypeVar("Found")

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

    Connections are kept open. It speaks through httpx's transport, below its client: that costs a
    third less, and what the client adds (redirects, cookies) is not wanted here.
    """

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.url = url.rstrip("/")
        self.credentials = credentials
        self._headers = {"User-Agent": f"pgrst-gate/{__version__}"} | credentials.as_headers()
        # The same targets are asked round after round, and parsing them takes a tenth of the time.
        self._parsed = lru_cache(maxsize=8192)(lambda target: httpx.URL(self.url + target))
        self._transport = self._fresh()
        self._round_trip = float("inf")

    def _fresh(self) -> httpx.HTTPTransport:
        limits = httpx.Limits(max_connections=FAR_CONNECTIONS, max_keepalive_connections=None)
        return httpx.HTTPTransport(verify=_trust(self.url), limits=limits, proxy=_proxy(self.url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()

    def renew(self) -> None:
        """Drop all connections, so that a balancer may send the next questions elsewhere."""
        self._transport.close()
        self._transport = self._fresh()

    def using(self, credentials: Credentials) -> Client:
        """A client of the same URL with other credentials; the caller closes it."""
        return Client(self.url, credentials)

    def ask(self, question: Question, *, most: int = ANSWER_BYTES) -> Answer:
        """The answer, of which at most so many bytes are read. A longer one is a failure."""
        asked = time.monotonic()
        try:
            request = httpx.Request(
                question.method,
                self._parsed(question.target),
                headers=self._headers | question.headers,
                content=question.body,
                extensions=_TIMEOUTS,
            )
            answer = _read(self._transport.handle_request(request), most)
        except httpx.TimeoutException as error:
            late = "connection" if isinstance(error, httpx.ConnectTimeout) else "answer"
            answer = Answer(failure=f"no {late} in time")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            answer = Answer(failure=_reason(error))
        self._round_trip = min(self._round_trip, time.monotonic() - asked)
        return answer

    def side_by_side(
        self, ask: Callable[[Given], Found], given: Sequence[Given]
    ) -> Iterator[Found]:
        """What `ask` finds for each of the given, in order; many at once where the way is long.

        Nothing of it goes on after the iteration ends, also when that ends early.
        """
        if len(given) <= 1:
            yield from map(ask, given)
            return
        most = NEAR_CONNECTIONS if self._round_trip < NEAR_SECONDS else FAR_CONNECTIONS
        size = max(1, min(HANDFUL, len(given) // (most * 4)))
        handfuls = [given[first : first + size] for first in range(0, len(given), size)]
        pool = ThreadPoolExecutor(min(most, len(handfuls)), "ask")
        try:
            for found in pool.map(lambda some: [ask(one) for one in some], handfuls):
                yield from found
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


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
                return Answer(response.status_code, failure="the answer took too long")
    finally:
        response.close()
    headers = {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in response.headers.raw
    }
    return Answer(response.status_code, headers, bytes(body))


def _reason(error: Exception) -> str:
    """The innermost cause in few words: `[Errno 111] Connection refused`."""
    while error.__cause__ is not None or error.__context__ is not None:
        inner = error.__cause__ or error.__context__
        if not isinstance(inner, Exception):
            break
        error = inner
    return str(error) or type(error).__name__
