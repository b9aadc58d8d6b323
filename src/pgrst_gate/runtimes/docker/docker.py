"""PostgREST in Docker containers, by the Engine's API: those of a name, an id or a label."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.compose import SERVICE
from pgrst_gate.runtimes.docker.containers import Containers
from pgrst_gate.runtimes.docker.engine import Container, DockerEngine, Engine
from pgrst_gate.runtimes.interface import RuntimeName


class Docker(Containers):
    """The container of a name, an id or its beginning; or all that have a label (`key=value`)."""

    name: Final[RuntimeName] = "docker"
    kin = "of the same label"

    def __init__(self, container: str, connect: Callable[[], Engine] = DockerEngine) -> None:
        super().__init__(connect)
        self._wanted = container

    def _find(self) -> tuple[Container, ...]:
        label = self._wanted.removeprefix("label:")
        if label != self._wanted or "=" in label:
            found = self._engine.containers(label)
            if not found:
                raise NotRefreshed(f"no container has the label {label}", hint=self._nearest())
            return found
        container = self._engine.container(self._wanted)
        if container is None:
            raise NotRefreshed(f"no container is called {self._wanted}", hint=self._nearest())
        return (container,)

    def _nearest(self) -> str:
        """The running containers that may have been meant."""
        running = [c for c in self._engine.containers() if c.status == "running"]
        alike = difflib.get_close_matches(self._wanted, [c.name for c in running])
        meant = [c for c in running if self._may_be_meant(c) or c.name in alike]
        if not meant:
            return "no running container here looks like PostgREST; is it on this Docker engine?"
        listed = ", ".join(f"{c.name} ({c.image})" for c in meant[:5])
        return f"running here: {listed}"

    def _may_be_meant(self, container: Container) -> bool:
        service = container.labels.get(SERVICE, "")
        return "postgrest" in container.image or self._wanted in {service, container.image}
