"""Pods that are processes of this machine, each in a PID namespace of its own.

So the server is really process 1 there, a signal from within really meets what it does with it, and
what a command sees of /proc is the pod's.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pgrst_sandbox.process import Server, run

NAMESPACES: Final = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def can_unshare() -> bool:
    """Whether this user may make PID namespaces."""
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False)
    return tried.returncode == 0


@dataclass
class Process:
    """What runs in a pod: a server with its log, or something else."""

    started: "subprocess.Popen[str]"
    pid: int
    """As this machine counts."""
    stack: ExitStack
    server: Server | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)
    """Its log so far, each line with a time stamp."""
    _read: tuple[int, int] = (0, 0)

    @classmethod
    def postgrest(
        cls,
        command: Sequence[str],
        *,
        dsn: str,
        version: str,
        environment: Mapping[str, str] | None = None,
    ) -> "Process":
        """Start a PostgREST, and wait until it is ready."""
        stack = ExitStack()
        server = stack.enter_context(
            run(dsn=dsn, version=version, env=environment, command=[*NAMESPACES, *command])
        )
        server.wait_for_log("Schema cache loaded in")
        return cls(server.process, _inside(server.process), stack, server)

    @classmethod
    def other(cls, *command: str) -> "Process":
        """Start a program that is no PostgREST."""
        started = subprocess.Popen([*NAMESPACES, *command], text=True)
        deadline = time.monotonic() + 10
        while not (pid := _inside(started)) or _program(pid) != command[0]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{command} did not start")
            time.sleep(0.01)
        return cls(started, pid, ExitStack())

    @property
    def port(self) -> int:
        """Of the API, on this machine's loopback."""
        return int(self.server.url.rpartition(":")[2]) if self.server else 0

    @property
    def alive(self) -> bool:
        """Whether it runs still."""
        return self.started.poll() is None

    def run(self, argv: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
        """Run a program within the pod."""
        inside = ("nsenter", "--target", str(self.pid), "--pid", "--mount", "--")
        return subprocess.run(
            [*inside, *argv], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )

    def log(self) -> list[tuple[str, str]]:
        """Both streams so far, as the kubelet gives them; stamped when a line was first seen."""
        streams = (self.server.log, self.server.access_log) if self.server else ()
        for number, stream in enumerate(streams):
            new = stream.since(self._read[number])
            for line in new:
                self.lines.append((stamp(len(self.lines)), line))
            ends = list(self._read)
            ends[number] += len(new)
            self._read = (ends[0], ends[1])
        return self.lines

    def stop(self) -> None:
        """Kill it, as a node does whose patience has ended."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            self.started.wait()
        self.stack.close()


def _inside(started: "subprocess.Popen[str]") -> int:
    """Process 1 of the namespace; 0 while there is none."""
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    return int(children[0]) if children else 0


def _program(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def stamp(number: int = 0) -> str:
    """The time as in the log of a pod; the number keeps apart what was seen at once."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{number % 1000:03}Z"


def program(home: Path) -> list[str]:
    """The stand-in by a name that a PostgREST may have."""
    path = home / f"postgrest-{10000 + secrets.randbelow(90000)}"
    module = "import runpy\n\nrunpy.run_module('pgrst_sandbox', run_name='__main__')\n"
    path.write_text(f"#!{sys.executable}\n{module}")
    path.chmod(0o755)
    return [str(path)]
