"""PostgREST in Docker containers: signals and restarts by the Engine's API.

A signal goes to the container's main process only. The kernel drops it without a word when that has
no handler, so the processes are looked at before a reload, and the state after a restart.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.engine import Container, DockerEngine, Engine
from pgrst_gate.runtimes.interface import (
    Action,
    Address,
    Condition,
    Instance,
    Mark,
    ReloadSignal,
    RuntimeName,
)
from pgrst_gate.runtimes.processes import RunningProcess

STOP_SECONDS: Final = 10
"""How long a container may take to stop before it is killed; the docker command's own default."""
LOG_LINES: Final = 2000

# They hand a signal on to the process they started.
_INITS: Final = frozenset({"catatonit", "docker-init", "dumb-init", "tini", "tini-static"})
# Before every time stamp: where a log without a line yet is read from.
_BEGINNING: Final = "0"


class Docker:
    """The container of a name, an id or its beginning; or all that have a label (`key=value`)."""

    name: Final[RuntimeName] = "docker"

    def __init__(self, container: str, connect: Callable[[], Engine] = DockerEngine) -> None:
        self._wanted = container
        self._connect = connect

    @cached_property
    def _engine(self) -> Engine:
        return self._connect()

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`; containers of a label that do not run are left alone."""
        found = self._find()
        running = tuple(container for container in found if container.status == "running")
        warnings: tuple[str, ...] = ()
        if running and len(running) < len(found):
            rest = ", ".join(f"{c.name} ({c.status})" for c in found if c not in running)
            warnings, found = (f"of the same label but not running, left alone: {rest}",), running
        check = self._reload_warnings if action == "reload" else self._restart_warnings
        return tuple(Instance(c.id, str(c), (*warnings, *check(c))) for c in found)

    def mark(self, instance: Instance) -> Mark:
        """As `Runtime.mark`."""
        container = self._container(instance)
        last = self._engine.log(container, last=1)
        return Mark(container.started_at, last[-1].stamp if last else _BEGINNING)

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`; the processes are looked at again, right before the signal."""
        container = self._container(instance)
        if not self._receiver(container).is_postgrest() and signal == "SIGHUP":
            raise NotRefreshed(
                f"SIGHUP was not sent to {container}: its init would hand it on, and no PostgREST "
                "since 6 survives it",
                hint="use `method: reload`, which sends SIGUSR1",
            )
        self._engine.kill(container, signal)
        return signal

    def restart(self, instance: Instance) -> str:
        """As `Runtime.restart`: it must have a new start time and still run."""
        before = self._container(instance)
        self._engine.restart(before, stop_seconds=STOP_SECONDS)
        after = self._container(instance)
        if after.status != "running":
            raise NotRefreshed(
                f"{after} was restarted and {self._state(after)}",
                hint="see the log for why it does not start; its configuration may be broken",
            )
        if after.started_at == before.started_at:
            raise NotRefreshed(
                f"{after} was not restarted: its start time is still {after.started_at}",
                hint="restart it by hand and look at the engine's log",
            )
        return "docker restart"

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """None: a container need not be reachable from here."""
        del instance
        return ()

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """As `Runtime.log_since`; the last 2,000 lines at most."""
        container = self._container(instance)
        lines = self._engine.log(container, last=LOG_LINES, since=_seconds(mark.log_position))
        return tuple(line.text for line in lines if line.stamp > mark.log_position)

    def condition(self, instance: Instance) -> Condition:
        """As `Runtime.condition`. The engine calls `restarting` whatever it will start again."""
        container = self._engine.container(instance.key)
        if container is None:
            return Condition(f"{instance.name} was removed", hopeless=True)
        match container.status:
            case "running" if container.health == "unhealthy":
                return Condition(f"{container} is unhealthy")
            case "running":
                return Condition()
            case status:
                hopeless = status != "restarting"
                return Condition(f"{container} {self._state(container)}", hopeless=hopeless)

    def close(self) -> None:
        """Nothing was opened."""

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
        service = container.labels.get("com.docker.compose.service", "")
        return "postgrest" in container.image or self._wanted in {service, container.image}

    def _receiver(self, container: Container) -> RunningProcess:
        """The main process, if a signal to it reaches a PostgREST; else raise."""
        if container.status != "running":
            raise NotRefreshed(
                f"{container} cannot reload: it {self._state(container)}", hint=_way_out(container)
            )
        processes = self._engine.processes(container)
        servers = [process for process in processes if process.is_postgrest()]
        if not servers:
            shown = ", ".join(f"`{process.command_line}`" for process in processes[:5])
            raise NotRefreshed(
                f"{container} runs no PostgREST but {shown or 'nothing'}; nothing was sent",
                hint="a signal could end it; name the container PostgREST runs in",
            )
        main = next((process for process in processes if process.pid == container.pid), servers[0])
        if main not in servers and not _hands_on(main, servers):
            raise NotRefreshed(
                f"{container} would lose the signal: its main process is not PostgREST but "
                f"`{main.command_line}`; nothing was sent",
                hint="start PostgREST by `exec` in that script, or use `method: restart`",
            )
        return main

    def _reload_warnings(self, container: Container) -> tuple[str, ...]:
        self._receiver(container)
        return _ailments(container)

    def _restart_warnings(self, container: Container) -> tuple[str, ...]:
        match container.status:
            case "paused":
                raise NotRefreshed(
                    f"{container} cannot be restarted: it is paused", hint=_way_out(container)
                )
            case "running":
                processes = self._engine.processes(container)
                if any(process.is_postgrest() for process in processes):
                    return _ailments(container)
                return (f"no PostgREST process is seen in {container}", *_ailments(container))
            case "restarting":
                return (f"{container} {self._state(container)}",)
            case _:
                return (f"{container} is {container.status}: the restart will start it",)

    def _container(self, instance: Instance) -> Container:
        container = self._engine.container(instance.key)
        if container is None:
            raise NotRefreshed(
                f"{instance.name} was removed",
                hint="was it made anew? then name it, or its label, instead of its id",
            )
        return container

    def _state(self, container: Container) -> str:
        """How it is, as the rest of a sentence; with the last lines it said if it ended."""
        policy = f"restart policy {container.restart_policy}"
        match container.status:
            case "restarting":
                state = f"keeps ending with exit code {container.exit_code} ({policy})"
            case "exited" | "dead":
                state = f"ended with exit code {container.exit_code} and stays down ({policy})"
            case status:
                return f"is {status}"
        log = " / ".join(line.text for line in self._engine.log(container, last=3))
        said = container.error or log
        return f"{state}: {said}" if said else state


def _hands_on(main: RunningProcess, servers: list[RunningProcess]) -> bool:
    """Whether the main process is an init whose own child is the server."""
    is_init = not _INITS.isdisjoint({main.comm, main.program})
    return is_init and any(server.parent == main.pid for server in servers)


def _ailments(container: Container) -> tuple[str, ...]:
    return (f"{container} is unhealthy",) if container.health == "unhealthy" else ()


def _way_out(container: Container) -> str:
    match container.status:
        case "paused":
            return f"docker unpause {container.name}"
        case "restarting":
            return f"it crashes at every start: docker logs {container.name}"
        case _:
            return f"docker start {container.name}, or use `method: restart`"


def _seconds(stamp: str) -> int:
    """The whole seconds of an engine's time stamp."""
    return 0 if stamp == _BEGINNING else int(datetime.fromisoformat(stamp).timestamp())
