"""A compose project: replicas of one service behind nginx, and clients that never stop asking.

Debian 12 has docker-compose 1 and Debian 13 version 2, and neither is sure to be there: the
containers are started without it, with the labels that both give them.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from tests.harness.containers import Database, Postgrest, wait_until

from pgrst_sandbox.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.harness.engine import Engine

# The name stands for all replicas that run; it is asked for again, since a restart may change an
# address. A server that does not answer, or has no schema cache yet, leaves it to the next.
NGINX = """
events {{}}
http {{
    access_log off;
    server {{
        listen 8080;
        resolver 127.0.0.11 valid=1s;
        location / {{
            set $service {service};
            proxy_pass http://$service:3000;
            proxy_connect_timeout 1s;
            proxy_next_upstream error timeout http_502 http_503;
        }}
    }}
}}
"""
_START = 'printf "%s" "$0" >/etc/nginx/nginx.conf && exec nginx -g "daemon off;"'


@dataclass(frozen=True, slots=True)
class Project:
    """A service of several replicas, `rest`, and the address in front of them."""

    name: str
    replicas: tuple[Postgrest, ...]
    url: str

    @property
    def inputs(self) -> dict[str, str]:
        """What names it to the gate."""
        return {"runtime": "compose", "project": self.name, "service": "rest"}


def labels(project: str, number: int, *, one_off: bool = False) -> list[str]:
    """The labels of a replica, as options of `docker run`."""
    given = {
        "project": project,
        "service": "rest",
        "container-number": str(number),
        "oneoff": str(one_off),
    }
    return [f"--label=com.docker.compose.{key}={value}" for key, value in given.items()]


@contextmanager
def project(
    engine: Engine,
    images: tuple[str, str],
    database: Database,
    network: str,
    *environments: Mapping[str, str],
) -> Iterator[Project]:
    """Start a replica for each environment, and nginx in front; the images are server's and its."""
    server, nginx = images
    name = engine.name("project")
    with ExitStack() as stack:

        def started(replica: Postgrest) -> Postgrest:
            stack.callback(replica.container.remove, force=True)
            return replica

        replicas = tuple(
            started(
                Postgrest.start(
                    *(engine, server, database),
                    network=network,
                    environment=environment,
                    options=[*labels(name, number), f"--network-alias={name}"],
                )
            )
            for number, environment in enumerate(environments, 1)
        )
        port = free_port()
        front = engine.start(
            nginx,
            *("sh", "-c", _START, NGINX.format(service=name)),
            name=engine.name("nginx"),
            options=[f"--network={network}", f"--publish=127.0.0.1:{port}:8080"],
        )
        stack.callback(front.remove, force=True)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url), front)
        yield Project(name, replicas, url)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


@dataclass(slots=True)
class Load:
    """What became of the requests so far."""

    answers: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many were made."""
        return self.answers.total()

    @property
    def failed(self) -> int:
        """How many had another answer than success, or none."""
        return self.total - self.answers["200"]


@contextmanager
def load(url: str, clients: int = 2) -> Iterator[Load]:
    """Ask without a pause, by several clients, until the end."""
    made, over = Load(), threading.Event()

    def ask() -> None:
        with httpx.Client() as client:
            while not over.is_set():
                try:
                    made.answers[str(client.get(url).status_code)] += 1
                except httpx.TransportError as error:
                    made.answers[type(error).__name__] += 1

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        over.set()
        for thread in threads:
            thread.join()
