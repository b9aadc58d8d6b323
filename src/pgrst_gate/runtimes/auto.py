"""Picks the runtime: by what the inputs name, or else by what is found around here.

What is found is taken only when it is the only one and the URL is near: to restart a stranger's
server is worse than to ask for one more input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pgrst_gate.errors import NotRefreshed, UsageError
from pgrst_gate.localhost import is_near
from pgrst_gate.runtimes.docker import compose, swarm
from pgrst_gate.runtimes.docker.engine import Container, Engine
from pgrst_gate.runtimes.host.processes import POSTGREST, servers_named
from pgrst_gate.runtimes.host.systemd import Systemd
from pgrst_gate.runtimes.interface import RuntimeName, Target
from pgrst_gate.runtimes.surroundings import HERE
from pgrst_gate.runtimes.transports.transport import Transport

T = TypeVar("T")

UNIT: Final = "postgrest.service"
"""The unit that is looked for; others must be named."""
TOGETHER: Final = ("com.docker.compose.project", "com.supabase.cli.project")
"""Labels of containers that were started together: by compose, as self-hosted Supabase is, and by
`supabase start` (supabase/cli apps/cli-go/internal/utils/docker.go)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A runtime with what it acts on, and why it was picked, for people."""

    name: RuntimeName
    why: str
    target: Target


def choose(target: Target, url: str, transport: Transport) -> Choice:
    """The runtime for a PostgREST at the URL; `none` where nothing is named and nothing is found.

    Another machine that is named is looked at wherever the URL points.

    Raises `UsageError` where the inputs name several, and `NotRefreshed` where several are found.
    """
    if named := _named(target):
        return _of_its_kind(named, transport)
    if target.project_ref:
        return Choice("none", "`project-ref` is given, but no `access-token`", target)
    host = urlsplit(url).hostname or ""
    if transport.place == HERE and not is_near(host):
        return Choice(
            "none", f"no input names a server to refresh, and {host} is elsewhere", target
        )
    where = transport.place.here
    return (
        _container(target, urlsplit(url).port, transport)
        or _unit(target, transport)
        or _process(target, transport)
        or Choice("none", f"no PostgREST container, unit or process was found {where}", target)
    )


def _named(target: Target) -> Choice | None:
    """The runtime the inputs name; a database URL may stand beside others and counts last."""
    by_input: dict[str, tuple[RuntimeName, object]] = {
        "container": ("docker", target.container),
        "project": ("compose", target.project),
        "service": ("compose", target.service),
        "unit": ("systemd", target.unit),
        "pid": ("process", target.pid),
        "pid-file": ("process", target.pid_file),
        "process-name": ("process", target.process_name),
        "workload": ("kubernetes", target.workload),
        "project-ref": ("supabase", target.access_token and target.project_ref),
    }
    given = {key: name for key, (name, value) in by_input.items() if value}
    if len(set(given.values())) > 1:
        raise UsageError(
            f"`{'`, `'.join(given)}` name different runtimes",
            hint="give one of them, or say which by `runtime`",
        )
    if not given and target.database_url:
        return Choice("notify", "`database-url` is given", target)
    return next((Choice(name, f"`{key}` is given", target) for key, name in given.items()), None)


def _of_its_kind(named: Choice, transport: Transport) -> Choice:
    """A service that is named without a project may be one of a Swarm."""
    service = named.target.service
    if named.name != "compose" or named.target.project:
        return named
    engine = transport.connect()
    if not engine.services.membership().is_manager or engine.services.get(service) is None:
        return named
    if engine.containers(f"{compose.SERVICE}={service}"):
        raise NotRefreshed(
            f"this Swarm and a compose project both have a service {service}",
            hint="say which by `runtime`: `swarm` or `compose`",
        )
    return Choice("swarm", f"{named.why}, and this Swarm has it", named.target)


def _container(target: Target, port: int | None, transport: Transport) -> Choice | None:
    """The only running PostgREST container; of several, the one that the URL's port leads to.

    All replicas of a service are one.
    """
    try:
        engine = transport.connect()
        running = [found for found in engine.containers() if found.status == "running"]
    except NotRefreshed:  # no Docker here, or none that this user may ask
        return None
    servers = [found for found in running if _is_postgrest(engine, found)]
    gateways = [found for found in running if any(port == one.port for one in found.published)]
    published = [found for found in servers if found in gateways]
    behind = [] if published else _started_with(gateways, servers)
    whole = [_belonging(one, target) for one in published or behind or servers]
    keys = "` or `".join(sorted({one.key for one in whole}))
    found = _only(list(dict.fromkeys(whole)), keys, transport)
    if found is None:
        return None
    by = f", behind {gateways[0]}, which publishes port {port}" if behind else ""
    return Choice(found.name, f"{found} runs {transport.place.here}{by}", found.target)


def _started_with(
    gateways: Sequence[Container], servers: Sequence[Container]
) -> Sequence[Container]:
    """The servers that were started together with one of the gateways."""
    projects = {(key, one.labels[key]) for one in gateways for key in TOGETHER if key in one.labels}
    return [
        one for one in servers if projects & {(key, one.labels.get(key, "")) for key in TOGETHER}
    ]


@dataclass(frozen=True, slots=True)
class _Whole:
    """What is refreshed as one: a container, or all those of a service."""

    name: RuntimeName
    text: str
    key: str
    """The input that names it."""
    target: Target

    def __str__(self) -> str:
        return self.text


def _belonging(container: Container, target: Target) -> _Whole:
    labels = container.labels
    if service := labels.get(swarm.SERVICE):
        text = f"service {service} of the Swarm"
        return _Whole("swarm", text, "service", replace(target, service=service))
    service = labels.get(compose.SERVICE, "")
    if not service or labels.get(compose.ONE_OFF) == "True":
        by_id = replace(target, container=container.id)
        return _Whole("docker", str(container), "container", by_id)
    project = labels.get(compose.PROJECT, "")
    text = f"service {service} of compose project {project}"
    return _Whole("compose", text, "service", replace(target, project=project, service=service))


def _is_postgrest(engine: Engine, container: Container) -> bool:
    """Whether it is one by its image's name or by what runs in it."""
    if POSTGREST in container.image.rpartition("/")[2]:
        return True
    try:
        return any(process.is_postgrest() for process in engine.processes(container))
    except NotRefreshed:  # it ended just now
        return False


def _unit(target: Target, transport: Transport) -> Choice | None:
    systemd = Systemd(UNIT, transport.commands)
    try:
        (unit,) = systemd.preflight("restart")
        if systemd.condition(unit).text:
            return None
    except NotRefreshed:  # no systemd here, or no such unit
        return None
    why = f"{unit.name} is active {transport.place.here}"
    return Choice("systemd", why, replace(target, unit=unit.key))


def _process(target: Target, transport: Transport) -> Choice | None:
    found = _only(servers_named(POSTGREST, transport.processes.all()), "pid", transport)
    if found is None:
        return None
    why = f"{found} runs {transport.place.here}"
    return Choice("process", why, replace(target, pid=found.pid))


def _only(found: Sequence[T], key: str, transport: Transport) -> T | None:
    """The only one, if there is one; several are an error that names the input to choose by."""
    if len(found) > 1:
        raise NotRefreshed(
            f"several servers are found {transport.place.here}: {', '.join(map(str, found[:5]))}",
            hint=f"say which one by `{key}`",
        )
    return found[0] if found else None
