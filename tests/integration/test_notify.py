"""NOTIFY through a real PostgreSQL, to a PostgREST that really listens."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.harness.containers import OWNER_PASSWORD, wait_until

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.notify import Notify
from pgrst_sandbox.ports import free_port
from pgrst_sandbox.postgres import Postgres, postgres
from pgrst_sandbox.process import run

if TYPE_CHECKING:
    from tests.harness.containers import Database
    from tests.harness.engine import Engine

LOADED = r"Schema cache loaded in"
DATA, SERVER = "/var/lib/postgresql/data", "/opt/postgresql/bin/postgres"
ENVIRONMENT = {"PGRST_DB_ANON_ROLE": "postgres"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A PostgreSQL on loopback, with a user who may do no more than connect."""
    with postgres() as started:
        started.execute("create role deployer login", dbname="postgres")
        yield started


@pytest.fixture
def name(cluster: Postgres) -> str:
    """An empty database of the test's own."""
    name = f"app_{secrets.token_hex(4)}"
    cluster.create_database(name)
    return name


@pytest.mark.parametrize("user", ["postgres", "deployer"])
def test_a_notification_makes_the_server_load(cluster: Postgres, name: str, user: str) -> None:
    """The server loads its cache anew; to notify it takes no privilege but to connect."""
    with run(dsn=cluster.dsn(name), env=ENVIRONMENT) as server:
        runtime = Notify(cluster.dsn(name, user))
        (instance,) = runtime.preflight("reload")
        lines = len(server.log)

        sent = runtime.reload(instance, "SIGUSR1")

        assert sent == "NOTIFY \"pgrst\", 'reload schema'"
        assert server.wait_for_log("Received a schema cache reload message", after=lines)
        assert server.wait_for_log(LOADED, after=lines)


def test_listeners_are_counted(cluster: Postgres, name: str) -> None:
    """Who may see the sessions is told how many servers listen, of this database only."""
    with run(dsn=cluster.dsn(name), env=ENVIRONMENT), run(dsn=cluster.dsn(), env=ENVIRONMENT):
        (instance,) = Notify(cluster.dsn(name)).preflight("reload")

    assert instance.name == f"channel pgrst of database {name}, 1 listening"
    assert instance.warnings == ()


def test_a_channel_is_taken_as_written(cluster: Postgres, name: str) -> None:
    """A channel in upper case, or of more than a word, reaches its listener."""
    environment = {**ENVIRONMENT, "PGRST_DB_CHANNEL": 'My "Chan"'}
    with run(dsn=cluster.dsn(name), env=environment) as server:
        runtime = Notify(cluster.dsn(name), 'My "Chan"')
        (instance,) = runtime.preflight("reload")
        lines = len(server.log)

        runtime.reload(instance, "SIGUSR1")

        assert instance.name.endswith(", 1 listening")
        assert server.wait_for_log(LOADED, after=lines)


def test_a_wrong_channel_is_warned_of(cluster: Postgres, name: str) -> None:
    """Before anything is sent it is said that nobody listens on this channel."""
    with run(dsn=cluster.dsn(name), env=ENVIRONMENT):
        (instance,) = Notify(cluster.dsn(name), "other").preflight("reload")

    (warning,) = instance.warnings
    assert "db-channel" in warning or "nobody may hear it" in warning


def test_an_empty_database_is_warned_of(cluster: Postgres, name: str) -> None:
    """Where no PostgREST is connected at all, nobody may hear the notification."""
    (instance,) = Notify(cluster.dsn(name)).preflight("reload")

    (warning,) = instance.warnings
    assert f"channel pgrst of database {name}: nobody may hear it" in warning


@pytest.mark.parametrize(
    ("database", "user", "message"),
    [
        ("nowhere", "postgres", 'database "nowhere" does not exist'),
        ("postgres", "nobody", 'role "nobody" does not exist'),
    ],
)
def test_a_wrong_name_is_told(cluster: Postgres, database: str, user: str, message: str) -> None:
    """The database's own words name what does not exist, the hint names the input."""
    with pytest.raises(NotRefreshed, match=message) as refused:
        Notify(cluster.dsn(database, user)).preflight("reload")

    assert refused.value.hint == "check the names in `database-url`"


def test_a_read_only_user_can_notify(cluster: Postgres, name: str) -> None:
    """NOTIFY writes nothing, so a role whose transactions are read-only may send it."""
    url = f"{cluster.dsn(name)}?options=-c%20default_transaction_read_only%3Don"
    runtime = Notify(url)
    (instance,) = runtime.preflight("reload")

    assert runtime.reload(instance, "SIGUSR1").startswith("NOTIFY")


@pytest.mark.docker
def test_a_wrong_password_is_told_and_not_shown(database: Database) -> None:
    """The hint is about the password; neither password nor URL is in what is printed."""
    url = database.url.replace(OWNER_PASSWORD, "hunter2")

    with pytest.raises(NotRefreshed, match="password authentication failed") as refused:
        Notify(url).preflight("reload")

    assert "check user and password" in refused.value.hint
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"


@pytest.mark.docker
def test_a_standby_is_refused(docker_engine: Engine, sandbox_image: str) -> None:
    """A standby refuses NOTIFY, which is said before it is tried, with the way out."""
    port = free_port()
    container = docker_engine.start(
        sandbox_image,
        *("sh", "-c", f"touch {DATA}/standby.signal && exec {SERVER} -D {DATA} -h '*'"),
        name=docker_engine.name("standby"),
        options=[f"--publish=127.0.0.1:{port}:5432", "--user=postgres"],
    )
    runtime = Notify(f"postgresql://postgres:{OWNER_PASSWORD}@127.0.0.1:{port}/postgres")

    def answers() -> bool:
        try:
            runtime.preflight("reload")
        except NotRefreshed as error:
            return "is a standby" in str(error)
        return True

    wait_until(answers, container)
    with pytest.raises(NotRefreshed, match="database postgres is a standby") as refused:
        runtime.preflight("reload")

    assert "target_session_attrs=read-write" in refused.value.hint
