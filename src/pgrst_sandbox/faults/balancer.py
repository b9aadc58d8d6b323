"""Several servers behind one address, so that answers flap while not all are fresh."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from urllib.parse import urlsplit

from pgrst_sandbox.faults.tcp import forwarding


@contextmanager
def balanced(urls: Sequence[str]) -> Iterator[str]:
    """A TCP balancer: each new connection goes to the next server. Gives its URL."""
    ports = cycle(urlsplit(url).port or 80 for url in urls)
    with forwarding(lambda: next(ports)) as port:
        yield f"http://127.0.0.1:{port}"
