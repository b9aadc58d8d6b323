"""The servers of one version over one database, reused from trial to trial."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from signal import SIGUSR1
from types import TracebackType
from typing import Any, Final, Self

import httpx
import psycopg

from campaign import cache
from campaign.bases import SCHEMAS
from campaign.catalog import look
from campaign.surface import Catalog, Surface
from pgrst_sandbox.faults.loads import blocked
from pgrst_sandbox.postgres import Postgres
from pgrst_sandbox.process import Server, run

LOADED: Final = r"Schema cache loaded(?! \d)"
"""In the log of every version; `Schema cache loaded 3 Relations, ...` is another line."""
LOAD_MILLISECONDS: Final = 1000
"""How long a load may take, by the authenticator's `statement_timeout`."""
_ATTEMPTS: Final = 3
_SHOWS_CACHE: Final = (12, 2)


class Servers:
    """A database, a server over it, and a second one for those who want replicas."""

    def __init__(self, cluster: Postgres, version: str) -> None:
        self.cluster, self.version_text = cluster, version
        self.version = tuple(map(int, version.split(".")))
        self.database = f"campaign_{secrets.token_hex(4)}"
        self.shows_cache = self.version >= _SHOWS_CACHE
        self._stack = ExitStack()
        self._running: dict[int, tuple[Server, ExitStack]] = {}
        self._loaded: dict[int, Surface] = {}

    def __enter__(self) -> Self:
        self.cluster.create_database(self.database)
        dsn = self.cluster.dsn(self.database)
        self.connection: psycopg.Connection[Any] = self._stack.enter_context(
            psycopg.connect(dsn, autocommit=True)
        )
        self.client = self._stack.enter_context(httpx.Client(timeout=10))
        self.connection.execute(
            f"alter role authenticator in database {self.database}"
            f" set statement_timeout = {LOAD_MILLISECONDS}".encode()
        )
        self.connection.execute(SCHEMAS.encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._stack.close()

    def server(self, number: int = 0) -> Server:
        """The server of this number, started if it does not run."""
        if number not in self._running:
            self._running[number] = self._started()
        return self._running[number][0]

    def _started(self) -> tuple[Server, ExitStack]:
        """A new server. Between being found and being opened a port may go to another process."""
        environment = {"PGRST_DB_SCHEMAS": "api,extra", "PGRST_DB_POOL": "4"}
        dsn = self.cluster.dsn(self.database, "authenticator")
        for attempt in range(_ATTEMPTS):
            stack = ExitStack()
            try:
                started = run(dsn=dsn, version=self.version_text, env=environment)
                return stack.enter_context(started), stack
            except RuntimeError:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError(_ATTEMPTS)  # it is at least one

    def stop(self) -> None:
        """Stop all servers; new ones are started when they are asked for."""
        for _, stack in self._running.values():
            stack.close()
        self._running.clear()

    def reload(self, number: int = 0) -> None:
        """Have a server load its cache, and wait until it did."""
        server = self.server(number)
        before = len(server.log)
        server.signal(SIGUSR1)
        server.wait_for_log(LOADED, after=before)
        self.loaded(number)

    def loaded(self, number: int = 0) -> None:
        """Remember what a server has loaded: the catalog as of now."""
        self._loaded[number] = self.look("anon").surface

    def look(self, role: str) -> Catalog:
        """The catalog as of now, with the privileges of the role."""
        return look(self.connection, role)

    def cached(self, number: int = 0) -> Surface | None:
        """The server's own cache; what it last loaded where it does not show it (before 12.2)."""
        server = self.server(number)
        if not self.shows_cache:
            return self._loaded[number]
        return cache.read(self.client, server.admin_url)

    @contextmanager
    def loads_failing(self) -> Iterator[None]:
        """Within it, every load takes longer than it may. The servers are stopped at the end."""
        with blocked(self.cluster.dsn(self.database)):
            try:
                yield
            finally:
                self.stop()
