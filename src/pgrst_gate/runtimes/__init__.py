"""The ways to reach a PostgREST server. `RUNTIMES` is the list of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from pgrst_gate.errors import UsageError
from pgrst_gate.runtimes.docker.compose import Compose
from pgrst_gate.runtimes.docker.docker import Docker
from pgrst_gate.runtimes.docker.swarm import Swarm
from pgrst_gate.runtimes.host.process import Process
from pgrst_gate.runtimes.host.systemd import Systemd
from pgrst_gate.runtimes.interface import Runtime, RuntimeName, Target
from pgrst_gate.runtimes.kubernetes.cluster import Cluster
from pgrst_gate.runtimes.kubernetes.kubernetes import Kubernetes
from pgrst_gate.runtimes.none import NoRefresh
from pgrst_gate.runtimes.notify import Notify
from pgrst_gate.runtimes.supabase import Supabase
from pgrst_gate.runtimes.transports.transport import Transport


def _docker(target: Target, transport: Transport) -> Runtime:
    return Docker(_needed(target.container, "docker", "container"), transport.connect)


def _compose(target: Target, transport: Transport) -> Runtime:
    service = _needed(target.service, "compose", "service")
    return Compose(target.project, service, transport.connect)


def _swarm(target: Target, transport: Transport) -> Runtime:
    return Swarm(_needed(target.service, "swarm", "service"), transport.connect)


def _systemd(target: Target, transport: Transport) -> Runtime:
    unit = _needed(target.unit, "systemd", "unit")
    return Systemd(unit, transport.commands, transport.place)


def _process(target: Target, transport: Transport) -> Runtime:
    return Process(
        target.pid,
        target.pid_file,
        target.process_name,
        target.restart_command,
        target.log_file,
        processes=transport.processes,
        commands=transport.commands,
        place=transport.place,
    )


def _kubernetes(target: Target, transport: Transport) -> Runtime:
    del transport  # a cluster has an address of its own
    connect = partial(Cluster, target.kubeconfig, target.kube_context, target.namespace)
    notify = Notify(target.database_url, target.channel) if target.database_url else None
    workload = _needed(target.workload, "kubernetes", "workload")
    return Kubernetes(workload, connect, notify, target.debug_image)


def _notify(target: Target, transport: Transport) -> Runtime:
    del transport  # a database has an address of its own
    return Notify(_needed(target.database_url, "notify", "database-url"), target.channel)


def _supabase(target: Target, transport: Transport) -> Runtime:
    del transport  # its Management API is the same from everywhere
    from pgrst_gate.supabase.management import Management

    management = Management(
        _needed(target.project_ref, "supabase", "project-ref"),
        _needed(target.access_token, "supabase", "access-token"),
        target.supabase_api_url,
        patience=target.patience,
    )
    return Supabase(management, target.channel)


def _none(target: Target, transport: Transport) -> Runtime:
    del target, transport
    return NoRefresh()


def _needed(value: str, runtime: RuntimeName, key: str) -> str:
    if not value:
        raise UsageError(
            f"`runtime: {runtime}` needs `{key}`", hint=f"give `{key}`, or use `runtime: auto`"
        )
    return value


RUNTIMES: Final[Mapping[RuntimeName, Callable[[Target, Transport], Runtime]]] = {
    "docker": _docker,
    "compose": _compose,
    "swarm": _swarm,
    "systemd": _systemd,
    "process": _process,
    "kubernetes": _kubernetes,
    "notify": _notify,
    "supabase": _supabase,
    "none": _none,
}
"""What makes a runtime from its part of the target, on the machine that a transport leads to.

Each raises `UsageError` where its part is missing."""
