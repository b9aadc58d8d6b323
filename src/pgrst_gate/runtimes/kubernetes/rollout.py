"""A rollout, followed to its end: every pod a new one and ready, or why it will not be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.kubernetes.cluster import Cluster
from pgrst_gate.runtimes.kubernetes.workload import Pod, Workload

LONGEST_SECONDS: Final = 600.0
"""How long it is followed; a deployment's own `progressDeadlineSeconds` is 600 by default, too."""
STUCK_SECONDS: Final = 30.0
"""How long a new pod may be in trouble (a crash, an image that is not there) before the rollout
counts as failed: a first crash or a first failed pull may pass."""
LAST_WORDS: Final = 3
"""How many lines are shown of the log of a pod that does not come up."""
_POLL_SECONDS: Final = 0.5


def roll_out(cluster: Cluster, find: Callable[[], Workload]) -> None:
    """Replace the pods, and return when all are new and ready; raises `NotRefreshed`."""
    workload = find()
    old = {pod.uid for pod in cluster.pods(workload.selector)}
    cluster.restart(workload, now())
    began = time.monotonic()
    trouble: dict[str, float] = {}
    while True:
        workload = find()
        if not (workload.failed or workload.pending):
            return
        at = time.monotonic()
        new = [pod for pod in cluster.pods(workload.selector) if pod.uid not in old]
        trouble = {pod.uid: trouble.get(pod.uid, at) for pod in new if pod.trouble}
        stuck = [pod for pod in new if at - trouble.get(pod.uid, at) > STUCK_SECONDS]
        if workload.failed or stuck or at - began > LONGEST_SECONDS:
            raise _not_rolled_out(cluster, workload, stuck or [pod for pod in new if not pod.ready])
        time.sleep(_POLL_SECONDS)


def now() -> str:
    """The time, as `kubectl rollout restart` writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def states(cluster: Cluster, pods: Sequence[Pod]) -> str:
    """How pods are that do not come up, each with the last lines it wrote."""
    return "; ".join(
        ": ".join(filter(None, (pod.state, " / ".join(last_words(cluster, pod))))) for pod in pods
    )


def last_words(cluster: Cluster, pod: Pod) -> tuple[str, ...]:
    """The last lines of a pod's log, or else of the container that crashed before this one."""
    lines = cluster.log(pod, last=LAST_WORDS)
    if not lines and pod.restarts:
        lines = cluster.log(pod, last=LAST_WORDS, previous=True)
    return tuple(line.text for line in lines)


def _not_rolled_out(cluster: Cluster, workload: Workload, pods: Sequence[Pod]) -> NotRefreshed:
    waits = workload.failed or f"it still waits for {workload.pending}"
    how = states(cluster, pods)
    return NotRefreshed(
        f"the rollout of {workload} did not complete: {waits}{f'; {how}' if how else ''}",
        hint="the old pods that are left go on serving; mend what the log says, or go back: "
        f"kubectl -n {cluster.namespace} rollout undo {workload.kind}/{workload.name}",
    )
