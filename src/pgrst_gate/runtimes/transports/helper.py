"""The machine that runs this container, reached by helper containers through the engine's socket.

Whoever holds the socket can do anything there; each helper is given only what its purpose takes:

processes  the machine's pids and CAP_KILL; no AppArmor, whose profile `docker-default` lets no
           signal out to a process that is not confined by it (moby, profiles/apparmor/template.go)
commands   the machine's files, read-only, and CAP_SYS_CHROOT. systemctl needs neither the pids nor
           a capability: systemd asks a client on its socket for the user only (systemd 257)
network    the machine's network, for what listens on its 127.0.0.1; nothing else
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.surroundings import in_container, own_container
from pgrst_gate.runtimes.transports.commands import Completed

if TYPE_CHECKING:
    from docker.api.client import APIClient

LABEL: Final = "pgrst-gate.helper"
"""On every helper; its value is the id of the container that started it."""

_ROOT: Final = "/host"
_TIMED_OUT: Final = 124
"""The exit code of timeout(1) for a command that it ended."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a helper may do, and no more; all else is dropped."""

    purpose: str
    pid_mode: str | None = None
    network_mode: str = "none"
    capabilities: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    """What every command in it begins with."""


PROCESSES: Final = Rights(
    "processes", pid_mode="host", capabilities=("KILL",), security=("apparmor=unconfined",)
)
COMMANDS: Final = Rights(
    "commands",
    capabilities=("SYS_CHROOT",),
    binds=(f"/:{_ROOT}:ro",),
    # Else systemctl takes what it sees for a chroot, ignores the command, and succeeds.
    environment=("SYSTEMD_IGNORE_CHROOT=1",),
    prefix=("chroot", _ROOT),
)
NETWORK: Final = Rights("network", network_mode="host")


class Surrounding:
    """The engine whose container this is. Nothing is asked before it is needed."""

    @cached_property
    def api(self) -> APIClient:
        """The engine behind the mounted socket. Raises `NotRefreshed`."""
        import docker
        from docker.errors import DockerException

        if not in_container():
            raise NotRefreshed(
                "`reach-host` leads out of a container, and this is none",
                hint="leave it out: what runs here sees this machine as it is",
            )
        try:
            return docker.from_env().api
        except (DockerException, OSError) as error:
            raise NotRefreshed(
                f"`reach-host` needs the Docker engine that runs this container, and none answers:"
                f" {error}",
                hint="mount its socket (-v /var/run/docker.sock:/var/run/docker.sock), or run the"
                " gate on the machine itself",
            ) from error

    @cached_property
    def own(self) -> dict[str, Any]:
        """This container, as the engine tells it: the one that has a file made here just now.

        What shows inside does not tell: host name and mounts are another container's where the
        network is.
        """
        from docker.errors import APIError

        try:
            with (
                _engine_told("find the container that this runs in"),
                tempfile.NamedTemporaryFile(dir=Path(__file__).parent) as mark,
            ):
                running = [one["Id"] for one in self.api.containers()]
                likely = sorted(running, key=lambda one: one != own_container())
                for candidate in likely:
                    with suppress(APIError):
                        self.api.get_archive(candidate, mark.name)
                        found: dict[str, Any] = self.api.inspect_container(candidate)
                        return found
        except OSError as error:
            raise NotRefreshed(
                f"`reach-host` marks this container by a file, which cannot be written: {error}",
                hint="run the image as root and without --read-only",
            ) from error
        raise NotRefreshed(
            "`reach-host` starts a helper from this container's own image, and none of the"
            f" {len(running)} containers of the Docker engine is this one",
            hint="DOCKER_HOST or the mounted socket is another machine's: reach that by"
            " `host: ssh://…`, or run the gate on the machine itself",
        )


@dataclass(slots=True)
class Helper:
    """A container beside this one, from its image, with some rights; started by the first command.

    It lives on its standard input, which the engine closes when this process ends, however that
    comes about; and the engine removes it when it has ended.
    """

    surrounding: Surrounding
    rights: Rights
    name: str = field(init=False)
    _begun: bool = False
    """From here on there may be something to remove."""
    _ending: ExitStack = field(default_factory=ExitStack)
    """Holds our end of its standard input."""

    def __post_init__(self) -> None:
        self.name = f"pgrst-gate-helper-{self.rights.purpose}-{secrets.token_hex(6)}"

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """As `Commands.run`; the engine gives all that was said, without a limit."""
        limited = ["timeout", "--kill-after=5", f"{timeout:g}", *self.rights.prefix, *argv]
        self.open()
        with _engine_told(f"run `{argv[0]}` in {self.name}"):
            api = self.surrounding.api
            made = api.exec_create(self.name, limited)["Id"]
            stdout, stderr = api.exec_start(made, demux=True)
            code = int(api.exec_inspect(made)["ExitCode"])
        if code == _TIMED_OUT:
            raise NotRefreshed(
                f"`{' '.join(argv)}` did not end within {timeout:g} s and was stopped",
                hint="it must return once its work is done",
            )
        return Completed(code, _text(stdout), _text(stderr))

    def open(self) -> None:
        """Start it, unless it is."""
        if self._begun:
            return
        own, api, rights = self.surrounding.own, self.surrounding.api, self.rights
        with _engine_told(f"start a helper container for the machine's {rights.purpose}"):
            self._begun = True
            api.create_container(
                own["Image"],
                name=self.name,
                entrypoint=["cat"],
                command=[],
                stdin_open=True,
                labels={LABEL: own["Id"]},
                environment=list(rights.environment),
                user="0:0",
                host_config=api.create_host_config(
                    auto_remove=True,
                    binds=list(rights.binds),
                    cap_add=list(rights.capabilities),
                    cap_drop=["ALL"],
                    network_mode=rights.network_mode,
                    pid_mode=rights.pid_mode,
                    read_only=True,
                    security_opt=["no-new-privileges", *rights.security],
                    userns_mode="host",
                ),
            )
            line = api.attach_socket(self.name, params={"stdin": 1, "stream": 1})
            self._ending.callback(getattr(line, "_sock", line).close)
            self._ending.callback(line.close)
            api.start(self.name)

    def close(self) -> None:
        """Remove it with all that runs in it; never raises."""
        from docker.errors import DockerException

        if not self._begun:
            return
        with suppress(DockerException, OSError):  # it has ended, so it is removed already
            self.surrounding.api.remove_container(self.name, force=True)
        self._ending.close()


def _text(said: bytes | None) -> str:
    return (said or b"").decode(errors="replace")


@contextmanager
def _engine_told(action: str) -> Iterator[None]:
    from docker.errors import APIError, DockerException
    from requests import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        said = error.explanation if isinstance(error, APIError) else error
        raise NotRefreshed(
            f"the Docker engine did not {action}: {said}",
            hint="its owner may forbid that; run the gate on the machine itself instead",
        ) from error
