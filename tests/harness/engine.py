"""The Docker engine that integration tests run on, and that nothing of theirs is left on.

Whatever a test run creates bears the label `pgrst-gate-test.run=<run>`, by which `Engine.sweep`
removes it: a failed test leaves as little behind as a passed one.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import docker
from docker.errors import APIError, DockerException

if TYPE_CHECKING:
    from docker.models.containers import Container

RUN_LABEL = "pgrst-gate-test.run"
LONG_AGO = timedelta(hours=1)
"""The age at which what another test run made cannot be in its use any more."""


class EngineMissing(Exception):
    """No Docker engine answers; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine, as one test run uses it."""

    client: docker.DockerClient
    run: str
    """Random; part of the name, and the value of the label, of all that this run creates."""

    @classmethod
    def connect(cls) -> Engine:
        """Find the engine that the environment names. Raises `EngineMissing`."""
        try:
            client = docker.from_env()
            client.ping()
        except DockerException as error:
            raise EngineMissing(
                f"needs a Docker engine and none answers ({error}): start one, by `systemctl start"
                " docker`, `dockerd` or Docker Desktop, or name one in DOCKER_HOST"
            ) from error
        return cls(client, secrets.token_hex(4))

    @property
    def label(self) -> str:
        """Marks what this run creates, for `--label`."""
        return f"{RUN_LABEL}={self.run}"

    def name(self, purpose: str) -> str:
        """A name that no other test and no other run uses; a valid host name as well."""
        return f"pgrst-gate-{self.run}-{purpose}-{secrets.token_hex(4)}"

    def network(self) -> str:
        """Create a network in which containers find each other by name; gives its name."""
        name = self.name("network")
        key, _, value = self.label.partition("=")
        self.client.networks.create(name, labels={key: value})
        return name

    def start(
        self,
        image: str,
        *command: str,
        name: str,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Container:
        """Start a container in the background; the options are those of `docker run`."""
        given = [f"--env={key}={value}" for key, value in (environment or {}).items()]
        labelled = ["--detach", f"--label={self.label}", f"--name={name}"]
        run = ["docker", "run", *labelled, *given, *options, image, *command]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"`{' '.join(run)}` failed:\n{done.stderr}")
        return self.client.containers.get(done.stdout.strip())

    def sweep(self) -> None:
        """Remove all that this run created, and what runs that were killed left behind."""
        for container in self.client.containers.list(
            all=True, filters={"label": RUN_LABEL}, ignore_removed=True
        ):
            if self._owns(container.labels) or long_past(container.attrs["Created"]):
                with suppress(APIError):  # it is being removed already
                    container.remove(force=True, v=True)
        for network in self.client.networks.list(filters={"label": RUN_LABEL}):
            if self._owns(network.attrs["Labels"]) or long_past(network.attrs["Created"]):
                with suppress(APIError):  # the same
                    network.remove()

    def _owns(self, labels: Mapping[str, str]) -> bool:
        return labels[RUN_LABEL] == self.run


def long_past(created: str) -> bool:
    """Whether a moment, as the engine writes it (RFC 3339 with nanoseconds, UTC), is long past."""
    moment = datetime.fromisoformat(created[:19]).replace(tzinfo=UTC)
    return datetime.now(UTC) - moment > LONG_AGO
