"""PostgREST as a service of a compose project: all its containers, by the labels they have.

Compose itself is not needed: versions 1 and 2 write the same labels.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.containers import Containers
from pgrst_gate.runtimes.docker.engine import Container, DockerEngine, Engine
from pgrst_gate.runtimes.interface import RuntimeName

PROJECT: Final = "com.docker.compose.project"
SERVICE: Final = "com.docker.compose.service"
NUMBER: Final = "com.docker.compose.container-number"
ONE_OFF: Final = "com.docker.compose.oneoff"
"""`True` on what `docker compose run` started, which is no replica of the service."""


class Compose(Containers):
    """The containers of a service, and of a project where several have a service of that name."""

    name: Final[RuntimeName] = "compose"
    kin = "of the same service"

    def __init__(
        self, project: str, service: str, connect: Callable[[], Engine] = DockerEngine
    ) -> None:
        super().__init__(connect)
        self._project, self._service = project, service

    def _find(self) -> tuple[Container, ...]:
        found = [c for c in self._engine.containers(f"{SERVICE}={self._service}") if self._is_in(c)]
        if not found:
            raise self._missing()
        projects = sorted({c.labels.get(PROJECT, "") for c in found})
        if len(projects) > 1:
            raise NotRefreshed(
                f"several compose projects have a service {self._service}: {', '.join(projects)}",
                hint="say which by `project`",
            )
        return tuple(sorted(found, key=_number))

    def _is_in(self, container: Container) -> bool:
        labels = container.labels
        return labels.get(ONE_OFF) != "True" and self._project in {"", labels.get(PROJECT)}

    def _missing(self) -> NotRefreshed:
        """The project or else its service is not there; the hint tells what is."""
        every = self._engine.containers(PROJECT)
        if not every:
            return NotRefreshed(
                "no compose project has containers on this Docker engine",
                hint="`docker compose up -d` starts one; `docker compose ls` on its machine lists "
                "them, and DOCKER_HOST says which engine is asked",
            )
        projects = {c.labels[PROJECT] for c in every}
        if self._project and self._project not in projects:
            return NotRefreshed(
                f"no compose project is called {self._project}",
                hint=f"there is {_nearest_first(self._project, projects)}",
            )
        services = {c.labels.get(SERVICE, "") for c in every if self._is_in(c)}
        where = f"compose project {self._project}" if self._project else "no compose project here"
        has = "has no service" if self._project else "has a service"
        return NotRefreshed(
            f"{where} {has} {self._service}",
            hint=f"there is {_nearest_first(self._service, services)}",
        )


def _nearest_first(wanted: str, names: set[str]) -> str:
    nearest = difflib.get_close_matches(wanted, sorted(names))
    return ", ".join(list(dict.fromkeys([*nearest, *sorted(names)]))[:5])


def _number(container: Container) -> tuple[int, str]:
    number = container.labels.get(NUMBER, "")
    return int(number) if number.isdecimal() else 0, container.name
