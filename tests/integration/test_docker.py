"""The docker runtime on a real engine: what it does to containers, and what it leaves alone."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

import pytest
from docker.errors import APIError, NotFound

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.reach import reach
from pgrst_gate.runtimes.auto import choose
from pgrst_gate.runtimes.docker.docker import Docker
from pgrst_gate.runtimes.interface import Action, Condition, Instance, Mark, Target
from pgrst_gate.runtimes.transports.transport import here
from pgrst_sandbox.ports import free_port

if TYPE_CHECKING:
    from docker.models.containers import Container
    from tests.harness.containers import Database
    from tests.harness.engine import Engine
    from tests.integration.conftest import StartPostgrest

pytestmark = pytest.mark.docker

DIES_ON_RESTART = "test ! -e /tmp/started || { echo out of luck; exit 3; }; touch /tmp/started; "


class Start(Protocol):
    """Starts a container of the server image."""

    def __call__(self, *command: str, options: Sequence[str] = ()) -> Container: ...


@pytest.fixture
def start(docker_engine: Engine, sandbox_image: str) -> Iterator[Start]:
    """Start a container whose processes are not asked to serve."""
    with ExitStack() as started:

        def start(*command: str, options: Sequence[str] = ()) -> Container:
            container = docker_engine.start(
                sandbox_image,
                *command,
                name=docker_engine.name("other"),
                options=options,
                environment={"PGRST_DB_URI": "postgresql://127.0.0.1:1/nowhere"},
            )
            started.callback(remove, container)
            return container

        yield start


def remove(container: Container) -> None:
    """Remove a container, unless the test has."""
    with suppress(NotFound):
        container.remove(force=True)


def by_name(container: Container) -> Docker:
    """Give the runtime for a container."""
    return Docker(str(container.name))


def loaded(runtime: Docker, instance: Instance, since: Mark) -> bool:
    """Whether the log tells of a load since the mark."""
    return any("Schema cache loaded in" in line for line in runtime.log_since(instance, since))


def runs(container: Container, program: str) -> bool:
    """Whether a process with this in its command line is in the container."""
    return any(program in process[-1] for process in container.top()["Processes"])


def state(container: Container) -> tuple[str, str]:
    """Give what it is doing now, and since when."""
    container.reload()
    return container.status, str(container.attrs["State"]["StartedAt"])


def wait_until(true: Callable[[], bool]) -> None:
    """Wait 20 seconds at most."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("options", [(), ("--init",), ("--tty",)], ids=["plain", "init", "tty"])
def test_a_signal_reloads(
    database: Database, start_postgrest: StartPostgrest, options: tuple[str, ...]
) -> None:
    """SIGUSR1 reaches the server, also through an init; the log from the mark on shows the load."""
    api = start_postgrest(database, options=options)
    runtime = Docker(api.name)
    (instance,) = runtime.preflight("reload")
    before = runtime.mark(instance)

    assert runtime.reload(instance, "SIGUSR1") == "SIGUSR1"

    wait_until(partial(loaded, runtime, instance, before))
    assert not any("Starting PostgREST" in line for line in runtime.log_since(instance, before))
    assert runtime.mark(instance).started == before.started
    assert runtime.condition(instance) == Condition()


def test_the_commands_of_a_remedy_work_as_they_are_printed(
    database: Database, start_postgrest: StartPostgrest
) -> None:
    """That which has the server reload, and that which shows its log."""
    api = start_postgrest(database)
    runtime = Docker(api.name)
    (instance,) = runtime.preflight("reload")
    before, by = runtime.mark(instance), reach(Target(container=api.name))

    subprocess.run(shlex.split(by.signal), check=True, capture_output=True)
    wait_until(partial(loaded, runtime, instance, before))
    log = subprocess.run(shlex.split(by.log.strip("`")), check=True, capture_output=True)

    assert b"Schema cache loaded in" in log.stdout + log.stderr


def test_a_restart_is_a_new_process(database: Database, start_postgrest: StartPostgrest) -> None:
    """After a restart the start mark is another, and the log goes on from the old mark."""
    api = start_postgrest(database)
    runtime = Docker(api.container.id or "")
    (instance,) = runtime.preflight("restart")
    before = runtime.mark(instance)

    assert runtime.restart(instance) == "docker restart"

    assert runtime.mark(instance).started != before.started
    wait_until(api.ready)
    assert any("Starting PostgREST" in line for line in runtime.log_since(instance, before))


def test_a_stopped_container_can_only_restart(
    database: Database, start_postgrest: StartPostgrest
) -> None:
    """A stopped container takes no signal, which is said with the way out; a restart starts it."""
    api = start_postgrest(database)
    api.container.stop()
    runtime = Docker(api.name)

    with pytest.raises(NotRefreshed, match=r"cannot reload: it ended .*restart policy no") as no:
        runtime.preflight("reload")
    (instance,) = runtime.preflight("restart")

    assert no.value.hint == f"docker start {api.name}, or use `method: restart`"
    assert "the restart will start it" in instance.warnings[0]
    runtime.restart(instance)
    wait_until(api.ready)


def paused(container: Container) -> bool:
    """Pause a container; the kernel may need several tries to freeze busy processes."""
    with suppress(APIError):
        container.pause()
    container.reload()
    return bool(container.status == "paused")


@pytest.mark.parametrize("action", ["reload", "restart"])
def test_a_paused_container_is_left_alone(start: Start, action: Action) -> None:
    """A paused container takes neither signal nor restart."""
    container = start("postgrest")
    wait_until(lambda: paused(container))
    before = state(container)

    with pytest.raises(NotRefreshed, match="is paused") as refused:
        by_name(container).preflight(action)

    assert refused.value.hint == f"docker unpause {container.name}"
    assert state(container) == before


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        (("sleep", "600"), (), "runs no PostgREST but `sleep 600`; nothing was sent"),
        (("sleep", "600"), ("--init",), r"runs no PostgREST but `/sbin/docker-init .* `sleep 600`"),
        (("sh", "-c", "postgrest; true"), (), "would lose the signal: .* `sh -c postgrest; true`"),
        (("sh", "-c", "postgrest; true"), ("--init",), "would lose the signal"),
    ],
    ids=["another program", "under an init", "a shell", "a shell under an init"],
)
def test_a_container_that_would_suffer_is_left_alone(
    start: Start, command: tuple[str, ...], options: tuple[str, ...], message: str
) -> None:
    """Where SIGUSR1 would kill somebody or get lost, it is not sent."""
    container = start(*command, options=options)
    wait_until(lambda: runs(container, "/usr/local/bin/postgrest" if "sh" in command else "600"))
    before = state(container)

    with pytest.raises(NotRefreshed, match=message):
        by_name(container).preflight("reload")

    assert state(container) == before


def test_an_unhealthy_container_is_mentioned(start: Start) -> None:
    """A failing health check does not keep anyone from refreshing, but is told."""
    check = ("--health-cmd=false", "--health-interval=100ms", "--health-retries=1")
    container = start("postgrest", options=check)
    runtime = by_name(container)

    def unhealthy() -> bool:
        container.reload()
        return bool(container.attrs["State"]["Health"]["Status"] == "unhealthy")

    wait_until(unhealthy)
    (instance,) = runtime.preflight("reload")

    assert instance.warnings == (f"{instance.name} is unhealthy",)
    assert runtime.condition(instance) == Condition(f"{instance.name} is unhealthy")


@pytest.mark.parametrize(
    ("policy", "message", "hopeless"),
    [
        ("no", r"ended with exit code 3 and stays down \(restart policy no\): .*out of luck", True),
        ("always", r"keeps ending with exit code 3 \(restart policy always\): .*luck", False),
        ("on-failure:1", r"ended with exit code 3 and stays down \(restart policy on-fail", True),
    ],
)
def test_a_container_that_dies_on_restart_is_seen(
    start: Start, policy: str, message: str, *, hopeless: bool
) -> None:
    """Exit code, restart policy and last words are told; waiting is for crash loops only."""
    container = start(
        *("sh", "-c", f"{DIES_ON_RESTART} exec postgrest"),
        options=[f"--restart={policy}", "--stop-signal=SIGKILL"],
    )
    runtime = by_name(container)
    wait_until(lambda: runs(container, "/usr/local/bin/postgrest"))
    (instance,) = runtime.preflight("restart")
    told = []

    def seen() -> bool:
        condition = runtime.condition(instance)
        if condition.text:
            told.append(condition.text)
        return bool(condition.text) and condition.hopeless is hopeless

    try:
        runtime.restart(instance)  # the engine may be quicker than the container
    except NotRefreshed as error:
        told.append(str(error))
    wait_until(seen)

    assert any(re.search(message, text) for text in told), told


def test_what_does_not_exist_has_neighbours(
    database: Database, start_postgrest: StartPostgrest
) -> None:
    """A typo in a container's name is answered with the name."""
    api = start_postgrest(database)

    with pytest.raises(NotRefreshed, match=f"no container is called {api.name}x") as refused:
        Docker(f"{api.name}x").preflight("reload")

    assert api.name in refused.value.hint


def test_a_removed_container_is_hopeless(start: Start) -> None:
    """Nobody waits for a container that is gone."""
    container = start("postgrest")
    runtime = by_name(container)
    (instance,) = runtime.preflight("restart")

    container.remove(force=True)

    assert runtime.condition(instance) == Condition(f"{instance.name} was removed", hopeless=True)


def test_a_label_finds_every_replica(
    docker_engine: Engine, database: Database, start_postgrest: StartPostgrest
) -> None:
    """All running containers of a compose service are instances; each gets its signal."""
    service = docker_engine.name("service")
    label = f"com.docker.compose.service={service}"
    replicas = [start_postgrest(database, options=[f"--label={label}"]) for _ in range(2)]
    runtime = Docker(label)
    instances = runtime.preflight("reload")
    marks = [runtime.mark(instance) for instance in instances]

    for instance in instances:
        runtime.reload(instance, "SIGUSR1")

    assert {instance.key for instance in instances} == {api.container.id for api in replicas}
    for instance, mark in zip(instances, marks, strict=True):
        wait_until(partial(loaded, runtime, instance, mark))


def test_auto_finds_the_container_that_publishes_the_port(
    database: Database, start_postgrest: StartPostgrest
) -> None:
    """Among the containers of this machine the URL's port tells which one is meant."""
    api, _other = start_postgrest(database), start_postgrest(database)

    chosen = choose(Target(), api.url, here())

    assert (chosen.name, chosen.target.container) == ("docker", api.container.id)
    assert api.name in chosen.why


def test_auto_finds_the_server_of_a_supabase_stack_behind_its_gateway(
    database: Database, start_postgrest: StartPostgrest, start: Start
) -> None:
    """The port is the gateway's; of two servers the one is meant that was started with it."""
    port = free_port()
    of_demo, of_other = (
        f"--label=com.supabase.cli.project={project}" for project in ("demo", "other")
    )
    api = start_postgrest(database, options=[of_demo])
    start_postgrest(database, options=[of_other])
    gateway = start("sleep", "infinity", options=[of_demo, f"--publish=127.0.0.1:{port}:8000"])

    chosen = choose(Target(), f"http://127.0.0.1:{port}/rest/v1", here())

    assert (chosen.name, chosen.target.container) == ("docker", api.container.id)
    assert f"behind container {gateway.name}" in chosen.why
