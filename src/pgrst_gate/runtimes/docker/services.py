"""The services of a Docker Swarm, through the API of an engine that manages it.

The words are the API's (Docker Engine API 1.41): a service has tasks, each of which is one
container on one node; an update replaces the tasks, some at a time, and may be paused or rolled
back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pgrst_gate.runtimes.docker.engine_errors import told

UPDATE_SECONDS: Final = 30
"""How long the engine may take to accept an update; its end is not waited for."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What an engine is in a Swarm."""

    state: str
    """`inactive` outside of any; `active`; else a state on the way, or `locked`."""
    is_manager: bool = False
    node: str = ""
    managers: tuple[str, ...] = ()
    """Addresses of managers, as the engine knows them."""


@dataclass(frozen=True, slots=True)
class Update:
    """The last update of a service, or none."""

    state: str = ""
    """updating, paused, completed, rollback_started, rollback_paused or rollback_completed."""
    started_at: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service as its manager tells it."""

    id: str
    name: str
    image: str
    update: Update = Update()

    def __str__(self) -> str:
        return f"service {self.name}"


@dataclass(frozen=True, slots=True)
class Task:
    """A container that a service has, had or will have, on one node."""

    id: str
    place: str
    """The number among the replicas, or of a global service the node's id; its successor's too."""
    node: str
    state: str
    wanted: str
    """The state that it is to reach: `running`, or `shutdown` once it was replaced."""
    created_at: str
    error: str = ""
    """Untrusted."""
    container: str = ""
    """The container's id, on the task's node; empty until it is made."""

    @property
    def runs(self) -> bool:
        """Whether it runs, and is to go on."""
        return self.state == self.wanted == "running"

    @property
    def told(self) -> str:
        """How it is, for people: `failed: task: non-zero exit (1)`."""
        return f"{self.state}: {self.error}" if self.error else self.state


class Services(Protocol):
    """What a runtime needs of a Swarm. Every method may raise `NotRefreshed`."""

    def membership(self) -> Membership:
        """What the engine is in a Swarm; all else can be asked of a manager only."""
        ...

    def all(self) -> tuple[Service, ...]:
        """All services."""
        ...

    def get(self, name: str) -> Service | None:
        """The service by its name or id; None when there is none."""
        ...

    def tasks(self, service: Service) -> tuple[Task, ...]:
        """Its tasks of now and the last ones of before, the newest first."""
        ...

    def force_update(self, service: Service) -> None:
        """Have all its tasks replaced, as `docker service update --force` does; returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class DockerServices:
    """Those of the engine that an API client is for."""

    api: Any
    """A `docker.APIClient`; nothing is known of the types of its Swarm half."""

    def membership(self) -> Membership:
        """As `Services.membership`."""
        with told("tell of its Swarm"):
            swarm = self.api.info().get("Swarm") or {}
        managers = swarm.get("RemoteManagers") or ()
        return Membership(
            state=swarm.get("LocalNodeState") or "inactive",
            is_manager=bool(swarm.get("ControlAvailable")),
            node=swarm.get("NodeID", ""),
            managers=tuple(manager["Addr"] for manager in managers),
        )

    def all(self) -> tuple[Service, ...]:
        """As `Services.all`."""
        with told("list services"):
            return tuple(map(_service, self.api.services()))

    def get(self, name: str) -> Service | None:
        """As `Services.get`."""
        from docker.errors import NotFound

        with told(f"inspect service {name}"):
            try:
                return _service(self.api.inspect_service(name))
            except NotFound:
                return None

    def tasks(self, service: Service) -> tuple[Task, ...]:
        """As `Services.tasks`."""
        with told(f"list the tasks of {service}"):
            listed = self.api.tasks(filters={"service": service.id})
        return tuple(sorted(map(_task, listed), key=lambda task: task.created_at, reverse=True))

    def force_update(self, service: Service) -> None:
        """As `Services.force_update`.

        The specification goes back as it came, with one number raised, and with no credentials of
        this machine: the SDK's own update writes defaults and credentials into it.
        """
        from docker.errors import create_api_error_from_http_exception
        from requests import HTTPError

        with told(f"update {service}"):
            current = self.api.inspect_service(service.id)
            specification = current["Spec"]
            template = specification["TaskTemplate"]
            template["ForceUpdate"] = template.get("ForceUpdate", 0) + 1
            answer = self.api.post(
                f"{self.api.base_url}/v{self.api.api_version}/services/{service.id}/update",
                params={"version": current["Version"]["Index"]},
                json=specification,
                timeout=UPDATE_SECONDS,
            )
            try:
                answer.raise_for_status()
            except HTTPError as error:
                create_api_error_from_http_exception(error)


def _service(inspected: Mapping[str, Any]) -> Service:
    specification = inspected["Spec"]
    update = inspected.get("UpdateStatus") or {}
    return Service(
        id=inspected["ID"],
        name=specification["Name"],
        image=specification["TaskTemplate"].get("ContainerSpec", {}).get("Image", ""),
        update=Update(
            update.get("State", ""), update.get("StartedAt", ""), update.get("Message", "")
        ),
    )


def _task(listed: Mapping[str, Any]) -> Task:
    status = listed["Status"]
    return Task(
        id=listed["ID"],
        place=str(listed.get("Slot") or listed.get("NodeID", "")),
        node=listed.get("NodeID", ""),
        state=status["State"],
        wanted=listed["DesiredState"],
        created_at=listed["CreatedAt"],
        error=status.get("Err", ""),
        container=(status.get("ContainerStatus") or {}).get("ContainerID", ""),
    )
