"""The compose runtime: which containers it takes for a service, and what it says of others."""

from __future__ import annotations

import pytest
from tests.unit.runtimes.doubles import FakeEngine, container, server

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.compose import NUMBER, ONE_OFF, PROJECT, SERVICE, Compose
from pgrst_gate.runtimes.docker.engine import Container


def replica(project: str, service: str, number: int = 1, **changes: object) -> Container:
    """Give a container as compose makes it."""
    labels = {PROJECT: project, SERVICE: service, NUMBER: str(number), ONE_OFF: "False"}
    return container(f"{project}-{service}-{number}", labels=labels, **changes)


ONE_OFF_RUN = container("app-rest-run-1", labels={PROJECT: "app", SERVICE: "rest", ONE_OFF: "True"})
APP = [
    replica("app", "rest", 10),
    ONE_OFF_RUN,
    replica("app", "rest", 2),
    replica("app", "db"),
    replica("shop", "web"),
    container("stray"),
]


def compose(project: str, service: str, *known: Container) -> tuple[Compose, FakeEngine]:
    """Give the runtime over an engine in which every container runs a PostgREST."""
    engine = FakeEngine(list(known), {c.name: [server(10)] for c in known})
    return Compose(project, service, lambda: engine), engine


@pytest.mark.parametrize("project", ["app", ""])
def test_every_replica_of_the_service_is_an_instance(project: str) -> None:
    """All its containers, by their numbers; not what `docker compose run` started."""
    runtime, _ = compose(project, "rest", *APP)

    found = runtime.preflight("reload")

    assert [instance.name.split()[1] for instance in found] == ["app-rest-2", "app-rest-10"]


def test_each_replica_gets_its_signal() -> None:
    """A reload of all instances is a signal to each container, and to no other."""
    runtime, engine = compose("app", "rest", *APP)

    for instance in runtime.preflight("reload"):
        runtime.reload(instance, "SIGUSR1")

    assert engine.done == ["SIGUSR1 app-rest-2", "SIGUSR1 app-rest-10"]


def test_replicas_that_do_not_run_are_left_alone() -> None:
    """Of several replicas those that run are taken, and the reader is told of the rest."""
    stopped = replica("app", "rest", 3, status="exited")
    runtime, _ = compose("app", "rest", stopped, *APP)

    found = runtime.preflight("restart")

    assert len(found) == 2
    assert found[0].warnings == (
        "of the same service but not running, left alone: app-rest-3 (exited)",
    )


@pytest.mark.parametrize(
    ("project", "service", "message", "hint"),
    [
        ("ap", "rest", "no compose project is called ap", "there is app, shop"),
        ("app", "rset", "compose project app has no service rset", "there is rest, db"),
        ("", "rset", "no compose project here has a service rset", "there is rest, db, web"),
        ("shop", "rest", "compose project shop has no service rest", "there is web"),
    ],
)
def test_what_is_not_there_has_neighbours(
    project: str, service: str, message: str, hint: str
) -> None:
    """A project or service that is not there is answered with those that are, the nearest first."""
    runtime, engine = compose(project, service, *APP)

    with pytest.raises(NotRefreshed, match=f"^{message}$") as refused:
        runtime.preflight("reload")

    assert refused.value.hint == hint
    assert engine.done == []


def test_an_engine_without_projects_is_told() -> None:
    """Where compose has started nothing, that is said, with what starts and lists projects."""
    runtime, _ = compose("app", "rest", container("api"))

    with pytest.raises(NotRefreshed, match="no compose project has containers") as refused:
        runtime.preflight("reload")

    assert "docker compose up -d" in refused.value.hint


def test_a_service_of_two_projects_is_not_guessed_at() -> None:
    """Two projects with a service of the name are told apart by one more input."""
    runtime, engine = compose("", "rest", *APP, replica("shop", "rest"))

    with pytest.raises(NotRefreshed, match="have a service rest: app, shop") as refused:
        runtime.preflight("restart")

    assert refused.value.hint == "say which by `project`"
    assert engine.done == []
