"""For servers that reload by themselves: nothing is sent, the gate only waits and verifies."""

from __future__ import annotations

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


class NoRefresh:
    """Has no instances, so there is nothing to send to."""

    name: Final[RuntimeName] = "none"

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """No instance, for any action."""
        del action
        return ()

    def mark(self, instance: Instance) -> Mark:
        """Nothing is known."""
        del instance
        return Mark()

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """Refuse: there is nothing to signal."""
        raise _nothing_to_send_to(instance, signal)

    def restart(self, instance: Instance) -> str:
        """Refuse: there is nothing to restart."""
        raise _nothing_to_send_to(instance, "restart")

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """No process is known."""
        del instance
        return ()

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """No log."""
        del instance, mark
        return ()

    def condition(self, instance: Instance) -> Condition:
        """Nothing is known."""
        del instance
        return Condition()

    def close(self) -> None:
        """Nothing was opened."""


def _nothing_to_send_to(instance: Instance, what: str) -> NotRefreshed:
    return NotRefreshed(
        f"runtime none sends nothing, so no {what} to {instance.name}",
        hint="name a `runtime` that reaches the server",
    )
