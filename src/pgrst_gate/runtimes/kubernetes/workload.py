"""What a cluster runs, as its API tells it: a workload, its pods, how far its rollout is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.host.processes import POSTGREST

API_PORT: Final = 3000
"""PostgREST's `server-port` where nothing says otherwise."""
DEFAULT_CONTAINER: Final = "kubectl.kubernetes.io/default-container"
"""The annotation by which kubectl chooses among a pod's containers."""

Manifest = Mapping[str, Any]
"""An object of the API as JSON. A field that is empty is left out of it."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, by its container that runs PostgREST."""

    name: str
    uid: str
    container: str
    port: int
    """Of the API."""
    ready: bool
    """Whether Services send requests to it."""
    started_at: str
    """Of the running container; empty while none runs."""
    restarts: int = 0
    trouble: str = ""
    """Why the container does not run: `CrashLoopBackOff: back-off 10s restarting ...`."""
    run_as_user: int | None = None
    beside: Mapping[str, Manifest] = field(default_factory=dict)
    """The states of its ephemeral containers, by their names."""

    def __str__(self) -> str:
        return f"pod {self.name}"

    @property
    def process(self) -> str:
        """Opaque; another value means another process."""
        return f"{self.uid}/{self.started_at}"

    @property
    def state(self) -> str:
        """How it is, for people."""
        how = "is ready" if self.ready else self.trouble or "is not ready"
        return f"{self} {how}"


@dataclass(frozen=True, slots=True)
class Workload:
    """A deployment or a statefulset, or pods that a label selects."""

    kind: str
    name: str
    selector: str
    """The pods, in the text form that the API takes: `app=rest,tier in (a,b)`."""
    wanted: int = 0
    """How many pods it is to have."""
    unfit: str = ""
    """Why a rollout would not replace all of its pods."""
    pending: str = ""
    """What its last rollout still waits for; empty when that is complete."""
    failed: str = ""
    """Why its last rollout will not complete, in the controller's words."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.kind != "pods" else f"pods of {self.name}"


def read_pods(listed: Manifest) -> tuple[Pod, ...]:
    """The pods of a list that are to serve: not those that end, have ended or were evicted."""
    return tuple(
        _pod(one)
        for one in sorted(listed["items"], key=lambda one: str(one["metadata"]["name"]))
        if "deletionTimestamp" not in one["metadata"]
        and one.get("status", {}).get("phase") not in {"Failed", "Succeeded"}
    )


def _pod(manifest: Manifest) -> Pod:
    metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status", {})
    server = _server(manifest)
    told: Manifest = next(
        (one for one in status.get("containerStatuses", ()) if one["name"] == server["name"]), {}
    )
    user = {**spec.get("securityContext", {}), **server.get("securityContext", {})}
    beside = {
        one["name"]: one.get("state", {}) for one in status.get("ephemeralContainerStatuses", ())
    }
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        container=server["name"],
        port=api_port(server),
        ready=_is_true(status, "Ready"),
        started_at=told.get("state", {}).get("running", {}).get("startedAt", ""),
        restarts=told.get("restartCount", 0),
        trouble=_trouble(told.get("state", {}), status),
        run_as_user=user.get("runAsUser"),
        beside=beside,
    )


def _server(manifest: Manifest) -> Manifest:
    """The container that runs PostgREST; raises `NotRefreshed` where none of several says so."""
    containers: Sequence[Manifest] = manifest["spec"]["containers"]
    annotations = manifest["metadata"].get("annotations", {})
    called = [
        one
        for one in containers
        if POSTGREST in one["name"] or POSTGREST in one.get("image", "").rpartition("/")[2]
    ]
    marked = [one for one in containers if one["name"] == annotations.get(DEFAULT_CONTAINER)]
    for found in (called, marked, containers):
        if len(found) == 1:
            return found[0]
    names = ", ".join(one["name"] for one in containers)
    raise NotRefreshed(
        f"pod {manifest['metadata']['name']} has the containers {names}, and nothing tells which "
        "is PostgREST; nothing was sent",
        hint=f"name it in the annotation {DEFAULT_CONTAINER} of the pod template",
    )


def api_port(container: Manifest) -> int:
    """The API's port: by PostgREST's own setting, or else by the ports that are declared."""
    settings = {one["name"]: one.get("value", "") for one in container.get("env", ())}
    if (given := settings.get("PGRST_SERVER_PORT", "")).isdecimal():
        return int(given)
    admin = settings.get("PGRST_ADMIN_SERVER_PORT", "")
    ports = [
        one
        for one in container.get("ports", ())
        if one.get("name") not in {"admin", "metrics"} and str(one["containerPort"]) != admin
    ]
    declared = [int(one["containerPort"]) for one in ports]
    if not declared or API_PORT in declared:
        return API_PORT
    named = [int(one["containerPort"]) for one in ports if one.get("name") in {"http", "api"}]
    return (named or declared)[0]


def _trouble(state: Manifest, status: Manifest) -> str:
    if "running" in state:
        return ""
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    if ended:
        return f"ended with exit code {ended['exitCode']}"
    if waiting:
        return ": ".join(filter(None, (waiting.get("reason", "waits"), waiting.get("message", ""))))
    unscheduled = next(
        (
            one.get("message", "")
            for one in status.get("conditions", ())
            if one["type"] == "PodScheduled" and one["status"] == "False"
        ),
        "",
    )
    return f"cannot be scheduled: {unscheduled}" if unscheduled else ""


def _is_true(status: Manifest, condition: str) -> bool:
    return any(
        one["type"] == condition and one["status"] == "True" for one in status.get("conditions", ())
    )


def read_workload(kind: str, manifest: Manifest) -> Workload:
    """A deployment or a statefulset."""
    spec = manifest["spec"]
    restart = _Rollout(manifest)
    return Workload(
        kind=kind,
        name=manifest["metadata"]["name"],
        selector=",".join(_terms(spec["selector"])),
        wanted=restart.wanted,
        unfit=_unfit(kind, spec),
        pending=restart.pending_of_deployment()
        if kind == "deployment"
        else restart.pending_of_set(),
        failed=restart.failed(),
    )


def _terms(selector: Manifest) -> Iterator[str]:
    """The terms of a label selector, in its text form."""
    for key, value in sorted(selector.get("matchLabels", {}).items()):
        yield f"{key}={value}"
    for one in selector.get("matchExpressions", ()):
        values = ",".join(one.get("values", ()))
        match one["operator"]:
            case "In":
                yield f"{one['key']} in ({values})"
            case "NotIn":
                yield f"{one['key']} notin ({values})"
            case "Exists":
                yield one["key"]
            case _:
                yield f"!{one['key']}"


def _unfit(kind: str, spec: Manifest) -> str:
    """Why a changed pod template would not replace every pod by itself."""
    if spec.get("paused"):
        return "it is paused"
    if kind != "statefulset":
        return ""
    strategy = spec.get("updateStrategy", {})
    if strategy.get("type") == "OnDelete":
        return "its update strategy is OnDelete"
    kept = strategy.get("rollingUpdate", {}).get("partition", 0)
    return f"its partition leaves the pods below number {kept} alone" if kept else ""


@dataclass(frozen=True, slots=True)
class _Rollout:
    """How far a rollout is, by the rules of `kubectl rollout status` (kubectl 1.37)."""

    manifest: Manifest

    @property
    def wanted(self) -> int:
        return int(self.manifest["spec"].get("replicas", 1))

    def _number(self, name: str) -> int:
        return int(self.manifest.get("status", {}).get(name, 0))

    def _unseen(self) -> str:
        generation = self.manifest["metadata"]["generation"]
        return (
            "" if self._number("observedGeneration") >= generation else "the controller to see it"
        )

    def failed(self) -> str:
        if self._unseen():  # what is told is of an earlier rollout
            return ""
        conditions = self.manifest.get("status", {}).get("conditions", ())
        return next(
            (
                f"ProgressDeadlineExceeded: {one.get('message', '')}"
                for one in conditions
                if one["type"] == "Progressing" and one.get("reason") == "ProgressDeadlineExceeded"
            ),
            "",
        )

    def pending_of_deployment(self) -> str:
        updated, available = self._number("updatedReplicas"), self._number("availableReplicas")
        old = self._number("replicas") - updated
        if unseen := self._unseen():
            return unseen
        if updated < self.wanted:
            return f"{self.wanted - updated} of {self.wanted} new pods to be made"
        if old > 0:
            return f"{old} old pods to end"
        return (
            f"{updated - available} of {updated} new pods to be ready"
            if available < updated
            else ""
        )

    def pending_of_set(self) -> str:
        ready, updated = self._number("readyReplicas"), self._number("updatedReplicas")
        status = self.manifest.get("status", {})
        if unseen := self._unseen():
            return unseen
        if ready < self.wanted:
            return f"{self.wanted - ready} of {self.wanted} pods to be ready"
        if status.get("updateRevision") != status.get("currentRevision"):
            return f"{self.wanted - updated} of {self.wanted} new pods to be made"
        return ""
