"""How the server of a run is reached by hand: the commands that remedies are made of."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from pgrst_gate.runtimes.docker import compose, swarm
from pgrst_gate.runtimes.interface import Target
from pgrst_gate.schema import quoted


@dataclass(frozen=True, slots=True)
class Reach:
    """The names of this set-up that go into a command."""

    channel: str = "pgrst"
    signal: str = "docker kill -s SIGUSR1 <container>"
    """The command that has the server reload, other than NOTIFY in a session of one's own."""
    log: str = "`docker logs --tail 50 <container>`"
    """How the server's log is seen: mostly a command."""
    apply: str = ""
    """The command that applies migrations; empty for one that is a file of its own."""

    @property
    def reload(self) -> str:
        """The statement that has the server load its schema cache."""
        return f"NOTIFY {self.channel}, 'reload schema';"


UNKNOWN: Final = Reach()
"""A server that nothing names."""


def reach(target: Target, runtime: str = "auto", apply: str = "") -> Reach:
    """How this server is told to reload, by what names it; ``runtime`` as in the inputs."""
    channel = quoted(target.channel or "pgrst")
    if target.workload:
        signal, log = _workload(target)
    elif target.unit:
        one = shlex.quote(target.unit)
        signal = f"systemctl kill -s SIGUSR1 --kill-whom=main {one}"
        log = f"`journalctl -u {one} -n 50`"
    elif target.pid is not None:
        signal, log = f"kill -USR1 {target.pid}", "where its standard error goes"
    elif target.project_ref:
        statement = f"notify {channel}, 'reload schema'"
        # Double quotes read better; a channel that is no plain word is in such quotes itself.
        notify = shlex.quote(statement) if '"' in statement else f'"{statement}"'
        signal = f"supabase db query --remote={target.project_ref} --yes {notify}"
        log = "Logs, PostgREST, in the project's dashboard"
    else:
        signal, log = _containers(target, runtime)
    return Reach(channel, signal, log, apply)


def _workload(target: Target) -> tuple[str, str]:
    """The commands for a deployment or statefulset, or for whatever keeps pods."""
    one = target.workload
    replaced = "deployment/<name>" if one.startswith("pods/") else one
    where = f"-n {shlex.quote(target.namespace)} " if target.namespace else ""
    return (
        f"kubectl {where}rollout restart {replaced}",
        f"`kubectl {where}logs --tail 50 {one}`",
    )


def _containers(target: Target, runtime: str) -> tuple[str, str]:
    """The commands for a container, or for all of a label: `docker kill` takes no label itself."""
    filters = [f"label={label}" for label in _labels(target, runtime)]
    if not filters:
        one = shlex.quote(target.container) if target.container else "<container>"
        return f"docker kill -s SIGUSR1 {one}", f"`docker logs --tail 50 {one}`"
    every = shlex.join(["docker", "ps", "-q", *(f"--filter={one}" for one in filters)])
    log = f"`{every} | xargs -n 1 docker logs --tail 50`"
    return f"docker kill -s SIGUSR1 $({every})", log


def _labels(target: Target, runtime: str) -> tuple[str, ...]:
    if target.container:
        label = target.container.removeprefix("label:")
        return (label,) if label != target.container or "=" in label else ()
    if target.service and runtime == "swarm":
        return (f"{swarm.SERVICE}={target.service}",)
    if target.service and runtime == "compose":
        project = (f"{compose.PROJECT}={target.project}",) if target.project else ()
        return (*project, f"{compose.SERVICE}={target.service}")
    return ()
