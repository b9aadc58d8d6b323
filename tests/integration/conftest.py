"""Real things to run the gate on: a Docker engine, containers on it, a job, the Supabase CLI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol

import pytest
from tests.harness.containers import Database, Postgres, Postgrest
from tests.harness.engine import Engine, EngineMissing
from tests.harness.images import ROOT, ImageMissing, Images
from tests.harness.npm import NpmMissing
from tests.harness.runner import Job, Step
from tests.harness.supabase import Supabase
from tests.harness.systemd import Machine


class StartPostgrest(Protocol):
    """Starts a PostgREST over a database; it is removed after the test."""

    def __call__(
        self,
        database: Database,
        *,
        version: str = ...,
        environment: Mapping[str, str] | None = ...,
        options: Sequence[str] = ...,
    ) -> Postgrest: ...


class RunGate(Protocol):
    """Runs the action with these inputs, as the runner does; see `Job.run`."""

    def __call__(
        self,
        inputs: Mapping[str, str],
        *,
        network: str | None = ...,
        cancel_on: str | None = ...,
    ) -> Step: ...


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A running engine; all that the tests create on it is removed at the end."""
    try:
        engine = Engine.connect()
    except EngineMissing as missing:
        pytest.skip(str(missing))
    try:
        yield engine
    finally:
        engine.sweep()
        engine.client.close()


@pytest.fixture(scope="session")
def images(docker_engine: Engine) -> Images:
    """Makes images when they are first asked for."""
    return Images(docker_engine)


def found(image: Callable[[], str]) -> str:
    """The name of an image, or a skip that says what is missing."""
    try:
        return image()
    except ImageMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def gate_image(images: Images) -> str:
    """The product's image, by the Dockerfile in the root."""
    return found(lambda: images.gate)


@pytest.fixture(scope="session")
def sandbox_image(images: Images) -> str:
    """A Debian with systemd, sshd, PostgreSQL, `postgrest` (the stand-in) and `pgrst-gate`."""
    return found(lambda: images.server)


@pytest.fixture(scope="session")
def network(docker_engine: Engine) -> str:
    """A network like that of a job with services: containers find each other by name."""
    return docker_engine.network()


@pytest.fixture(scope="session")
def postgres(docker_engine: Engine, sandbox_image: str, network: str) -> Postgres:
    """A PostgreSQL in a container."""
    return Postgres.start(docker_engine, sandbox_image, network)


@pytest.fixture
def database(postgres: Postgres) -> Database:
    """An empty database of the test's own, with PostgREST's roles."""
    return postgres.database()


@pytest.fixture
def start_postgrest(
    docker_engine: Engine, sandbox_image: str, network: str
) -> Iterator[StartPostgrest]:
    """Start a PostgREST in a container. If the test fails, pytest shows its log."""
    with ExitStack() as started:

        def start(
            database: Database,
            *,
            version: str = "14.14",
            environment: Mapping[str, str] | None = None,
            options: Sequence[str] = (),
        ) -> Postgrest:
            server = Postgrest.start(
                docker_engine,
                sandbox_image,
                database,
                network=network,
                version=version,
                environment=environment,
                options=options,
            )
            started.callback(remove, server)
            return server

        def remove(server: Postgrest) -> None:
            print(f"{server.name}:\n{server.log()}")  # noqa: T201 -- for pytest to capture
            server.container.remove(force=True)

        yield start


@pytest.fixture
def machine(docker_engine: Engine, sandbox_image: str, network: str) -> Iterator[Machine]:
    """A Debian that systemd booted, in a container in the network."""
    booted = Machine.boot(docker_engine, sandbox_image, network)
    yield booted
    booted.container.remove(force=True)


@pytest.fixture
def run_gate(docker_engine: Engine, gate_image: str) -> RunGate:
    """Run the built action as a step of a job of its own."""

    def run(
        inputs: Mapping[str, str],
        *,
        network: str | None = None,
        cancel_on: str | None = None,
    ) -> Step:
        with Job(label=docker_engine.label, network=network) as job:
            return job.run(ROOT, image=gate_image, inputs=inputs, cancel_on=cancel_on)

    return run


@pytest.fixture(scope="session")
def supabase(pytestconfig: pytest.Config) -> Supabase:
    """The Supabase CLI, installed from npm once and kept in pytest's cache."""
    try:
        return Supabase.install(pytestconfig.cache.mkdir("supabase"))
    except NpmMissing as missing:
        pytest.skip(str(missing))
