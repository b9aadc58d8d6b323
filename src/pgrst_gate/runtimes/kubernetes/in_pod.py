"""How a signal gets to the main process of a pod's container: from within the pod.

There the kernel drops a signal that the main process has no handler for, so that none can end it;
still nothing is sent to what is not PostgREST.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.host.processes import (
    RunningProcess,
    ensure_called,
    ensure_reloads,
    read_proc,
)
from pgrst_gate.runtimes.interface import ReloadSignal
from pgrst_gate.runtimes.kubernetes.cluster import Cluster
from pgrst_gate.runtimes.kubernetes.workload import Pod
from pgrst_gate.runtimes.transports.commands import NOT_EXECUTABLE, NOT_FOUND

ATTACHED_SECONDS: Final = 60.0
"""How long an ephemeral container may take, the download of its image included."""
_POLL_SECONDS: Final = 0.5
# The arguments first: whatever they hold, the status is what follows the last `Name:`.
_LOOK: Final = ("cat", "/proc/1/cmdline", "/proc/1/status")
_NAME: Final = "Name:\t"
_NOT_POSTGREST: Final = 3
_SEND: Final = f"""
read -r name </proc/1/comm
case $name in
    postgrest*|.postgrest*) kill -s "$1" 1 ;;
    *) echo "its main process is $name, not PostgREST"; exit {_NOT_POSTGREST} ;;
esac
"""


def looked_at(cluster: Cluster, pod: Pod) -> bool:
    """Whether the image has what it takes to look at the main process, and to send it a signal.

    Raises `NotRefreshed` where that is no PostgREST.
    """
    process = _main_process(cluster, pod)
    if process is not None:
        _told(pod, lambda: ensure_called(process))
    return process is not None


def send(cluster: Cluster, pod: Pod, signal: ReloadSignal) -> None:
    """Send the signal by exec, after one more look; raises `NotRefreshed`."""
    process = _main_process(cluster, pod)
    if process is None:
        raise NotRefreshed(f"{pod} has another image now, one that has no `cat`; nothing was sent")
    _told(pod, lambda: ensure_reloads(process, signal))
    killed = cluster.run(pod, ["sh", "-c", f"kill -s {signal.removeprefix('SIG')} 1"])
    if killed.exit_code:
        raise NotRefreshed(
            f"{signal} could not be sent in {pod}: {killed.said or killed.exit_code}",
            hint="reload by NOTIFY (`database-url`), or use `method: restart`",
        )


def send_from_beside(
    cluster: Cluster, pod: Pod, signal: ReloadSignal, image: str, *, dry_run: bool = False
) -> None:
    """Send the signal from an ephemeral container, which looks first; raises `NotRefreshed`."""
    name = f"pgrst-gate-{secrets.token_hex(3)}"
    cluster.attach(pod, _ephemeral(name, pod, signal, image), dry_run=dry_run)
    give_up = time.monotonic() + ATTACHED_SECONDS
    state: dict[str, Any] = {}
    while not dry_run and "terminated" not in state:
        if time.monotonic() > give_up:
            waits = state.get("waiting", {})
            raise NotRefreshed(
                f"the ephemeral container {name} of {pod} did not end within "
                f"{ATTACHED_SECONDS:g} s: {waits.get('reason', '')} {waits.get('message', '')}",
                hint="can the node pull `debug-image`? reload by NOTIFY (`database-url`) instead",
            )
        time.sleep(_POLL_SECONDS)
        state = next((dict(one.beside.get(name, {})) for one in cluster.pods(name=pod.name)), {})
    if ended := state.get("terminated", {}).get("exitCode", 0):
        said = state["terminated"].get("message", "").strip()
        raise NotRefreshed(
            f"{signal} was not sent in {pod}: {said or f'exit code {ended}'}",
            hint="PostgREST must be the main process of its container, and `debug-image` have a "
            "shell; reload by NOTIFY (`database-url`), or use `method: restart`",
        )


def _ephemeral(name: str, pod: Pod, signal: ReloadSignal, image: str) -> dict[str, Any]:
    """The container; as the same user it needs no rights, else root's right to signal others."""
    security: dict[str, Any] = {"allowPrivilegeEscalation": False}
    if pod.run_as_user:
        security |= {"runAsUser": pod.run_as_user, "runAsNonRoot": True}
        security |= {"capabilities": {"drop": ["ALL"]}}
        security |= {"seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "name": name,
        "image": image,
        "command": ["sh", "-c", _SEND, "sh", signal.removeprefix("SIG")],
        "targetContainerName": pod.container,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": security,
    }


def _main_process(cluster: Cluster, pod: Pod) -> RunningProcess | None:
    """The main process of the container; None where its image has no `cat`."""
    seen = cluster.run(pod, _LOOK)
    if seen.exit_code in {NOT_EXECUTABLE, NOT_FOUND}:
        return None
    arguments, name, status = seen.stdout.rpartition(_NAME)
    process = read_proc(name + status, arguments) if not seen.exit_code and name else None
    if process is None:
        raise NotRefreshed(
            f"the main process of {pod} cannot be looked at: {seen.said}; nothing was sent",
            hint="reload by NOTIFY (`database-url`), or use `method: restart`",
        )
    return process


def _told(pod: Pod, ensure: Callable[[], None]) -> None:
    try:
        ensure()
    except NotRefreshed as error:
        raise NotRefreshed(f"{pod}: {error}", hint=error.hint) from error
