"""A runtime whose instances are containers of one engine, whatever they are found by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import ClassVar, Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker import contained
from pgrst_gate.runtimes.docker.addresses import url_of
from pgrst_gate.runtimes.docker.engine import Container, DockerEngine, Engine
from pgrst_gate.runtimes.interface import (
    Action,
    Address,
    Condition,
    Instance,
    Mark,
    ReloadSignal,
    RuntimeName,
)

STOP_SECONDS: Final = 10
"""How long a container may take to stop before it is killed; the docker command's own default."""


class Containers(ABC):
    """Signals and restarts each; after a restart its state is looked at."""

    kin: ClassVar[str]
    """What those that were found have in common: `of the same label`."""

    def __init__(self, connect: Callable[[], Engine] = DockerEngine) -> None:
        self._connect = connect
        self._addressed: set[str] = set()

    @property
    @abstractmethod
    def name(self) -> RuntimeName:
        """As `Runtime.name`."""

    @abstractmethod
    def _find(self) -> tuple[Container, ...]:
        """Those that are meant, running or not; raises `NotRefreshed` where there is none."""

    @cached_property
    def _engine(self) -> Engine:
        return self._connect()

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`; of several containers those that do not run are left alone."""
        found = self._find()
        running = tuple(container for container in found if container.status == "running")
        warnings: tuple[str, ...] = ()
        if running and len(running) < len(found):
            rest = ", ".join(f"{c.name} ({c.status})" for c in found if c not in running)
            warnings, found = (f"{self.kin} but not running, left alone: {rest}",), running
        reload = action == "reload"
        check = contained.reload_warnings if reload else contained.restart_warnings
        return tuple(Instance(c.id, str(c), (*warnings, *check(self._engine, c))) for c in found)

    def mark(self, instance: Instance) -> Mark:
        """As `Runtime.mark`."""
        container = self._container(instance)
        return Mark(container.started_at, contained.log_position(self._engine, container))

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`; the processes are looked at again, right before the signal."""
        contained.signal(self._engine, self._container(instance), signal)
        return signal

    def restart(self, instance: Instance) -> str:
        """As `Runtime.restart`: it must have a new start time and still run."""
        before = self._container(instance)
        self._engine.restart(before, stop_seconds=STOP_SECONDS)
        after = self._container(instance)
        if after.status != "running":
            raise NotRefreshed(
                f"{after} was restarted and {contained.state(self._engine, after)}",
                hint="see the log for why it does not start; its configuration may be broken",
            )
        if after.started_at == before.started_at:
            raise NotRefreshed(
                f"{after} was not restarted: its start time is still {after.started_at}",
                hint="restart it by hand and look at the engine's log",
            )
        return "docker restart"

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """As `Runtime.addresses`; one that listened once is given while it starts again, too."""
        container = self._engine.container(instance.key)
        awaited = instance.key in self._addressed
        url = url_of(container, self._engine, awaited=awaited) if container else ""
        if not (container and url):
            return ()
        self._addressed.add(instance.key)
        return (Address(f"container {container.name}", url),)

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """As `Runtime.log_since`; the last 2,000 lines at most."""
        return contained.log_since(self._engine, self._container(instance), mark)

    def condition(self, instance: Instance) -> Condition:
        """As `Runtime.condition`."""
        container = self._engine.container(instance.key)
        if container is None:
            return Condition(f"{instance.name} was removed", hopeless=True)
        return contained.condition(self._engine, container)

    def close(self) -> None:  # noqa: B027 -- for all of them there is nothing to close
        """Nothing was opened."""

    def _container(self, instance: Instance) -> Container:
        container = self._engine.container(instance.key)
        if container is None:
            raise NotRefreshed(
                f"{instance.name} was removed",
                hint="was it made anew? then name it, or its label, instead of its id",
            )
        return container
