"""An update of a Swarm service, followed to its end.

The states are those of UpdateStatus in the Docker Engine API (1.41). A Swarm that sees new tasks
fail pauses the update or rolls it back, as the service's `update_config` says.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker import contained
from pgrst_gate.runtimes.docker.engine import Engine
from pgrst_gate.runtimes.docker.services import Service, Task

STALLED_SECONDS: Final = 180.0
"""How long an update may go on in which neither its own state nor any task's becomes another."""
POLL_SECONDS: Final = 0.2

_NOT_DONE: Final = {
    "paused": "was paused",
    "rollback_paused": "was being rolled back, and that was paused",
    "rollback_completed": "was rolled back",
}
_FAILED: Final = frozenset({"failed", "rejected"})


def follow(engine: Engine, before: Service, old: Sequence[Task]) -> None:
    """Return when the update is complete, and every task that ran has a running successor.

    ``before`` and ``old`` are the service and its tasks from before the update. Raises
    `NotRefreshed`, with what the failing task said, when the update is paused, rolled back, or gets
    no further.
    """
    seen, moved = None, time.monotonic()
    while True:
        service, tasks = _now(engine, before)
        new = [task for task in tasks if task.id not in {one.id for one in old}]
        update = service.update
        begun = update.started_at != before.update.started_at
        if begun and update.state in _NOT_DONE:
            how = f"the update of {service} {_NOT_DONE[update.state]}"
            raise _failed(engine, service, new, f"{how} ({update.message})")
        if begun and update.state == "completed":
            places = {task.place for task in old if task.runs}
            if places <= {task.place for task in new if task.runs}:
                return
        now = (update, {(task.id, task.state) for task in tasks})
        if now != seen:
            seen, moved = now, time.monotonic()
        elif time.monotonic() - moved > STALLED_SECONDS:
            stalled = f"has not got any further for {STALLED_SECONDS:g} s"
            raise _failed(engine, service, new, f"the update of {service} {stalled}")
        time.sleep(POLL_SECONDS)


def _now(engine: Engine, before: Service) -> tuple[Service, tuple[Task, ...]]:
    service = engine.services.get(before.id)
    if service is None:
        raise NotRefreshed(
            f"{before} was removed during its update", hint="docker service ls tells what there is"
        )
    return service, engine.services.tasks(service)


def _failed(engine: Engine, service: Service, new: Sequence[Task], text: str) -> NotRefreshed:
    """With the error and the last words of the task that failed last, or else how one waits."""
    failing = [task for task in new if task.state in _FAILED] or [t for t in new if not t.runs]
    if failing:
        task = failing[0]
        text += f": task {service.name}.{task.place} {task.told}"
        container = engine.container(task.container) if task.container else None
        if container and (said := contained.last_words(engine, container)):
            text += f"; its log ends with: {said}"
    return NotRefreshed(text, hint=f"docker service ps --no-trunc {service.name}")
