"""The gate on a real Swarm of one node: a service of three tasks in an overlay network."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.harness.containers import Database, Postgres, settings
from tests.harness.nested import create_service
from tests.harness.scans import BEFORE, EXPECTED, EXPECTED_ITEMS, MIGRATION
from tests.harness.swarm import Manager
from tests.integration.conftest import found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.engine import Engine
    from tests.harness.images import Images

pytestmark = pytest.mark.docker

URL: Final = "http://127.0.0.1:8080"
"""nginx, in the same network."""
NGINX: Final = """
user root;
daemon off;
pid /tmp/nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen 8080;
        resolver 127.0.0.11 valid=1s;
        location / {
            set $service rest;
            proxy_pass http://$service:3000;
            proxy_connect_timeout 1s;
            proxy_next_upstream error timeout http_502 http_503;
        }
    }
}
"""
# Fails once for the file: the tasks of the rollback start.
START: Final = "rm /srv/broken 2>/dev/null && { echo out of luck; exit 3; }; exec postgrest"
SERVICE: Final = (
    "--replicas=3",
    "--network=apps",
    "--endpoint-mode=dnsrr",
    "--stop-grace-period=3s",
    "--update-order=start-first",
    "--update-failure-action=rollback",
    "--update-monitor=1s",
    "--rollback-parallelism=3",
    "--rollback-monitor=1s",
)
LOADED: Final = "docker service logs rest 2>&1 | grep -c 'Schema cache loaded in'"
STATE: Final = "docker service inspect --format '{{.UpdateStatus.State}}' rest"
AGAIN: Final = "create table later (id int primary key); grant select on later to anon"
EXPECTATION: Final = {name.replace("-", "_"): text for name, text in EXPECTED.items()}


@dataclass(frozen=True, slots=True)
class Swarm:
    """A manager with the service `rest`, and the database of that."""

    manager: Manager
    database: Database

    def gate(self, **inputs: str) -> dict[str, Any]:
        """Run the gate on the service."""
        given = {"url": URL, "runtime": "swarm", "service": "rest", **EXPECTATION, **inputs}
        return self.manager.gate(**given)

    @property
    def forced(self) -> int:
        """How often all tasks were to be replaced."""
        shown = self.manager.run("docker", "service", "inspect", "rest").stdout
        return int(json.loads(shown)[0]["Spec"]["TaskTemplate"]["ForceUpdate"])


@pytest.fixture(scope="module")
def manager(docker_engine: Engine, images: Images, postgres: Postgres) -> Iterator[Manager]:
    """An engine in no Swarm."""
    image = found(lambda: images.with_engine)
    started = Manager.start(docker_engine, image, postgres.network)
    yield started
    started.container.remove(force=True, v=True)


@pytest.fixture(scope="module")
def swarm(manager: Manager, docker_engine: Engine, postgres: Postgres) -> Swarm:
    """The same, in a Swarm, with three tasks over a database before its migration."""
    database = postgres.database()
    database.execute(BEFORE)
    server = docker_engine.client.containers.get(postgres.host).attrs["NetworkSettings"]
    address = server["Networks"][postgres.network]["IPAddress"]
    manager.write("/srv/start", START)
    for command in (
        ("docker", "swarm", "init", "--advertise-addr=127.0.0.1"),
        ("docker", "network", "create", "--driver=overlay", "apps"),
    ):
        manager.run(*command).check_returncode()
    environment = {**settings(replace(database, host=address)), "PGRST_SANDBOX_VERSION": "14.14"}
    create_service(manager, "rest", "sh", "/srv/start", options=SERVICE, environment=environment)
    manager.write("/srv/nginx.conf", NGINX)
    published = ("--network=apps", "--publish=mode=host,target=8080,published=8080")
    create_service(
        manager, "front", "nginx", "-e", "stderr", "-c", "/srv/nginx.conf", options=published
    )
    manager.wait_until(lambda: manager.run("sh", "-c", LOADED).stdout.split() == ["3"])
    return Swarm(manager, database)


def test_an_engine_in_no_swarm_is_told(manager: Manager) -> None:
    """Before there is a Swarm, nothing can be asked of it; nothing is sent."""
    report = manager.gate(url=URL, runtime="swarm", service="rest", expected_tables="scans")

    assert report["exit_code"] == 3
    assert "this Docker engine is in no Swarm" in report["sentence"]
    assert report["receipts"] == []


def test_a_signal_reaches_every_task_and_each_is_proven(swarm: Swarm) -> None:
    """Three tasks, three signals, three proofs, each at the task's place in the gateway bridge."""
    swarm.database.execute(MIGRATION)

    report = swarm.gate()

    assert report["exit_code"] == 0, report["sentence"]
    assert "by each of 3 processes" in report["sentence"]
    assert [one["sent"] for one in report["receipts"]] == ["SIGUSR1"] * 3
    *tasks, front = report["instances"]
    assert [one["name"] for one in tasks] == [f"task rest.{n}" for n in "123"]
    assert {one["served"] for one in (*tasks, front)} == {EXPECTED_ITEMS}
    assert {one["evidence"]["strength"] for one in tasks} == {"confirmed"}
    assert len({one["url"] for one in tasks}) == 3
    assert swarm.forced == 0


def test_an_update_replaces_every_task_and_each_is_proven(swarm: Swarm) -> None:
    """It is one update for three instances, and each new task is asked where it is now."""
    swarm.database.execute(AGAIN)

    report = swarm.gate(method="restart", expected_tables="later")

    assert report["exit_code"] == 0, report["sentence"]
    assert "by each of 3 processes" in report["sentence"]
    assert {one["evidence"]["strength"] for one in report["instances"]} == {"confirmed"}
    assert swarm.forced == 1


def test_a_rollback_is_reported(swarm: Swarm) -> None:
    """The failing task's error and its last words are told, once the rollback is over."""
    swarm.manager.write("/srv/broken", "")

    report = swarm.gate(method="restart")

    assert report["exit_code"] == 3
    assert "the update of service rest was rolled back" in report["sentence"]
    assert "failed: task: non-zero exit (3); its log ends with: out of luck" in report["sentence"]
    assert swarm.manager.run("sh", "-c", STATE).stdout.strip() == "rollback_completed"


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ("rset", "this Swarm has no service rset"),
        ("idle", "service idle has no running task: it has none at all"),
    ],
)
def test_what_cannot_be_refreshed_is_refused(swarm: Swarm, service: str, told: str) -> None:
    """A typo, and a service that is scaled to none: nothing is sent."""
    if service == "idle":
        create_service(swarm.manager, "idle", "postgrest", options=["--replicas=0"])
    before = swarm.forced

    report = swarm.gate(service=service, method="restart")

    assert report["exit_code"] == 3
    assert told in report["sentence"]
    assert report["receipts"] == []
    assert swarm.forced == before
