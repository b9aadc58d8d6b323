"""Run a PostgREST, the stand-in or a real one, as a process of its own under a test or the demo."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import IO

from pgrst_sandbox.ports import free_port

SECRET = "a-secret-of-the-sandbox-with-32-characters"  # noqa: S105 - every run makes its own world

_START_SECONDS = 30
_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Log:
    """The lines that a process has written so far, read by a thread while it runs."""

    lines: list[str]
    arrived: threading.Condition

    def __len__(self) -> int:
        return len(self.lines)

    def since(self, start: int = 0) -> tuple[str, ...]:
        """The lines from number `start` on, as of now."""
        with self.arrived:
            return tuple(self.lines[start:])


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgREST. `log` is standard error, `access_log` standard output."""

    url: str
    admin_url: str
    process: subprocess.Popen[str]
    log: Log
    access_log: Log

    @property
    def pid(self) -> int:
        """The process id, for signals."""
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal. Says nothing about what comes of it."""
        self.process.send_signal(number)

    def wait_for_log(self, pattern: str, *, after: int = 0, timeout: float = 10) -> str:
        """The first log line, from line number `after` on, in which the pattern is found.

        `timeout` is in seconds. Raises TimeoutError that shows the lines there were instead.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self.log.arrived:
            seen = after
            while True:
                for line in self.log.lines[seen:]:
                    seen += 1
                    if wanted.search(line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or not self.log.arrived.wait(left):
                    lines = "\n".join(self.log.lines[after:])
                    raise TimeoutError(f"no line like {pattern!r} in {timeout} s:\n{lines}")


@contextlib.contextmanager
def run(
    *,
    dsn: str,
    version: str = "14.14",
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = (),
    port: int | None = None,
    admin_port: int | None = None,
    wait: bool = True,
) -> Iterator[Server]:
    """Start a server on free ports, wait until `/ready` says 200, stop it at the end.

    `command` starts something else than the stand-in, a real `postgrest` for instance; it is told
    everything by PGRST_* environment variables, to which `env` adds. If the block raises, the log
    of the server is printed. Raises RuntimeError when it is not ready within 30 seconds.
    """
    port, admin_port = port or free_port(), admin_port or free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PGRST_")},
        "PGRST_SANDBOX_VERSION": version,
        "PGRST_DB_URI": dsn,
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_JWT_SECRET": SECRET,
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
        "PGRST_ADMIN_SERVER_HOST": "127.0.0.1",
        "PGRST_ADMIN_SERVER_PORT": str(admin_port),
        **(env or {}),
    }
    process = subprocess.Popen(
        [*command] or [sys.executable, "-m", "pgrst_sandbox"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        server = Server(
            url=f"http://127.0.0.1:{port}",
            admin_url=f"http://127.0.0.1:{admin_port}",
            process=process,
            log=Log([], threading.Condition()),
            access_log=Log([], threading.Condition()),
        )
        readers = [_follow(process.stderr, server.log), _follow(process.stdout, server.access_log)]
        try:
            if wait:
                _wait_until_ready(server, admin_port)
            yield server
        except BaseException:
            sys.stderr.write("".join(f"postgrest: {line}\n" for line in server.log.since()))
            raise
        finally:
            _stop(process)
            for reader in readers:
                reader.join()


def _follow(stream: IO[str] | None, log: Log) -> threading.Thread:
    def read() -> None:
        for line in stream or ():
            with log.arrived:
                log.lines.append(line.rstrip("\n"))
                log.arrived.notify_all()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def is_ready(admin_port: int) -> bool:
    """Whether an admin server of this machine says that its API serves with a loaded cache.

    Cheap to ask again and again: a client of httpx reads all certificates first, for some 50 ms.
    """
    with contextlib.closing(HTTPConnection("127.0.0.1", admin_port, timeout=5)) as connection:
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


def _wait_until_ready(server: Server, admin_port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        if is_ready(admin_port):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{server.url} is not ready (exit status {server.process.poll()})")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
