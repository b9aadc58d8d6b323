"""PostgREST in a Kubernetes cluster: a reload in every pod, or a rollout of new ones.

PostgREST's own image holds no program but itself, so that exec has nothing to send a signal with.
Then it is NOTIFY where there is a database URL, or an ephemeral container where one is allowed.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.postgrest import logs
from pgrst_gate.runtimes.interface import (
    Action,
    Address,
    Condition,
    Instance,
    Mark,
    ReloadSignal,
    RuntimeName,
)
from pgrst_gate.runtimes.kubernetes import in_pod, rollout
from pgrst_gate.runtimes.kubernetes.cluster import Cluster, Forbidden
from pgrst_gate.runtimes.kubernetes.portforward import Forward
from pgrst_gate.runtimes.kubernetes.workload import Pod, Workload
from pgrst_gate.runtimes.notify import Notify

LOG_LINES: Final = 2000
GLANCE_SECONDS: Final = 0.2
"""How old the list of pods may be for a look at their logs, of which a round has many."""

_POD: Final = "pod"
"""The kind of an instance's key that is one pod."""


class Kubernetes:
    """The pods of `deployment/NAME`, `statefulset/NAME` or `pods/LABEL=VALUE`.

    Pods reload, and what they belong to is restarted: these are the instances. ``notify`` reloads
    where no signal can be sent, and else an ephemeral container of ``debug_image`` sends it, which
    stays listed in the pod until that is replaced.
    """

    name: Final[RuntimeName] = "kubernetes"

    def __init__(
        self,
        workload: str,
        connect: Callable[[], Cluster] = Cluster,
        notify: Notify | None = None,
        debug_image: str = "",
    ) -> None:
        self._kind, _, self._wanted = workload.partition("/")
        self._connect = connect
        self._notify = notify
        self._debug_image = debug_image
        self._channel: Instance | None = None
        """Where NOTIFY is sent, if that is how the pods reload."""
        self._keys: tuple[str, ...] = ()
        """Of the pods that hear it."""
        self._notified: dict[str, str] = {}
        """What was sent for pods that have yet to be asked to reload, by their keys."""
        self._by_exec = True
        self._selector = ""
        self._listed: tuple[Pod, ...] = ()
        self._listed_at = -GLANCE_SECONDS
        self._tunnels: dict[str, tuple[Address, Forward]] = {}
        self._first: dict[str, frozenset[str]] = {}
        """The processes of an instance that were seen first and of which one is left, by key."""

    @cached_property
    def _cluster(self) -> Cluster:
        return self._connect()

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`: what the action asks of the cluster is tried, or made dry.

        A pod that runs and is not ready reloads with the others: it may be ready again soon.
        """
        workload = self._workload()
        pods = self._cluster.pods(workload.selector)
        if action == "restart":
            self._ensure_replaceable(workload)
            self._ensure_readable(pods)
            warnings = tuple(pod.state for pod in pods if not pod.ready)
            name = f"{workload} in namespace {self._cluster.namespace}"
            return (Instance(f"{self._kind}/{self._wanted}", name, warnings),)
        self._ensure_ready(workload, pods)
        running = [pod for pod in pods if pod.started_at]
        warnings = self._choose_way(running)
        self._ensure_readable(pods)
        return tuple(
            Instance(f"{_POD}/{pod.name}", str(pod), (*warnings, *_ailments(pod)))
            for pod in running
        )

    def mark(self, instance: Instance) -> Mark:
        """As `Runtime.mark`: another process once none is left of those that were seen first."""
        pods = self._pods(instance, max_age=GLANCE_SECONDS)
        running = frozenset(pod.process for pod in pods if pod.started_at)
        if running and self._first.get(instance.key, frozenset()).isdisjoint(running):
            self._first[instance.key] = running
        ends = []
        for pod in pods:
            last = self._cluster.log(pod, last=1)
            ends.append(f"{pod.name}={last[-1].stamp if last else ''}")
        return Mark(" ".join(sorted(self._first.get(instance.key, ()))), " ".join(ends))

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`; one NOTIFY is for all pods."""
        if self._channel and self._notify:
            if instance.key not in self._notified:
                what = self._notify.reload(self._channel, signal)
                self._notified = dict.fromkeys(self._keys, what)
            return self._notified.pop(instance.key)
        pod = next(iter(self._pods(instance)), None)
        if pod is None:
            raise NotRefreshed(
                f"{instance.name} was deleted or replaced; nothing was sent to it",
                hint="run it again once its rollout has ended",
            )
        if self._by_exec:
            in_pod.send(self._cluster, pod, signal)
            return f"{signal} by exec"
        in_pod.send_from_beside(self._cluster, pod, signal, self._debug_image)
        return f"{signal} by an ephemeral container"

    def restart(self, instance: Instance) -> str:
        """As `Runtime.restart`: followed until every pod is a new one, and ready."""
        del instance
        rollout.roll_out(self._cluster, self._workload)
        return "rollout restart"

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """As `Runtime.addresses`: a local port that leads to each pod that is ready."""
        ready = {pod.process: pod for pod in self._pods(instance) if pod.ready}
        for process, pod in ready.items():
            if process not in self._tunnels:
                forward = Forward(partial(self._cluster.forwarded, pod))
                address = Address(str(pod), f"http://127.0.0.1:{forward.port}")
                self._tunnels[process] = address, forward
        return tuple(self._tunnels[process][0] for process in ready)

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """As `Runtime.log_since`; of several pods the log of the one that lags behind.

        So a load counts once the last of them has finished it, and a failure in any of them.
        """
        ends = dict(end.rsplit("=", 1) for end in mark.log_position.split())
        told = []
        for pod in self._pods(instance, max_age=GLANCE_SECONDS):
            end = ends.get(pod.name, "")
            lines = self._cluster.log(pod, last=LOG_LINES, since=end)
            told.append(tuple(line.text for line in lines if line.stamp > end))
        return min(told, key=_progress, default=())

    def condition(self, instance: Instance) -> Condition:
        """As `Runtime.condition`: hopeless once it is gone, or scaled to nothing."""
        look = f"kubectl -n {self._cluster.namespace} get pods"
        if instance.key.startswith(f"{_POD}/"):
            pod = next(iter(self._pods(instance)), None)
            if pod is None:
                return Condition("it was deleted or replaced", hopeless=True, remedy=look)
            return Condition("" if pod.ready else pod.state)
        workload = self._found()
        if workload is None or not workload.wanted:
            how = "it was deleted" if workload is None else "it is scaled to 0"
            return Condition(how, hopeless=True, remedy=look)
        pods = self._cluster.pods(workload.selector)
        if any(pod.ready for pod in pods):
            return Condition()
        how = ", ".join(pod.state for pod in pods) or "there is none"
        return Condition(f"it has no ready pod: {how}")

    def close(self) -> None:
        """As `Runtime.close`."""
        for _, forward in self._tunnels.values():
            forward.close()
        self._tunnels.clear()
        if "_cluster" in self.__dict__:
            self._cluster.close()

    def _found(self) -> Workload | None:
        if self._kind == "pods":
            return Workload("pods", self._wanted, self._wanted)
        return self._cluster.workload(self._kind, self._wanted)

    def _workload(self) -> Workload:
        """The workload; where there is none, what may have been meant is named."""
        if found := self._found():
            return found
        namespace = self._cluster.namespace
        if self._cluster.has_namespace() is False:
            near = _nearest(namespace, self._cluster.namespaces())
            raise NotRefreshed(
                f"no namespace is called {namespace} in the cluster at {self._cluster.server}",
                hint=f"give another `namespace`{near}, or another cluster by `kube-context`",
            )
        near = _nearest(self._wanted, self._cluster.names(self._kind))
        raise NotRefreshed(
            f"no {self._kind} is called {self._wanted} in namespace {namespace}",
            hint=f"give another `workload`{near}, or another `namespace`",
        )

    def _pods(self, instance: Instance, *, max_age: float = 0.0) -> tuple[Pod, ...]:
        """The pods of an instance, as they are or were at most so many seconds ago."""
        now = time.monotonic()
        if now - self._listed_at >= max_age:
            self._selector = self._selector or self._workload().selector  # it cannot be changed
            self._listed, self._listed_at = self._cluster.pods(self._selector), now
        kind, _, name = instance.key.partition("/")
        return tuple(pod for pod in self._listed if kind != _POD or pod.name == name)

    def _ensure_ready(self, workload: Workload, pods: Sequence[Pod]) -> None:
        if any(pod.ready for pod in pods):
            return
        if self._kind != "pods" and not workload.wanted:
            raise NotRefreshed(
                f"{workload} is scaled to 0; nothing was sent",
                hint=f"kubectl -n {self._cluster.namespace} scale --replicas=1 {self._kind}/"
                f"{self._wanted}",
            )
        how = rollout.states(self._cluster, pods) or "no pod has its labels"
        raise NotRefreshed(
            f"{workload} has no ready pod: {how}; nothing was sent",
            hint=f"see kubectl -n {self._cluster.namespace} describe pods -l '{workload.selector}'",
        )

    def _ensure_replaceable(self, workload: Workload) -> None:
        if self._kind == "pods":
            raise NotRefreshed(
                f"{workload} cannot be restarted: nothing is known that would make new ones",
                hint="name their deployment or statefulset in `workload`",
            )
        unfit = workload.unfit or ("" if workload.wanted else "it is scaled to 0")
        if unfit:
            raise NotRefreshed(
                f"a rollout of {workload} would not replace its pods: {unfit}; nothing was sent",
                hint="use `method: reload`, or change that first",
            )
        self._cluster.restart(workload, rollout.now(), dry_run=True)

    def _choose_way(self, pods: Sequence[Pod]) -> tuple[str, ...]:
        """How the pods are to be signalled; gives warnings."""
        try:
            without = [pod for pod in pods if not in_pod.looked_at(self._cluster, pod)]
        except Forbidden:
            if self._notify is None:
                raise
            without = list(pods)
        if not without:
            return ()
        if self._notify:
            (self._channel,) = self._notify.preflight("reload")
            self._keys = tuple(f"{_POD}/{pod.name}" for pod in pods)
            return self._channel.warnings
        if not self._debug_image:
            raise NotRefreshed(
                f"the image of {without[0]} has nothing to send a signal with (PostgREST's own has "
                "no shell); nothing was sent",
                hint="give `database-url`, to reload by NOTIFY; or `debug-image: busybox`, to send "
                "the signal from an ephemeral container; or use `method: restart`",
            )
        self._by_exec = False
        image = self._debug_image
        in_pod.send_from_beside(self._cluster, without[0], "SIGUSR1", image, dry_run=True)
        return ()

    def _ensure_readable(self, pods: Sequence[Pod]) -> None:
        """Whether log and port of a pod may be had."""
        for pod in [one for one in pods if one.ready][:1]:
            self._cluster.log(pod, last=1)
            with self._cluster.forwarded(pod):
                pass


def _ailments(pod: Pod) -> tuple[str, ...]:
    return () if pod.ready else (pod.state,)


def _progress(lines: tuple[str, ...]) -> tuple[bool, int]:
    """What to sort logs by: a failed load first, then by the loads that were finished."""
    read = logs.read(lines)
    return not read.failure, read.finished


def _nearest(wanted: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, names, 3) or names[:5]
    return f" ({', '.join(near)} is there)" if near else ""
