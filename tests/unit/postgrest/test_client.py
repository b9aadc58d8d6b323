"""The client, against servers that behave in every way but the right one."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from pgrst_gate.postgrest import client as client_module
from pgrst_gate.postgrest.client import Client, Credentials
from pgrst_gate.postgrest.questions import Question

READ = Question("GET", "/scans?limit=0", "public")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"
OTHER_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYiJ9.c2ln"


@contextmanager
def server(answer: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that does as told with each request; gives its URL and the requests."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection: socket.socket) -> None:
            with connection, suppress(OSError):  # the client may hang up at any time
                while request := connection.recv(65536):
                    requests.append(request)
                    answer(connection, request)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", requests
        listening.shutdown(socket.SHUT_RDWR)


def says(response: bytes) -> Callable[[socket.socket, bytes], None]:
    """Sends these bytes to every request."""
    return lambda connection, _request: connection.sendall(response)


def body(content: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def test_an_answer_has_status_headers_and_body() -> None:
    """Header names in lower case, as HTTP treats them."""
    with (
        server(says(body(b"[]", "206 Partial", "X-Some: Thing"))) as (url, _),
        client(url) as asking,
    ):
        answer = asking.ask(READ)

    assert (answer.status, answer.body, answer.headers["x-some"]) == (206, b"[]", "Thing")


def client(url: str, credentials: Credentials | None = None) -> Client:
    """A client without credentials unless they are given."""
    return Client(url, credentials or Credentials())


Way = Callable[[str], str]


@pytest.fixture(params=["direct", "proxied"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """The URL by which a server is asked: its own, or any, with the server as proxy."""

    def proxied(url: str) -> str:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        return "http://api.example:3000"

    return proxied if request.param == "proxied" else str


ENDLESS = b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 10_000


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (b"", "disconnected"),
        (b"\x00\xff garbage\r\n\r\n", "HTTP|status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "closed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf", "closed"),
        (body(b"x" * 2000), "more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: no number\r\n\r\n", "content-length"),
        (ENDLESS, "bytes of headers|receive buffer"),
    ],
    ids=[
        "nothing",
        "garbage",
        "half a body",
        "half of its chunks",
        "too much",
        "no chunk",
        "no length",
        "endless headers",
    ],
)
def test_whatever_is_no_answer_is_a_failure(answer: bytes, part: str, way: Way) -> None:
    """It says why, and nothing is raised."""

    def once(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    with server(once) as (url, _), client(way(url)) as asking:
        found = asking.ask(READ, most=1000)

    assert re.search(part, found.failure, re.IGNORECASE)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (body(b"[]"), 1),
        (CHUNKED, 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + body(b"[]"), 1),
        (body(b"[]", "200 OK", "Connection: close"), 2),
    ],
    ids=["with its length", "in chunks", "after an interim one", "the last one"],
)
def test_an_answer_may_come_in_any_form(answer: bytes, connections: int, way: Way) -> None:
    """And the connection serves for the next question, unless the server says otherwise."""
    used = set()

    def note(connection: socket.socket, _request: bytes) -> None:
        used.add(connection.getpeername())
        connection.sendall(answer)

    with server(note) as (url, _), client(way(url)) as asking:
        found = [asking.ask(READ), asking.ask(READ)]

    assert [one.body for one in found] == [b"[]", b"[]"]
    assert len(used) == connections


def test_an_answer_of_unknown_length_ends_with_its_connection(way: Way) -> None:
    """As HTTP/1.0 has it."""

    def old(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n[]")
        connection.shutdown(socket.SHUT_RDWR)

    with server(old) as (url, _), client(way(url)) as asking:
        found = [asking.ask(READ), asking.ask(READ)]

    assert [(one.body, one.failure) for one in found] == [(b"[]", ""), (b"[]", "")]


def test_the_answer_to_head_has_no_body(way: Way) -> None:
    """Whatever length its headers tell of."""
    with (
        server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as (url, _),
        client(way(url)) as asking,
    ):
        answer = asking.ask(Question("HEAD", "/scans"))

    assert (answer.status, answer.body, answer.failure) == (200, b"", "")


def test_an_answer_that_nobody_asked_for_answers_nothing() -> None:
    """Two to the first question: none of them is taken for the answer to the next.

    (httpx would take it: through a proxy or TLS only the tokens of the questions protect.)
    """

    def twice(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(body(b"[1]") + body(b"[2]"))

    with server(twice) as (url, _), client(url) as asking:
        found = [asking.ask(READ), asking.ask(READ)]

    assert {one.body for one in found} <= {b"", b"[1]"}


def test_a_connection_that_was_closed_meanwhile_is_replaced(way: Way) -> None:
    """The server need not keep what the client keeps."""

    def impatient(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(body(b"[]"))
        connection.shutdown(socket.SHUT_RDWR)

    with server(impatient) as (url, _), client(way(url)) as asking:
        first = asking.ask(READ)
        time.sleep(0.05)
        second = asking.ask(READ)

    assert (first.body, second.body, second.failure) == (b"[]", b"[]", "")


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\nb", "a\0b"])
def test_a_header_cannot_smuggle_another(value: str, way: Way) -> None:
    """What may not be in a header is not sent at all."""
    with (
        server(says(body(b"[]"))) as (url, requests),
        client(way(url), Credentials("", "", {"X-Key": value})) as asking,
    ):
        answer = asking.ask(READ)

    assert answer.failure
    assert requests == []


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/scans?select=a,b", b"/scans?select=a,b"),
        ("/Odd Näme?x=eq.1", b"/Odd%20N%C3%A4me?x=eq.1"),
        ("/a%20b", b"/a%20b"),
        ("/x HTTP/1.1\r\nX: y", b""),
    ],
)
def test_a_target_is_one_word(target: str, sent: bytes, way: Way) -> None:
    """What people write in an endpoint is encoded where it must be, and else left alone."""
    with server(says(body(b"[]"))) as (url, requests), client(way(url) + "/rest/v1/") as asking:
        asking.ask(Question("GET", target))

    assert all(b" HTTP/1.1\r\nX: y" not in request for request in requests)
    assert not sent or f"/rest/v1{sent.decode()} HTTP/1.1".encode() in requests[0]


def test_a_refused_connection_is_a_failure() -> None:
    """The most usual one, told in the system's words."""
    with client("http://127.0.0.1:1") as asking:
        assert "refused" in asking.ask(READ).failure


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """No question waits for ever."""
    monkeypatch.setattr(client_module, "ANSWER_SECONDS", 0.2)

    with server(lambda _connection, _request: None) as (url, _), client(url) as asking:
        assert asking.ask(READ).failure == "no answer in time"


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps no question alive beyond its time."""
    monkeypatch.setattr(client_module, "ANSWER_SECONDS", 0.2)

    def drip(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b".")
            time.sleep(0.01)

    with server(drip) as (url, _), client(url) as asking:
        assert asking.ask(READ).failure == "no answer in time"


def test_redirects_are_not_followed() -> None:
    """So credentials never reach another host."""
    redirect = body(b"", "302 Found", "Location: http://127.0.0.1:1/elsewhere")
    with server(says(redirect)) as (url, requests), client(url) as asking:
        answer = asking.ask(READ)

    assert (answer.status, len(requests)) == (302, 1)


def test_cookies_are_not_kept() -> None:
    """A balancer's sticky cookie would hide the other replicas."""
    sticky = body(b"[]", "200 OK", "Set-Cookie: server=a")
    with server(says(sticky)) as (url, requests), client(url) as asking:
        asking.ask(READ)
        asking.ask(READ)

    assert len(requests) == 2
    assert not any(b"cookie" in request.lower() for request in requests)


def test_no_connection_outlives_its_client() -> None:
    """Not even one that a thread of an abandoned round opens when the run is over."""
    ended = threading.Event()

    def answer(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(body(b"[]"))
        if connection.recv(1) == b"":
            ended.set()

    with server(answer) as (url, _):
        with client(url) as asking:
            pass
        assert asking.ask(READ).succeeded
        assert ended.wait(5)


def test_connections_are_kept_until_renewed() -> None:
    """One connection for many questions, a new one for a new round."""
    ports: list[int] = []

    def note(connection: socket.socket, _request: bytes) -> None:
        ports.append(connection.getpeername()[1])
        connection.sendall(body(b"[]"))

    with server(note) as (url, _), client(url) as asking:
        asking.ask(READ)
        asking.ask(READ)
        asking.renew()
        asking.ask(READ)

    assert ports[0] == ports[1] != ports[2]


@pytest.mark.parametrize("asked", [1, 2, 5, 12, 13])
def test_a_round_moves_on_by_one_server(asked: int) -> None:
    """So a balancer that deals out requests in turn shows each question all of its servers."""
    with server(says(body(b"[]"))) as (url, requests), client(url) as asking:
        for _ in range(2):
            for _ in range(asked):
                asking.ask(READ)
            asking.next_round()

    first, second = [number for number, one in enumerate(requests) if b"/scans?" in one][::asked]
    assert {(second - first) % servers for servers in (2, 3, 4, 6)} == {1}


@pytest.mark.parametrize(
    ("credentials", "sent", "not_sent"),
    [
        (Credentials("sb_secret_x"), {"apikey: sb_secret_x"}, {"authorization"}),
        (Credentials(JWT), {f"apikey: {JWT}", f"authorization: Bearer {JWT}"}, set()),
        (Credentials("", JWT), {f"authorization: Bearer {JWT}"}, {"apikey"}),
        (Credentials("", f"Bearer {JWT}"), {f"authorization: Bearer {JWT}"}, {"apikey"}),
        (
            Credentials(JWT, OTHER_JWT),
            {f"apikey: {JWT}", f"authorization: Bearer {OTHER_JWT}"},
            set(),
        ),
        (Credentials("", "", {"X-Key": "k"}), {"x-key: k"}, {"authorization", "apikey"}),
        (Credentials(JWT, OTHER_JWT).only("anonymous"), set(), {"authorization", "apikey"}),
        (Credentials(JWT, OTHER_JWT).only("api-key"), {f"authorization: Bearer {JWT}"}, set()),
    ],
)
def test_keys_go_where_they_are_understood(
    credentials: Credentials, sent: set[str], not_sent: set[str]
) -> None:
    """`sb_` keys in `apikey` alone, JWTs in both; a token is the role, a key opens the gateway."""
    with server(says(body(b"[]"))) as (url, requests), client(url, credentials) as asking:
        asking.ask(READ)

    lines = requests[0].decode().split("\r\n")
    headers = {f"{name.lower()}: {value}" for name, _, value in (x.partition(": ") for x in lines)}
    assert sent <= headers
    assert not any(line.startswith(f"{name}:") for line in headers for name in not_sent)


def test_questions_are_asked_side_by_side_and_answered_in_order() -> None:
    """Where the way is long, twenty questions take as long as two."""

    def slow(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.05)
        connection.sendall(body(request.split()[1]))

    with server(slow) as (url, _), client(url) as asking:
        asking.ask(READ)
        began = time.monotonic()
        targets = [f"/{number}" for number in range(20)]
        found = [
            answer.body.decode()
            for answer in asking.side_by_side(lambda t: asking.ask(Question("GET", t)), targets)
        ]

    assert found == targets
    assert time.monotonic() - began < 0.5


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As every other tool in the job does."""
    with server(says(body(b'"proxied"'))) as (proxy, requests):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with client("http://api.example:3000") as asking:
            answer = asking.ask(READ)

    assert answer.body == b'"proxied"'
    assert requests[0].startswith(b"GET http://api.example:3000/scans?limit=0 ")
