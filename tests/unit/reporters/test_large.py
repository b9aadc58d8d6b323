"""However much there is to say, a report is of bounded size, and tells what it leaves out."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.unit.reporters.renderers import RENDERERS
from tests.unit.reporters.reports import CLOSED, MANY, MANY_STALE, saying

from pgrst_gate import session
from pgrst_gate.inputs import Given
from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Destinations, EndpointResult, Event, Report

MIB = 1024**2


def named(text: str) -> set[int]:
    """The items of `MANY` and `MANY_STALE` that a text names."""
    return set(map(int, re.findall(r"relation (?:&quot;)?app\.t(\d+)\b", text)))


@pytest.mark.parametrize("reporter", ["console", "summary", "json", "junit", "sarif", "gitlab"])
def test_each_of_hundreds_of_items_is_named(reporter: str) -> None:
    """Whoever looks for an item that is not served finds it."""
    text = RENDERERS[reporter](MANY_STALE)
    found = re.findall(r"\bapp\.t(\d+)\b", text)

    assert set(map(int, found)) >= set(range(490))
    assert len(text) < MIB // 2


def test_a_comment_counts_the_items_that_it_does_not_list() -> None:
    """It has the room for some hundred, and says how many more there are."""
    text = RENDERERS["comment"](MANY_STALE)
    (left_out,) = re.findall(r"\*\*([\d,]+) more are not shown here", text)

    assert len(named(text)) + int(left_out) == 500
    assert text.count("docker kill --signal SIGUSR1 api") == 1


@pytest.mark.parametrize(
    ("reporter", "count"),
    [
        ("annotations", " and 485 more\n"),
        ("badge", "gate closed: 10 of 500, unproven\n"),
        ("outputs", "\n10\n490\n"),
    ],
)
def test_what_has_no_room_for_items_counts_them(reporter: str, count: str) -> None:
    """So that some hundred items are not taken for the few that are named."""
    assert count in RENDERERS[reporter](MANY_STALE)


@pytest.mark.parametrize("reporter", ["console", "summary", "comment"])
def test_hundreds_of_items_that_are_served_are_a_line(reporter: str) -> None:
    """Nobody looks for a fault among them."""
    assert "500 as expected, not listed here" in RENDERERS[reporter](MANY)
    assert named(RENDERERS[reporter](MANY)) == set()


def test_junit_has_a_case_for_each_item_that_is_served() -> None:
    """A test report lists what passed."""
    assert RENDERERS["junit"](MANY).count("<testcase ") == 502  # with two endpoints


QUOTING = [name for name in RENDERERS if name not in {"json", "badge"}]
"""Those that quote, and cut what they quote. JSON has texts as they came: see the last test."""


@pytest.mark.parametrize("reporter", QUOTING)
def test_a_long_text_is_cut_and_said_to_be(reporter: str) -> None:
    """In whichever field of a report it is."""
    text = RENDERERS[reporter](saying("x" * 100_000))

    assert len(text) < 100_000
    assert re.search(r"\(\d+ more characters\)", text)


@pytest.mark.parametrize("reporter", [name for name in QUOTING if name != "outputs"])
def test_an_answer_of_five_mib_is_cut_and_said_to_be(reporter: str) -> None:
    """It is a line of the report like any other."""
    huge = "x" * 5 * MIB
    verdict = replace(CLOSED.not_served[0], told=(huge,), remedy=huge)
    endpoint = EndpointResult("/scans", "200", f"500 {huge}", passed=False)
    text = RENDERERS[reporter](replace(CLOSED, verdicts=(verdict,), endpoints=(endpoint,)))

    assert len(text) < 10_000
    assert re.search(r"\(524\d{4} more characters\)", text)


@pytest.fixture
def babbler() -> Iterator[str]:
    """The address of a server that answers every request by an error of 5 MiB."""
    said = b'{"code": "PGRST205", "message": "%s"}' % (b"x" * 5 * MIB)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Server", "postgrest/14.14")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

        do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                """The gate reads no more than it needs."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Kept:
    """A front that keeps the report."""

    report: Report

    def begin(self, secrets: Secrets) -> Callable[[Event], None]:
        """Show nothing."""
        del secrets
        return lambda _: None

    def finish(self, report: Report, destinations: Destinations) -> None:
        """Keep it."""
        del destinations
        self.report = report


def test_a_server_of_five_mib_errors_leaves_a_short_report(babbler: str) -> None:
    """From the first question to the last format: no answer is kept whole."""
    inputs = {"url": babbler, "runtime": "none", "timeout": "1s", "expected-tables": "a, b"}
    front = Kept()

    session.run({name: Given(text, name) for name, text in inputs.items()}, front)

    assert "more than 262144 bytes of answer" in front.report.sentence
    for render in RENDERERS.values():
        assert len(render(front.report)) < 20_000
