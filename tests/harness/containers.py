"""PostgreSQL and PostgREST in containers, reachable from the tests and from other containers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import jwt
import psycopg

from pgrst_sandbox.ports import free_port
from pgrst_sandbox.process import is_ready

if TYPE_CHECKING:
    from docker.models.containers import Container
    from tests.harness.engine import Engine

OWNER_PASSWORD = "database-owner"
AUTHENTICATOR_PASSWORD = "what-postgrest-logs-in-with"
JWT_SECRET = "a-secret-of-the-tests-with-more-than-32-characters"
START_SECONDS = 60
"""A busy machine takes long to start Python; what fails to start exits, which is seen at once."""

ROLES = f"""
create role anon nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit password '{AUTHENTICATOR_PASSWORD}';
grant anon, service_role to authenticator;
"""


@dataclass(frozen=True, slots=True)
class Database:
    """A database in the container; its server has PostgREST's roles and asks for passwords."""

    host: str
    """The server's name in the network."""
    port: int
    """The server's port on this machine."""
    name: str

    @property
    def url(self) -> str:
        """For the superuser, from this machine."""
        return f"postgresql://postgres:{OWNER_PASSWORD}@127.0.0.1:{self.port}/{self.name}"

    @property
    def network_url(self) -> str:
        """For the superuser, from a container in the network."""
        return f"postgresql://postgres:{OWNER_PASSWORD}@{self.host}:5432/{self.name}"

    @property
    def authenticator_url(self) -> str:
        """For PostgREST, from a container in the network."""
        return f"postgresql://authenticator:{AUTHENTICATOR_PASSWORD}@{self.host}:5432/{self.name}"

    def execute(self, sql: str) -> None:
        """Run statements as superuser, in one transaction."""
        with psycopg.connect(self.url) as connection:
            connection.execute(sql.encode())


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL in a container, for all tests of a run: each makes a database of its own."""

    engine: Engine
    network: str
    host: str
    port: int

    @classmethod
    def start(cls, engine: Engine, image: str, network: str) -> Self:
        """Start it and wait until it accepts connections. Raises `TimeoutError` with its log."""
        host, port = engine.name("postgres"), free_port()
        container = engine.start(
            image,
            "/opt/postgresql/bin/postgres",
            *("-D", "/var/lib/postgresql/data"),
            *("-c", "listen_addresses=*", "-c", "fsync=off", "-c", "max_connections=200"),
            name=host,
            options=[f"--network={network}", f"--publish=127.0.0.1:{port}:5432", "--user=postgres"],
        )
        server = cls(engine, network, host, port)
        wait_until(server._answers, container)
        Database(host, port, "postgres").execute(ROLES)
        return server

    def database(self) -> Database:
        """Create an empty database whose schema `public` PostgREST's roles may use."""
        database = Database(self.host, self.port, self.engine.name("db"))
        with psycopg.connect(Database(self.host, self.port, "postgres").url) as connection:
            connection.autocommit = True
            connection.execute(f'create database "{database.name}"'.encode())
        database.execute("grant usage on schema public to anon, service_role")
        return database

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(Database(self.host, self.port, "postgres").url).close()
            return True
        return False


@dataclass(frozen=True, slots=True)
class Postgrest:
    """A PostgREST in a container: the stand-in, or what its image is."""

    container: Container
    port: int
    admin_port: int

    @classmethod
    def start(
        cls,
        engine: Engine,
        image: str,
        database: Database,
        *,
        network: str,
        version: str = "14.14",
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> Self:
        """Start it and wait until it serves. Raises `TimeoutError` with its log.

        `version` is the one that the stand-in imitates. Both ports are published on all addresses
        of this machine, and stay the same over a restart.
        """
        port, admin_port = free_port(), free_port()
        container = engine.start(
            image,
            "postgrest",
            name=engine.name("api"),
            options=[
                f"--network={network}",
                f"--publish={port}:3000",
                f"--publish={admin_port}:3001",
                *options,
            ],
            environment={
                **settings(database),
                "PGRST_SANDBOX_VERSION": version,
                **(environment or {}),
            },
        )
        server = cls(container, port, admin_port)
        wait_until(server.ready, container)
        return server

    @property
    def name(self) -> str:
        """Of the container; also its host name in the network."""
        return str(self.container.name)

    @property
    def url(self) -> str:
        """Of the API, from this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        """Of the admin server, from this machine."""
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def network_url(self) -> str:
        """Of the API, from a container in the network."""
        return f"http://{self.name}:3000"

    @property
    def network_admin_url(self) -> str:
        """Of the admin server, from a container in the network."""
        return f"http://{self.name}:3001"

    @property
    def started_at(self) -> str:
        """When the container's process was started last."""
        self.container.reload()
        return str(self.container.attrs["State"]["StartedAt"])

    def ready(self) -> bool:
        """Whether the admin server says that the API serves with a loaded cache."""
        return is_ready(self.admin_port)

    def log(self) -> str:
        """What the container has written so far."""
        return self.container.logs().decode()


def settings(database: Database) -> dict[str, str]:
    """PostgREST's environment in a container of the database's network."""
    return {
        "PGRST_DB_URI": database.authenticator_url,
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_JWT_SECRET": JWT_SECRET,
        "PGRST_SERVER_HOST": "0.0.0.0",  # noqa: S104 -- all addresses of the container
        "PGRST_SERVER_PORT": "3000",
        "PGRST_ADMIN_SERVER_PORT": "3001",
    }


def token(role: str) -> str:
    """A JSON web token with which PostgREST takes on a role."""
    return jwt.encode({"role": role}, JWT_SECRET, algorithm="HS256")


def wait_until(answers: Callable[[], bool], container: Container) -> None:
    """Wait for a server in a container. Raises `TimeoutError` with the container's log."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        container.reload()
        if container.status == "exited" or time.monotonic() > deadline:
            said = container.logs().decode(errors="replace")
            raise TimeoutError(f"{container.name} is {container.status}, no answer:\n{said}")
        time.sleep(0.02)
