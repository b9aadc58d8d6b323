"""A PostgREST in one container: whether a signal reaches it, how it is, what it wrote.

A signal goes to the container's main process only. The kernel drops it without a word when that has
no handler, so the processes are looked at before it is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.engine import Container, Engine
from pgrst_gate.runtimes.host.processes import RunningProcess
from pgrst_gate.runtimes.interface import Condition, Mark, ReloadSignal

LOG_LINES: Final = 2000

# They hand a signal on to the process they started.
_INITS: Final = frozenset({"catatonit", "docker-init", "dumb-init", "tini", "tini-static"})
# Before every time stamp: where a log without a line yet is read from.
_BEGINNING: Final = "0"


def signal(engine: Engine, container: Container, what: ReloadSignal) -> None:
    """Send it, if it reaches a PostgREST that lives on; else raise. Its processes are looked at."""
    if not _receiver(engine, container).is_postgrest() and what == "SIGHUP":
        raise NotRefreshed(
            f"SIGHUP was not sent to {container}: its init would hand it on, and no PostgREST "
            "since 6 survives it",
            hint="use `method: reload`, which sends SIGUSR1",
        )
    engine.kill(container, what)


def reload_warnings(engine: Engine, container: Container) -> tuple[str, ...]:
    """Raise unless a signal would reach a PostgREST; give what is to be said."""
    _receiver(engine, container)
    return _ailments(container)


def restart_warnings(engine: Engine, container: Container) -> tuple[str, ...]:
    """Raise unless the container can be restarted; give what is to be said."""
    match container.status:
        case "paused":
            raise NotRefreshed(
                f"{container} cannot be restarted: it is paused", hint=_way_out(container)
            )
        case "running":
            processes = engine.processes(container)
            if any(process.is_postgrest() for process in processes):
                return _ailments(container)
            return (f"no PostgREST process is seen in {container}", *_ailments(container))
        case "restarting":
            return (f"{container} {state(engine, container)}",)
        case _:
            return (f"{container} is {container.status}: the restart will start it",)


def condition(engine: Engine, container: Container) -> Condition:
    """How it is doing. The engine calls `restarting` whatever it will start again."""
    match container.status:
        case "running" if container.health == "unhealthy":
            return Condition(f"{container} is unhealthy")
        case "running":
            return Condition()
        case status:
            told = f"{container} {state(engine, container)}"
            return Condition(told, hopeless=status != "restarting")


def state(engine: Engine, container: Container) -> str:
    """How it is, as the rest of a sentence; with the last lines it said if it ended."""
    policy = f"restart policy {container.restart_policy}"
    match container.status:
        case "restarting":
            how = f"keeps ending with exit code {container.exit_code} ({policy})"
        case "exited" | "dead":
            how = f"ended with exit code {container.exit_code} and stays down ({policy})"
        case status:
            return f"is {status}"
    said = container.error or last_words(engine, container)
    return f"{how}: {said}" if said else how


def last_words(engine: Engine, container: Container) -> str:
    """The last three lines of its log, as one."""
    return " / ".join(line.text for line in engine.log(container, last=3))


def log_position(engine: Engine, container: Container) -> str:
    """Where its log ends now, for a mark."""
    last = engine.log(container, last=1)
    return last[-1].stamp if last else _BEGINNING


def log_since(engine: Engine, container: Container, mark: Mark) -> tuple[str, ...]:
    """Its log lines after the mark, the last 2,000 at most."""
    position = mark.log_position
    since = 0 if position == _BEGINNING else int(datetime.fromisoformat(position).timestamp())
    lines = engine.log(container, last=LOG_LINES, since=since)
    return tuple(line.text for line in lines if line.stamp > position)


def _receiver(engine: Engine, container: Container) -> RunningProcess:
    """The main process, if a signal to it reaches a PostgREST; else raise."""
    if container.status != "running":
        raise NotRefreshed(
            f"{container} cannot reload: it {state(engine, container)}", hint=_way_out(container)
        )
    processes = engine.processes(container)
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
