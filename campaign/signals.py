"""A runtime for the gate that signals the campaign's own servers, with or without their logs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from signal import SIGUSR1
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.interface import (
    Action,
    Address,
    Condition,
    Instance,
    Mark,
    ReloadSignal,
    RuntimeName,
)
from pgrst_sandbox.process import Server


@dataclass(slots=True)
class Signals:
    """Sends SIGUSR1; `sent` holds each server's number and its log's length just before."""

    servers: Sequence[Server]
    shows_log: bool
    sent: list[tuple[int, int]] = field(default_factory=list)
    name: Final[RuntimeName] = "process"

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        del action
        return tuple(Instance(str(nr), f"server {nr}") for nr in range(len(self.servers)))

    def mark(self, instance: Instance) -> Mark:
        server = self._server(instance)
        return Mark(str(server.pid), str(len(server.log)) if self.shows_log else "")

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        server = self._server(instance)
        self.sent.append((int(instance.key), len(server.log)))
        server.signal(SIGUSR1)
        return signal

    def restart(self, instance: Instance) -> str:
        raise NotRefreshed(f"the campaign restarts nothing: {instance.name}")

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """None."""
        del instance
        return ()

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        position = mark.log_position
        return self._server(instance).log.since(int(position)) if position else ()

    def condition(self, instance: Instance) -> Condition:
        ended = self._server(instance).process.poll() is not None
        return Condition("it has ended", hopeless=True) if ended else Condition()

    def close(self) -> None:
        """Nothing was opened."""

    def _server(self, instance: Instance) -> Server:
        return self.servers[int(instance.key)]
