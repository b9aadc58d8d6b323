"""For servers that reload by themselves: nothing is sent, the gate only waits and verifies."""

from __future__ import annotations

from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.interface import (
    Action,
    Instance,
    ReloadSignal,
    RuntimeName,
)
from pgrst_gate.runtimes.unseen import Unseen


class NoRefresh(Unseen):
    """Has no instances, so there is nothing to send to."""

    name: Final[RuntimeName] = "none"

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """No instance, for any action."""
        del action
        return ()

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """Refuse: there is nothing to signal."""
        raise _nothing_to_send_to(instance, signal)

    def restart(self, instance: Instance) -> str:
        """Refuse: there is nothing to restart."""
        raise _nothing_to_send_to(instance, "restart")


def _nothing_to_send_to(instance: Instance, what: str) -> NotRefreshed:
    return NotRefreshed(
        f"runtime none sends nothing, so no {what} to {instance.name}",
        hint="name a `runtime` that reaches the server",
    )
