"""What runtimes have in common that see nothing of the servers they reach."""

from __future__ import annotations

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.interface import Address, Condition, Instance, Mark


class Unseen:
    """Servers without a process, a log or an address of their own, as far as can be told."""

    def mark(self, instance: Instance) -> Mark:
        """Nothing is known."""
        del instance
        return Mark()

    def restart(self, instance: Instance) -> str:
        """Refuse: there is nothing to restart."""
        raise NotRefreshed(f"{instance.name} cannot be restarted", hint="use `method: reload`")

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """None that is known."""
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
