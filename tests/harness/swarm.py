"""A Swarm of one node, on a Docker engine of its own.

To leave a Swarm takes the names from all other containers on the engine (seen with Docker 20.10).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.harness.nested import ENGINE_OPTIONS, import_server
from tests.harness.systemd import Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.engine import Engine

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Manager(Machine):
    """The one node, as root on it sees it; `pgrst-gate` is there, and the engine's socket."""

    @classmethod
    def start(cls, engine: Engine, image: str, network: str) -> Self:
        """Start it, in no Swarm yet. Raises `TimeoutError` with what it said."""
        options = [f"--network={network}", *ENGINE_OPTIONS[engine.client.info()["CgroupVersion"]]]
        name = engine.name("manager")
        manager = cls(engine.start(image, "dockerd", name=name, options=options))
        manager.wait_until(lambda: not manager.run("docker", "info").returncode)
        import_server(manager)
        return manager

    def gate(self, **inputs: str) -> dict[str, Any]:
        """Run `pgrst-gate` with these inputs, named with underscores; gives its report."""
        flags = [f"--{name.replace('_', '-')}={text}" for name, text in inputs.items()]
        done = self.run("pgrst-gate", "run", *flags, "--report=/tmp/report.json")
        print(done.stdout, done.stderr)  # noqa: T201 -- for pytest to capture
        report: dict[str, Any] = json.loads(self.run("cat", "/tmp/report.json").stdout)  # noqa: S108
        return report

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Wait for it. Raises `TimeoutError` with the log of the engine."""
        deadline = time.monotonic() + START_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {START_SECONDS} s:\n{self.container.logs().decode()}")
            time.sleep(0.1)
