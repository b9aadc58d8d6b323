"""The compose runtime on a real engine: three replicas of one service, with compose's labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.harness.containers import Postgres, Postgrest

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.auto import choose
from pgrst_gate.runtimes.docker.compose import NUMBER, ONE_OFF, PROJECT, SERVICE, Compose
from pgrst_gate.runtimes.interface import Instance, Mark, Target
from pgrst_gate.runtimes.transports.transport import here

if TYPE_CHECKING:
    from tests.harness.engine import Engine

pytestmark = pytest.mark.docker


def wait_until(true: Callable[[], bool]) -> None:
    """Wait 20 seconds at most."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        time.sleep(0.02)


def loaded(runtime: Compose, instance: Instance, since: Mark) -> bool:
    """Whether the log tells of a load since the mark."""
    return any("Schema cache loaded in" in line for line in runtime.log_since(instance, since))


@pytest.fixture(scope="module")
def project(docker_engine: Engine) -> str:
    """A project's name, which no other test has."""
    return docker_engine.name("project")


@pytest.fixture(scope="module")
def replicas(
    docker_engine: Engine, sandbox_image: str, postgres: Postgres, project: str
) -> Iterator[list[Postgrest]]:
    """Two replicas of the service `rest`, and what `docker compose run` left behind."""
    database = postgres.database()
    started = []
    for number, one_off in [("1", "True"), ("1", "False"), ("2", "False")]:
        labels = {PROJECT: project, SERVICE: "rest", NUMBER: number, ONE_OFF: one_off}
        options = [f"--label={key}={value}" for key, value in labels.items()]
        started.append(
            Postgrest.start(
                *(docker_engine, sandbox_image, database),
                network=postgres.network,
                options=options,
            )
        )
    yield started[1:]
    for one in started:
        one.container.remove(force=True)


def test_every_replica_is_reloaded_and_reached(project: str, replicas: list[Postgrest]) -> None:
    """Each has its signal, its own log, and an address that is not the published port."""
    runtime = Compose(project, "rest")
    instances = runtime.preflight("reload")
    marks = [runtime.mark(instance) for instance in instances]

    for instance in instances:
        runtime.reload(instance, "SIGUSR1")

    assert [instance.key for instance in instances] == [one.container.id for one in replicas]
    for instance, mark, replica in zip(instances, marks, replicas, strict=True):
        wait_until(partial(loaded, runtime, instance, mark))
        (address,) = runtime.addresses(instance)
        assert address.name == f"container {replica.name}"
        assert address.url.endswith(":3000")
        assert httpx.get(address.url).is_success


def test_a_restarted_replica_is_reached_where_it_is_now(
    project: str, replicas: list[Postgrest]
) -> None:
    """The address is asked anew, and given before the server listens again."""
    runtime = Compose(project, "rest")
    instances = runtime.preflight("restart")
    assert all(runtime.addresses(instance) for instance in instances)

    runtime.restart(instances[0])
    (address,) = runtime.addresses(instances[0])

    wait_until(replicas[0].ready)
    assert httpx.get(address.url).is_success


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        (("x", "rest"), "no compose project is called x", "{project}"),
        (("", "rset"), "no compose project here has a service rset", "rest"),
    ],
)
@pytest.mark.usefixtures("replicas")
def test_what_does_not_exist_has_neighbours(
    project: str, wanted: tuple[str, str], message: str, hint: str
) -> None:
    """A typo in a project's or a service's name is answered with the names there are."""
    with pytest.raises(NotRefreshed, match=message) as refused:
        Compose(*wanted).preflight("reload")

    assert hint.format(project=project) in refused.value.hint


def test_auto_takes_the_whole_service(project: str, replicas: list[Postgrest]) -> None:
    """The URL of one replica stands for the service: its other replicas are not left stale."""
    chosen = choose(Target(), replicas[0].url, here())

    assert chosen.name == "compose"
    assert chosen.target == Target(project=project, service="rest")
