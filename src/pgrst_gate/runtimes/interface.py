"""What every way to reach a server has in common. One file beside this one for each runtime.

A runtime knows how to find its instances, to ask them to reload or restart, and where they keep
their log. It knows nothing of schemas, and never claims that a reload worked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

RuntimeName = Literal[
    "docker",
    "compose",
    "swarm",
    "systemd",
    "process",
    "kubernetes",
    "notify",
    "supabase",
    "none",
]
Action = Literal["reload", "restart"]
ReloadSignal = Literal["SIGUSR1", "SIGHUP"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the servers are, by the inputs or found by `auto`; each runtime reads its own part."""

    container: str = ""
    """A name, an id or its beginning, or a label: `key=value` or `label:key`."""
    project: str = ""
    """Of compose; empty where only one has the service."""
    service: str = ""
    """Of a compose project, or of a Swarm: then its name or its id."""
    unit: str = ""
    pid: int | None = None
    pid_file: str = ""
    process_name: str = ""
    """Empty for `postgrest`."""
    restart_command: str = ""
    workload: str = ""
    """`deployment/NAME`, `statefulset/NAME`, or `pods/` and a label selector."""
    namespace: str = ""
    """Empty for that of the kubeconfig's context."""
    kubeconfig: str = field(default="", repr=False)
    """A path, or the text of such a file; empty for what the environment has."""
    kube_context: str = ""
    debug_image: str = ""
    log_file: str = ""
    database_url: str = field(default="", repr=False)
    channel: str = ""
    """Empty for `pgrst`."""
    project_ref: str = ""
    access_token: str = field(default="", repr=False)
    supabase_api_url: str = ""
    patience: float = 60.0
    """For how many seconds from now on a request that fails may be sent again."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One server process, or one channel that servers listen on."""

    key: str
    """How the runtime finds it again: a container id, a unit, a pid."""
    name: str
    """For people: `container api (3f2a9c1b)`."""
    warnings: tuple[str, ...] = ()
    """What preflight saw and a reader should know: `the container is unhealthy`."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one process can be asked from here, with no balancer between."""

    name: str
    """For people: `container api-2`, `pod postgrest-5f7c-x2x9q`."""
    url: str
    """The API's own base address; a tunnel's end where the process is on another machine."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an instance stood at one moment: two tell a restart, the log is read from here on."""

    started: str = ""
    """Opaque; another value means another process. Empty while there is none or it is not known."""
    log_position: str = ""
    """Opaque; empty where there is no log to read."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How an instance is doing; `text` is empty while it runs as it should."""

    text: str = ""
    hopeless: bool = False
    """It will not come back by itself, so waiting cannot help."""
    remedy: str = ""
    """What to type then; empty where only the server's own log can tell."""


class Runtime(Protocol):
    """Asks servers to refresh. Every method may raise `NotRefreshed` (exit code 3), with a hint.

    No method waits for ever. `SIGHUP` must be asked for only where the server is known to reload by
    it (PostgREST 5.2 and older); a runtime that can see what a process does with a signal refuses
    one that would end it.
    """

    @property
    def name(self) -> RuntimeName: ...

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """The instances found, all able to do the action from here. Touches nothing."""
        ...

    def mark(self, instance: Instance) -> Mark:
        """Where the instance stands now."""
        ...

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """Ask for a reload and return at once; gives what was sent, for the receipt."""
        ...

    def restart(self, instance: Instance) -> str:
        """Restart and return when the runtime says it is done; gives what was sent."""
        ...

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """Where each process of the instance can be asked by itself now, after a restart anew.

        Empty where none can be reached so from here. A tunnel that is opened for it stays open
        until `close`.
        """
        ...

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """The instance's log lines after the mark, oldest first; empty where there is no log."""
        ...

    def condition(self, instance: Instance) -> Condition:
        """How the instance is doing now; asked while its API does not answer."""
        ...

    def close(self) -> None:
        """End what was opened for the run: tunnels, connections. The last call; never raises."""
        ...
