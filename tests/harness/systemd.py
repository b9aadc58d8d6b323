"""A Debian in a container, booted by systemd."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from docker.models.containers import Container
    from tests.harness.engine import Engine

BOOT_SECONDS = 20
OPTIONS = (
    "--env=container=docker",
    "--stop-signal=SIGRTMIN+3",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
)
CGROUP_OPTIONS = {
    "1": (
        "--cap-add=SYS_ADMIN",
        "--security-opt=seccomp=unconfined",
        "--volume=/sys/fs/cgroup:/sys/fs/cgroup:ro",
    ),
    "2": ("--privileged", "--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw"),
}
"""What systemd needs as PID 1, by the version of control groups that the engine's host has."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A booted machine, as root on it sees it."""

    container: Container

    @classmethod
    def boot(
        cls,
        engine: Engine,
        image: str,
        network: str,
        options: Sequence[str] = (),
        cgroup_options: Mapping[str, Sequence[str]] = CGROUP_OPTIONS,
    ) -> Self:
        """Boot it and wait until all units are started; the options are those of `docker run`.

        Raises `TimeoutError` with what it said.
        """
        of_cgroups = cgroup_options[engine.client.info()["CgroupVersion"]]
        options = [f"--network={network}", *OPTIONS, *of_cgroups, *options]
        name = engine.name("machine")
        machine = cls(engine.start(image, "/sbin/init", name=name, options=options))
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            state = machine.run("systemctl", "is-system-running")
            if state.stdout.strip() in {"running", "degraded"}:
                return machine
            if time.monotonic() > deadline:
                said = f"{state.stdout}{state.stderr}{machine.container.logs().decode()}"
                raise TimeoutError(f"{name} is not up after {BOOT_SECONDS} s:\n{said}")
            time.sleep(0.05)

    def run(
        self, *command: str, environment: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it and wait for its end, whatever its status; about 0.1 s."""
        options = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        return subprocess.run(
            ["docker", "exec", "--interactive", *options, str(self.container.id), *command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def write(self, path: str, text: str) -> None:
        """Write a file in a folder that exists."""
        self.run("tee", path, stdin=text).check_returncode()
