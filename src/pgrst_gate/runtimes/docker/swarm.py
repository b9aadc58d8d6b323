"""PostgREST as a service of a Docker Swarm: signals to its tasks' containers, and forced updates.

Every task of the service is an instance, by its number, which its successor has as well. A signal
reaches the containers of this engine only; an update is the Swarm's own work, on all its nodes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker import contained
from pgrst_gate.runtimes.docker.addresses import url_of
from pgrst_gate.runtimes.docker.engine import Container, DockerEngine, Engine
from pgrst_gate.runtimes.docker.services import Membership, Service, Services, Task
from pgrst_gate.runtimes.docker.updates import follow
from pgrst_gate.runtimes.interface import (
    Action,
    Address,
    Condition,
    Instance,
    Mark,
    ReloadSignal,
    RuntimeName,
)

SERVICE: Final = "com.docker.swarm.service.name"
"""The label of a task's container that names its service."""
SENT: Final = "docker service update --force"

_UNFINISHED: Final = {
    "updating": "is being updated",
    "paused": "had its last update paused",
    "rollback_started": "is being rolled back",
    "rollback_paused": "had its last rollback paused",
}


class Swarm:
    """The tasks of a service, by its name or id."""

    name: Final[RuntimeName] = "swarm"

    def __init__(self, service: str, connect: Callable[[], Engine] = DockerEngine) -> None:
        self._wanted = service
        self._connect = connect
        self._addressed: set[str] = set()
        self._replaced: set[str] = set()
        """The instances that an update has replaced before their turn."""

    @cached_property
    def _engine(self) -> Engine:
        return self._connect()

    @property
    def _services(self) -> Services:
        return self._engine.services

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`; a reload needs all tasks on this engine's node."""
        membership = self._services.membership()
        if not membership.is_manager:
            raise _no_manager(membership)
        service = self._service()
        latest = self._latest(service)
        running = [task for task in latest if task.runs]
        if not running:
            raise _no_task(service, latest)
        elsewhere = [task for task in running if task.node != membership.node]
        if action == "reload" and elsewhere:
            raise _elsewhere(service, elsewhere)
        warnings = _warnings(service, latest)
        return tuple(
            Instance(task.place, _name(service, task), (*warnings, *self._check(task, action)))
            for task in running
        )

    def mark(self, instance: Instance) -> Mark:
        """As `Runtime.mark`; between a task's end and its successor's start nothing is known."""
        task = self._task(instance)
        container = self._container(task)
        if task is None or container is None:
            return Mark(task.id if task else "")
        return Mark(task.id, contained.log_position(self._engine, container))

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`; the processes are looked at again, right before the signal."""
        container = self._container(self._task(instance))
        if container is None:
            raise NotRefreshed(
                f"{instance.name} has no container on this Docker engine now",
                hint="it was replaced or moved only just: run this again",
            )
        contained.signal(self._engine, container, signal)
        return signal

    def restart(self, instance: Instance) -> str:
        """As `Runtime.restart`: one update replaces all tasks, and then each one's turn is over.

        How many at a time, in which order, and what a failure leads to, the service itself says.
        """
        if instance.key in self._replaced:
            self._replaced.remove(instance.key)
            return f"the same {SENT}"
        service = self._service()
        before = self._services.tasks(service)
        self._services.force_update(service)
        follow(self._engine, service, before)
        self._replaced = {task.place for task in before} - {instance.key}
        return SENT

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """As `Runtime.addresses`; of a task on another node none is known."""
        container = self._container(self._task(instance))
        awaited = instance.key in self._addressed
        url = url_of(container, self._engine, awaited=awaited) if container else ""
        if not url:
            return ()
        self._addressed.add(instance.key)
        return (Address(instance.name, url),)

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """As `Runtime.log_since`; of a task on another node no log is read."""
        container = self._container(self._task(instance))
        if container is None or not mark.log_position:
            return ()
        return contained.log_since(self._engine, container, mark)

    def condition(self, instance: Instance) -> Condition:
        """As `Runtime.condition`. The Swarm puts another task in the place of one that ended."""
        service = self._services.get(self._wanted)
        if service is None:
            return Condition(f"service {self._wanted} was removed", hopeless=True)
        task = next((t for t in self._latest(service) if t.place == instance.key), None)
        if task is None:
            return Condition(f"{instance.name} is gone: was the service scaled down?")
        container = self._container(task)
        if task.runs:
            how = contained.condition(self._engine, container) if container else Condition()
            return replace(how, hopeless=False)
        return Condition(f"{instance.name} is {task.told}")

    def close(self) -> None:
        """Nothing was opened."""

    def _service(self) -> Service:
        service = self._services.get(self._wanted)
        if service is None:
            raise NotRefreshed(f"this Swarm has no service {self._wanted}", hint=self._nearest())
        return service

    def _nearest(self) -> str:
        """The services that may have been meant; a stack's name goes before those of its own."""
        every = self._services.all()
        names = [service.name for service in every]
        alike = difflib.get_close_matches(self._wanted, names)
        of_stacks = [name for name in names if name.endswith(f"_{self._wanted}")]
        servers = [service.name for service in every if "postgrest" in service.image]
        meant = list(dict.fromkeys([*of_stacks, *alike, *servers, *names]))[:5]
        return f"there is {', '.join(meant)}" if meant else "it has none: `docker service ls`"

    def _latest(self, service: Service) -> tuple[Task, ...]:
        """The task of each place that counts: the running one, or else the newest."""
        by_place: dict[str, Task] = {}
        for task in self._services.tasks(service):
            known = by_place.setdefault(task.place, task)
            if task.runs and not known.runs:
                by_place[task.place] = task
        return tuple(by_place[place] for place in sorted(by_place, key=_order))

    def _task(self, instance: Instance) -> Task | None:
        """The running task of an instance now; None between a task's end and the next's start."""
        latest = self._latest(self._service())
        return next((task for task in latest if task.place == instance.key and task.runs), None)

    def _container(self, task: Task | None) -> Container | None:
        """Its container, if that is on this engine."""
        return self._engine.container(task.container) if task and task.container else None

    def _check(self, task: Task, action: Action) -> tuple[str, ...]:
        container = self._container(task)
        if container is None:
            return ()
        reload = action == "reload"
        check = contained.reload_warnings if reload else contained.restart_warnings
        return check(self._engine, container)


def _name(service: Service, task: Task) -> str:
    return f"task {service.name}.{task.place}"


def _order(place: str) -> tuple[int, str]:
    return int(place) if place.isdecimal() else 0, place


def _warnings(service: Service, latest: tuple[Task, ...]) -> Iterator[str]:
    if said := _UNFINISHED.get(service.update.state):
        message = service.update.message
        yield f"{service} {said}: {message}" if message else f"{service} {said}"
    if rest := [task for task in latest if task.wanted == "running" and not task.runs]:
        told = ", ".join(f"{_name(service, task)} ({task.told})" for task in rest)
        yield f"of the same service but not running: {told}"


def _no_manager(membership: Membership) -> NotRefreshed:
    if membership.state == "inactive":
        return NotRefreshed(
            "this Docker engine is in no Swarm",
            hint="ask a manager of the Swarm (DOCKER_HOST); for containers of compose or of "
            "`docker run` use `runtime: compose` or `runtime: docker`",
        )
    managers = ", ".join(membership.managers)
    known = f"ask one (DOCKER_HOST); it knows {managers}" if managers else "ask one (DOCKER_HOST)"
    return NotRefreshed(
        f"this Docker engine is no manager of its Swarm (its node is {membership.state}), and only "
        "managers know the services",
        hint=known,
    )


def _no_task(service: Service, latest: tuple[Task, ...]) -> NotRefreshed:
    told = ", ".join(f"{_name(service, task)} {task.told}" for task in latest[:5])
    return NotRefreshed(
        f"{service} has no running task: {told or 'it has none at all'}",
        hint=f"docker service ps --no-trunc {service.name}, and how many it wants: "
        f"docker service scale {service.name}=3",
    )


def _elsewhere(service: Service, tasks: list[Task]) -> NotRefreshed:
    named = ", ".join(f"{_name(service, task)} (node {task.node})" for task in tasks[:5])
    return NotRefreshed(
        f"{named}: on other nodes, where this engine can signal nothing; nothing was sent",
        hint="use `method: restart`, which the Swarm does on all nodes, or `runtime: notify`, "
        "which every server hears",
    )
