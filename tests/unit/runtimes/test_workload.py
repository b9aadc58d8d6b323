"""What is read from the objects of a Kubernetes API."""

from __future__ import annotations

from typing import Any

import pytest

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.kubernetes.workload import api_port, read_pods, read_workload

Manifest = dict[str, Any]


def deployment(generation: int = 2, **status: Any) -> Manifest:  # noqa: ANN401 - JSON
    """A deployment of three pods."""
    return {
        "metadata": {"name": "rest", "generation": generation},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "rest"}}},
        "status": {"observedGeneration": 2, **status},
    }


TIMED_OUT = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out"}


@pytest.mark.parametrize(
    ("manifest", "pending", "failed"),
    [
        (deployment(3, updatedReplicas=3, availableReplicas=3), "the controller to see it", ""),
        (deployment(3, conditions=[TIMED_OUT]), "the controller to see it", ""),
        (deployment(updatedReplicas=1, replicas=4), "2 of 3 new pods to be made", ""),
        (deployment(updatedReplicas=3, replicas=4, availableReplicas=3), "1 old pods to end", ""),
        (
            deployment(updatedReplicas=3, replicas=3, availableReplicas=2),
            "1 of 3 new pods to be ready",
            "",
        ),
        (deployment(updatedReplicas=3, replicas=3, availableReplicas=3), "", ""),
        (
            deployment(updatedReplicas=1, replicas=4, conditions=[TIMED_OUT]),
            "2 of 3 new pods to be made",
            "ProgressDeadlineExceeded: timed out",
        ),
    ],
)
def test_a_deployment_is_done_by_the_rules_of_kubectl(
    manifest: Manifest, pending: str, failed: str
) -> None:
    """Seen by the controller, all pods new, none old, all available; what is missing is named."""
    found = read_workload("deployment", manifest)

    assert (found.pending, found.failed) == (pending, failed)


@pytest.mark.parametrize(
    ("status", "pending"),
    [
        ({"observedGeneration": 1}, "the controller to see it"),
        ({"readyReplicas": 2, "updateRevision": "b"}, "1 of 3 pods to be ready"),
        (
            {
                "readyReplicas": 3,
                "updatedReplicas": 1,
                "updateRevision": "b",
                "currentRevision": "a",
            },
            "2 of 3 new pods to be made",
        ),
        ({"readyReplicas": 3, "updateRevision": "b", "currentRevision": "b"}, ""),
    ],
)
def test_a_statefulset_is_done_by_the_rules_of_kubectl(status: Manifest, pending: str) -> None:
    """All pods ready, and the new revision is the current one."""
    assert read_workload("statefulset", deployment(**status)).pending == pending


@pytest.mark.parametrize(
    ("spec", "unfit"),
    [
        ({"updateStrategy": {"type": "OnDelete"}}, "its update strategy is OnDelete"),
        (
            {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            "its partition leaves the pods below number 2 alone",
        ),
        ({"updateStrategy": {"rollingUpdate": {"partition": 0}}}, ""),
    ],
)
def test_a_statefulset_may_keep_its_pods(spec: Manifest, unfit: str) -> None:
    """Then a new annotation would leave old pods serving."""
    manifest = deployment()

    assert read_workload("statefulset", manifest | {"spec": manifest["spec"] | spec}).unfit == unfit


def test_a_selector_is_written_as_the_api_takes_it() -> None:
    """All four operators of `matchExpressions`, beside the labels."""
    manifest = deployment()
    manifest["spec"]["selector"] = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["x", "y"]},
            {"key": "d", "operator": "NotIn", "values": ["z"]},
            {"key": "e", "operator": "Exists"},
            {"key": "f", "operator": "DoesNotExist"},
        ],
    }

    assert read_workload("deployment", manifest).selector == "a=1,b=2,c in (x,y),d notin (z),e,!f"


HTTP, ADMIN = {"name": "http", "containerPort": 80}, {"name": "admin", "containerPort": 3001}


@pytest.mark.parametrize(
    ("container", "port"),
    [
        ({}, 3000),
        ({"env": [{"name": "PGRST_SERVER_PORT", "value": "8000"}], "ports": [HTTP]}, 8000),
        ({"env": [{"name": "PGRST_SERVER_PORT", "valueFrom": {}}], "ports": [HTTP]}, 80),
        ({"ports": [ADMIN, HTTP]}, 80),
        ({"ports": [{"containerPort": 9}, HTTP]}, 80),
        ({"ports": [{"containerPort": 9}, {"containerPort": 3000}]}, 3000),
        (
            {
                "env": [{"name": "PGRST_ADMIN_SERVER_PORT", "value": "9"}],
                "ports": [{"containerPort": 9}, {"containerPort": 7}],
            },
            7,
        ),
    ],
)
def test_the_port_is_postgrests(container: Manifest, port: int) -> None:
    """Its own setting first, then what is declared, then the default; never the admin server's."""
    assert api_port(container) == port


def pod(*containers: str, **metadata: object) -> Manifest:
    """A pod of containers, each `name image`."""
    made = [dict(zip(("name", "image"), one.split(), strict=True)) for one in containers]
    return {"metadata": {"name": "a", "uid": "u", **metadata}, "spec": {"containers": made}}


DEFAULT = {"kubectl.kubernetes.io/default-container": "y"}


@pytest.mark.parametrize(
    ("manifest", "container"),
    [
        (pod("x img"), "x"),
        (pod("proxy envoy", "postgrest img"), "postgrest"),
        (pod("proxy envoy", "api docker.io/postgrest/postgrest:v14"), "api"),
        (pod("x img", "y img", annotations=DEFAULT), "y"),
    ],
)
def test_postgrest_is_found_among_the_containers(manifest: Manifest, container: str) -> None:
    """By its name or image, by the annotation that kubectl goes by, or because it is alone."""
    (found,) = read_pods({"items": [manifest]})

    assert found.container == container


def test_of_several_containers_none_is_guessed() -> None:
    """A signal to the wrong container may end it."""
    with pytest.raises(NotRefreshed, match="has the containers x, y, and nothing tells which"):
        read_pods({"items": [pod("x img", "y img")]})


def test_pods_that_end_are_left_alone() -> None:
    """A pod that is being deleted, was evicted or has ended serves nobody."""
    items = [
        pod("x img", deletionTimestamp="2026-11-28T00:00:00Z"),
        pod("x img") | {"status": {"phase": "Failed"}},
        pod("x img") | {"status": {"phase": "Succeeded"}},
    ]

    assert read_pods({"items": items}) == ()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"conditions": [{"type": "Ready", "status": "True"}]}, "pod a is ready"),
        ({}, "pod a is not ready"),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "no node"}]},
            "pod a cannot be scheduled: no node",
        ),
        (
            {"containerStatuses": [{"name": "x", "state": {"terminated": {"exitCode": 2}}}]},
            "pod a ended with exit code 2",
        ),
    ],
)
def test_how_a_pod_is_can_be_read(status: Manifest, state: str) -> None:
    """In a few words."""
    (found,) = read_pods({"items": [pod("x img") | {"status": status}]})

    assert found.state == state
