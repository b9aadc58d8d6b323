"""The built action, let out of its container to this machine: its processes and its 127.0.0.1."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests.harness.scans import BEFORE, EXPECTED, EXPECTED_ITEMS, MIGRATION
from tests.harness.systemd import Machine

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.host.systemd import Systemd
from pgrst_gate.runtimes.transports import helper
from pgrst_gate.runtimes.transports.helper import COMMANDS, LABEL, Helper, Surrounding
from pgrst_gate.runtimes.transports.outside import THE_HOST
from pgrst_sandbox.postgres import postgres
from pgrst_sandbox.process import Server, run

if TYPE_CHECKING:
    from tests.harness.engine import Engine
    from tests.integration.conftest import RunGate

    from pgrst_sandbox.postgres import Postgres

pytestmark = pytest.mark.docker

STAND_IN: Final = "import runpy\n\nrunpy.run_module('pgrst_sandbox', run_name='__main__')\n"
OUT: Final = {"reach-host": "true"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A PostgreSQL on this machine."""
    with postgres() as database:
        database.execute("create role anon nologin", dbname="postgres")
        yield database


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The stand-in, by a name that no other process of this machine has."""
    path = tmp_path / f"postgrest-{10000 + secrets.randbelow(90000)}"
    path.write_text(f"#!{sys.executable}\n{STAND_IN}")
    path.chmod(0o755)
    return path


@contextmanager
def stale(cluster: Postgres, program: Path, **environment: str) -> Iterator[Server]:
    """A PostgREST of this machine, on 127.0.0.1 only, that has not heard of the migration."""
    database = f"db{secrets.token_hex(4)}"
    cluster.create_database(database)
    cluster.execute(BEFORE, dbname=database)
    with run(dsn=cluster.dsn(database), command=[str(program)], env=environment) as server:
        cluster.execute(MIGRATION, dbname=database)
        yield server


@pytest.fixture
def helpers(docker_engine: Engine) -> Iterator[Callable[[], set[str]]]:
    """Gives the helper containers there are by now; none of a test's own is left after it."""

    def listed() -> set[str]:
        found = docker_engine.client.api.containers(all=True, filters={"label": LABEL})
        return {one["Names"][0] for one in found} - before

    before: set[str] = set()
    before = listed()
    yield listed
    give_up = time.monotonic() + 10
    while listed() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert listed() == set()


def test_a_process_of_the_machine_is_reloaded(
    cluster: Postgres, program: Path, run_gate: RunGate, helpers: Callable[[], set[str]]
) -> None:
    """By its name alone: found, signalled, and asked on the machine's own 127.0.0.1."""
    with stale(cluster, program) as server:
        pid = server.pid
        inputs = {"url": server.url, "admin-url": server.admin_url, "process-name": program.name}

        step = run_gate(EXPECTED | OUT | inputs)

        assert (server.pid, server.process.poll()) == (pid, None)

    assert (step.exit_code, step.outputs["verdict"]) == (0, "open"), step.text
    assert step.outputs["refreshed-by"] == "process reload"
    assert step.outputs["evidence"] == "confirmed"
    assert step.outputs["served"] == str(EXPECTED_ITEMS)
    assert f"process {pid} " in step.text
    assert helpers() == set()


def test_a_pid_file_of_the_machine_is_read(
    cluster: Postgres, program: Path, run_gate: RunGate, helpers: Callable[[], set[str]]
) -> None:
    """Where the machine has it, by a helper that may read its files."""
    pid_file = program.with_suffix(".pid")
    with stale(cluster, program) as server:
        pid_file.write_text(f"{server.pid}\n")

        step = run_gate(EXPECTED | OUT | {"url": server.url, "pid-file": str(pid_file)})

    assert (step.exit_code, step.outputs["verdict"]) == (0, "open"), step.text
    assert helpers() == set()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ({"pid": "1"}, "process 1 is not postgrest but"),
        ({"pid-file": "/no/such/file"}, "pid file /no/such/file cannot be read: No such file"),
        ({"process-name": "no-such-program"}, "no process of the host is called no-such-program"),
        ({"unit": "no-such-unit.service"}, "systemd|no-such-unit"),
    ],
    ids=["another process", "pid file", "name", "unit"],
)
def test_what_the_machine_lacks_is_told_and_nothing_is_touched(
    run_gate: RunGate, helpers: Callable[[], set[str]], target: dict[str, str], told: str
) -> None:
    """Exit 3, with no helper left behind."""
    step = run_gate(EXPECTED | OUT | target | {"url": "http://127.0.0.1:1"})

    assert (step.exit_code, step.outputs["verdict"]) == (3, "not-refreshed"), step.text
    assert any(word in step.text for word in told.split("|"))
    assert step.outputs["refreshed-by"] == "none"
    assert helpers() == set()


SLOW_RELOAD: Final = {"PGRST_INTERNAL_SCHEMA_CACHE_QUERY_SLEEP": "3000"}


def test_a_cancel_removes_the_helpers(
    cluster: Postgres, program: Path, run_gate: RunGate, helpers: Callable[[], set[str]]
) -> None:
    """Within the time that the runner gives, and the step says what was sent before."""
    with stale(cluster, program, **SLOW_RELOAD) as server:
        inputs = {"url": server.url, "process-name": program.name}

        step = run_gate(EXPECTED | OUT | inputs, cancel_on="waiting: ")

    assert (step.exit_code, step.conclusion) == (130, "cancelled"), step.text
    assert step.outputs["refreshed-by"] == "process reload"
    assert step.cancel_seconds is not None
    assert step.cancel_seconds < 5
    assert not step.left_running
    assert helpers() == set()


def test_helpers_have_few_rights_and_end_with_a_gate_that_is_killed(
    cluster: Postgres,
    program: Path,
    run_gate: RunGate,
    helpers: Callable[[], set[str]],
    docker_engine: Engine,
) -> None:
    """Nobody cleans up after a SIGKILL: the engine does, when the gate's end of a line is gone."""
    api = docker_engine.client.api
    with stale(cluster, program, **SLOW_RELOAD) as server, ThreadPoolExecutor(1) as beside:
        inputs = {"url": server.url, "process-name": program.name}
        step = beside.submit(run_gate, EXPECTED | OUT | inputs)
        wait_until(lambda: len(helpers()) == 2 or step.done())
        rights = {
            name.split("-")[3]: api.inspect_container(name)["HostConfig"] for name in helpers()
        }
        (gate,) = {api.inspect_container(name)["Config"]["Labels"][LABEL] for name in helpers()}
        api.kill(gate, "SIGKILL")

        assert step.result().exit_code == 137
        wait_until(lambda: helpers() == set())

    assert rights.keys() == {"processes", "network"}
    assert {name: given["CapAdd"] for name, given in rights.items()} == {
        "processes": ["KILL"],
        "network": None,
    }
    for given in rights.values():
        assert given["CapDrop"] == ["ALL"]
        assert given["ReadonlyRootfs"]
        assert not given["Privileged"]
        assert not given["Binds"]
    assert rights["processes"]["NetworkMode"] == "none"
    assert rights["network"]["PidMode"] == ""


def test_without_the_socket_nothing_is_begun(gate_image: str) -> None:
    """Exit 3: what is needed, and what to type."""
    inputs = EXPECTED | OUT | {"url": "http://localhost:3000", "process-name": "postgrest"}
    given = [f"--env=INPUT_{name.upper()}={text}" for name, text in inputs.items()]

    ended = subprocess.run(
        ["docker", "run", "--rm", *given, gate_image], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 3
    assert "needs the Docker engine that runs this container, and none answers" in ended.stdout
    assert "-v /var/run/docker.sock:/var/run/docker.sock" in ended.stdout


def test_an_engine_that_does_not_run_this_container_is_told(
    docker_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket or DOCKER_HOST of another machine: its processes are not those that are meant."""
    del docker_engine
    monkeypatch.setattr(helper, "in_container", lambda: True)

    with pytest.raises(NotRefreshed, match="containers of the Docker engine is this one"):
        _ = Surrounding().own


def test_systemd_obeys_a_helper_without_capabilities(
    docker_engine: Engine, sandbox_image: str, network: str
) -> None:
    """A real systemd, its socket and its pids, as a helper for commands has them on a host."""
    volume = ("--volume=/run/systemd",)
    machine = Machine.boot(docker_engine, sandbox_image, network, volume)
    api, inspected = docker_engine.client.api, machine.container.attrs
    (mount,) = (one for one in inspected["Mounts"] if one["Destination"] == "/run/systemd")
    image = docker_engine.client.images.get(sandbox_image).id
    surrounding = Surrounding()
    vars(surrounding).update(api=api, own={"Image": image, "Id": machine.container.id})
    rights = replace(
        COMMANDS,
        pid_mode=f"container:{machine.container.id}",
        capabilities=(),
        binds=(f"{mount['Name']}:/run/systemd",),
        prefix=(),
    )
    commands = Helper(surrounding, rights)
    machine.write("/etc/systemd/system/postgrest.service", UNIT)
    machine.run("systemctl", "daemon-reload").check_returncode()
    machine.run("systemctl", "start", "postgrest").check_returncode()
    try:
        runtime = Systemd("postgrest", commands, THE_HOST)
        (instance,) = runtime.preflight("reload")
        before = runtime.mark(instance)

        assert runtime.reload(instance, "SIGUSR1") == "systemctl reload"
        assert machine.run("cat", "/srv/reloaded").returncode == 0
        assert runtime.mark(instance).started == before.started
        assert runtime.restart(instance) == "systemctl restart"
        assert runtime.mark(instance).started != before.started
        with pytest.raises(NotRefreshed, match=r"`sleep 60` did not end within 0\.2 s"):
            commands.run(["sleep", "60"], timeout=0.2)
    finally:
        commands.close()
        machine.container.remove(force=True, v=True)


UNIT: Final = """
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/touch /srv/reloaded
"""


def wait_until(true: Callable[[], bool]) -> None:
    """Wait 20 seconds at most."""
    give_up = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up, "waited 20 s in vain"
        time.sleep(0.02)
