"""Several servers behind one address, so that answers flap while not all are fresh."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from urllib.parse import urlsplit

from pgrst_sandbox.faults.gateway import Gateway, Request, Response, serving
from pgrst_sandbox.faults.tcp import forwarding


@contextmanager
def balanced(urls: Sequence[str]) -> Iterator[str]:
    """A TCP balancer: each new connection goes to the next server. Gives its URL."""
    ports = cycle(urlsplit(url).port or 80 for url in urls)
    with forwarding(lambda: next(ports)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def balanced_by_request(urls: Sequence[str]) -> Iterator[str]:
    """An HTTP balancer: each request goes to the next server, whatever connection it came on."""
    gateways = cycle([Gateway(url) for url in urls])

    def by_the_next(request: Request) -> Response:
        return next(gateways)(request)

    with serving(by_the_next) as url:
        yield url
