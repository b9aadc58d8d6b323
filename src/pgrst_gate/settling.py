"""After a restart, look on: a server may serve for a moment and end again, or be ended.

A crash loop, a limit of memory, a gateway that goes on to an old address: all of them are as
expected when they are first looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.looking import Looking, Waited
from pgrst_gate.replicas import Replica
from pgrst_gate.runtimes.interface import Instance, Runtime

PAUSE_SECONDS: Final = 0.2
"""Between two looks."""
IN_A_ROW: Final = 2
"""So many looks that are not good are no accident of the network."""


def went_away(
    runtime: Runtime,
    instances: tuple[Instance, ...],
    replicas: tuple[Replica, ...],
    inputs: Inputs,
    journal: Journal,
    sleep: Callable[[float], None],
) -> tuple[str, tuple[Waited, ...]]:
    """Look on for `settle`; gives what went away and what was seen then, or nothing.

    The words are of a runtime and possibly untrusted.
    """
    until = journal.now + inputs.settle
    journal.note("wait", f"looking on for {inputs.settle:g} s, whether it stays so")
    started = {one: runtime.mark(one).started for one in instances}
    looks = [Looking(one, inputs, journal, alive=lambda: None) for one in replicas]
    bad = 0
    while journal.now < until:
        sleep(min(PAUSE_SECONDS, max(0.0, until - journal.now)))
        for one in looks:
            one.look()
        bad = 0 if all(one.seen.served for one in looks) else bad + 1
        again = [one for one in instances if _is_another(runtime, one, started[one])]
        if again or bad >= IN_A_ROW:
            return _said(runtime, instances, again, looks), tuple(one.give_up() for one in looks)
    return "", ()


def _is_another(runtime: Runtime, instance: Instance, started: str) -> bool:
    now = runtime.mark(instance).started
    return bool(started and now) and now != started


def _said(
    runtime: Runtime,
    instances: tuple[Instance, ...],
    again: list[Instance],
    looks: list[Looking],
) -> str:
    ill = [text for one in instances if (text := runtime.condition(one).text)]
    if ill:
        return "; ".join(ill)
    if again:
        return f"{', '.join(one.name for one in again)} ended and was started again"
    bad = [one.replica.name or "the API" for one in looks if not one.seen.served]
    return f"{', '.join(bad)} no longer serves what it did"
