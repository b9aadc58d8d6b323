"""The systemd runtime under a real systemd: the stand-in as a unit, and units that are not one."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest
from tests.harness.containers import settings
from tests.harness.systemd import Machine

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.reach import reach
from pgrst_gate.runtimes.host.systemd import Systemd
from pgrst_gate.runtimes.interface import Condition, Instance, Mark, Target
from pgrst_gate.runtimes.transports.commands import Completed

if TYPE_CHECKING:
    from tests.harness.containers import Postgres
    from tests.harness.engine import Engine

pytestmark = pytest.mark.systemd

POSTGREST = "ExecStart=/usr/local/bin/postgrest"
BREAKABLE = "ExecStartPre=/bin/sh -c 'test ! -e /run/broken || { echo out of luck; exit 3; }'"


@dataclass(frozen=True, slots=True)
class OnMachine:
    """Runs commands on a machine in a container, as a user of it."""

    machine: Machine
    user: str = "root"

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """As `Commands.run`."""
        command = ["docker", "exec", f"--user={self.user}", str(self.machine.container.id), *argv]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        return Completed(done.returncode, done.stdout, done.stderr)


class Install(Protocol):
    """Makes a unit with these lines in its section [Service], and starts it."""

    def __call__(self, *lines: str, running: bool = True) -> str: ...


@pytest.fixture(scope="module")
def host(docker_engine: Engine, sandbox_image: str, network: str) -> Iterator[Machine]:
    """One machine for all of these tests; each has units of its own."""
    booted = Machine.boot(docker_engine, sandbox_image, network)
    yield booted
    booted.container.remove(force=True)


@pytest.fixture
def install(host: Machine, postgres: Postgres, docker_engine: Engine) -> Iterator[Install]:
    """Install units of PostgREST over an empty database; stopped after the test."""
    installed: list[str] = []

    def install(*lines: str, running: bool = True) -> str:
        name = docker_engine.name("unit")
        environment = settings(postgres.database()) | {
            "PGRST_SERVER_PORT": str(20000 + len(installed)),
            "PGRST_ADMIN_SERVER_PORT": str(21000 + len(installed)),
        }
        variables = [f'Environment="{key}={value}"' for key, value in environment.items()]
        text = "\n".join(["[Service]", *variables, *lines, ""])
        host.write(f"/etc/systemd/system/{name}.service", text)
        host.run("systemctl", "daemon-reload").check_returncode()
        installed.append(name)
        if running:
            host.run("systemctl", "start", name).check_returncode()
        return name

    yield install
    host.run("systemctl", "stop", *installed)
    host.run("rm", "-f", "/run/broken")


def on(host: Machine, unit: str, user: str = "root") -> Systemd:
    """Give the runtime for a unit of the machine."""
    return Systemd(unit, OnMachine(host, user))


def wait_until(true: Callable[[], bool]) -> None:
    """Wait 20 seconds at most."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        time.sleep(0.02)


def ready(runtime: Systemd) -> Instance:
    """Wait until the server takes signals; gives it."""
    found: list[Instance] = []

    def takes_signals() -> bool:
        try:
            found.extend(runtime.preflight("reload"))
        except NotRefreshed as error:
            return "no handler" not in str(error)
        return True

    wait_until(takes_signals)
    return found[0]


def loads(runtime: Systemd, instance: Instance, since: Mark) -> int:
    """Count the loads that the log tells of since the mark."""
    lines = runtime.log_since(instance, since)
    return sum("Schema cache loaded in" in line for line in lines)


def main_pid(host: Machine, unit: str) -> str:
    """Give the unit's main process."""
    return host.run("systemctl", "show", "--property=MainPID,InvocationID", unit).stdout


@pytest.mark.parametrize(
    ("exec_reload", "sent", "warned"),
    [
        ([], "SIGUSR1", False),
        (["ExecReload=/bin/kill -SIGUSR1 $MAINPID"], "systemctl reload", False),
        (["ExecReload=/bin/kill -HUP $MAINPID"], "SIGUSR1", True),
        (["ExecReload=/bin/sh -c 'kill -s HUP $MAINPID'"], "SIGUSR1", True),
        (["ExecReload=-/bin/kill -1 $MAINPID"], "SIGUSR1", True),
    ],
    ids=["none", "USR1", "HUP", "HUP by a shell", "HUP by number"],
)
def test_a_reload_loads_and_never_ends_the_server(
    host: Machine, install: Install, exec_reload: list[str], sent: str, *, warned: bool
) -> None:
    """Whatever the unit says of reloading, the same process loads its cache anew."""
    unit = install(POSTGREST, "Restart=on-failure", *exec_reload)
    runtime = on(host, unit)
    instance = ready(runtime)
    wait_until(lambda: "Schema cache loaded in" in host.run("journalctl", "-u", unit).stdout)
    before, process = runtime.mark(instance), main_pid(host, unit)

    assert runtime.reload(instance, "SIGUSR1") == sent

    wait_until(lambda: loads(runtime, instance, before) == 1)
    assert main_pid(host, unit) == process
    assert bool(instance.warnings) is warned
    assert runtime.condition(instance) == Condition()


def test_the_commands_of_a_remedy_work_as_they_are_printed(host: Machine, install: Install) -> None:
    """That which has the server reload, and that which shows its log."""
    unit = install(POSTGREST)
    runtime = on(host, unit)
    instance = ready(runtime)
    wait_until(lambda: "Schema cache loaded in" in host.run("journalctl", "-u", unit).stdout)
    before, by = runtime.mark(instance), reach(Target(unit=unit))

    host.run(*shlex.split(by.signal))
    wait_until(lambda: loads(runtime, instance, before) == 1)

    assert "Schema cache loaded in" in host.run(*shlex.split(by.log.strip("`"))).stdout


def test_a_restart_is_a_new_invocation(host: Machine, install: Install) -> None:
    """After a restart the start mark is another, and the log goes on from the old mark."""
    runtime = on(host, install(POSTGREST))
    (instance,) = runtime.preflight("restart")
    before = runtime.mark(instance)

    assert runtime.restart(instance) == "systemctl restart"

    assert runtime.mark(instance).started not in {"", before.started}
    wait_until(lambda: loads(runtime, instance, before) == 1)


@pytest.mark.parametrize("restart", ["no", "always"])
def test_a_unit_that_does_not_come_back_is_an_error(
    host: Machine, install: Install, restart: str
) -> None:
    """A restart whose job fails is told by systemd's words and the journal's last lines."""
    unit = install(POSTGREST, BREAKABLE, f"Restart={restart}", "RestartSec=1min")
    runtime = on(host, unit)
    (instance,) = runtime.preflight("restart")
    host.run("touch", "/run/broken")

    with pytest.raises(NotRefreshed, match=r"`systemctl restart .* failed: Job for .*luck") as no:
        runtime.restart(instance)

    assert no.value.hint == f"journalctl -u {unit}.service"
    condition = runtime.condition(instance)
    assert ("failed (failed)" in condition.text) is (restart == "no")
    assert condition.hopeless is (restart == "no")


def test_a_unit_that_dies_after_its_start_is_seen(host: Machine, install: Install) -> None:
    """A server that ends on its own, after systemd called it started, is hopeless."""
    unit = install(POSTGREST)
    runtime = on(host, unit)
    (instance,) = runtime.preflight("restart")

    host.run("systemctl", "kill", "--signal=SIGKILL", unit)

    wait_until(lambda: runtime.condition(instance).hopeless)
    assert "Result=signal" in runtime.condition(instance).text


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["ExecStart=/bin/sleep 600"], "is not postgrest but `/bin/sleep 600`; nothing was sent"),
        (["ExecStart=/bin/sh -c 'postgrest; true'"], "is not postgrest but `/bin/sh -c postgrest;"),
        (
            ["ExecStart=/bin/sleep 600", "ExecReload=/bin/kill -USR1 $MAINPID"],
            "is not postgrest but",
        ),
        (["Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true"], "has no main process"),
    ],
    ids=["another program", "a shell", "another program with ExecReload", "nothing"],
)
def test_a_unit_that_would_suffer_is_left_alone(
    host: Machine, install: Install, lines: list[str], message: str
) -> None:
    """Where SIGUSR1 would kill somebody, it is not sent."""
    unit = install(*lines)
    before = main_pid(host, unit)

    with pytest.raises(NotRefreshed, match=message):
        on(host, unit).preflight("reload")

    assert main_pid(host, unit) == before


def test_a_stopped_unit_can_only_restart(host: Machine, install: Install) -> None:
    """A unit that is down takes no signal, which is said; a restart starts it."""
    unit = install(POSTGREST, running=False)
    runtime = on(host, unit)

    with pytest.raises(NotRefreshed, match=r"cannot reload: it is inactive \(dead\)") as refused:
        runtime.preflight("reload")
    (instance,) = runtime.preflight("restart")
    runtime.restart(instance)

    assert refused.value.hint == f"`systemctl start {unit}.service`, or use `method: restart`"
    assert "the restart will start it" in instance.warnings[0]
    assert runtime.condition(instance) == Condition()


def test_a_typo_is_answered_with_the_unit(host: Machine, install: Install) -> None:
    """A unit that does not exist is answered with the one that was meant."""
    unit = install(POSTGREST)

    with pytest.raises(NotRefreshed, match=f"there is no unit {unit}x") as refused:
        on(host, f"{unit}x").preflight("reload")

    assert f"{unit}.service" in refused.value.hint


def test_a_masked_unit_is_named_so(host: Machine, install: Install) -> None:
    """A unit that systemd refuses to load is told by systemd's word for it."""
    unit = install(POSTGREST, running=False)
    host.run("rm", f"/etc/systemd/system/{unit}.service")
    host.run("systemctl", "mask", unit).check_returncode()

    with pytest.raises(NotRefreshed, match="systemd calls it masked"):
        on(host, unit).preflight("restart")


def test_a_user_without_privileges_is_told_so(host: Machine, install: Install) -> None:
    """What systemd denies has a way out, asks for no password, and changes nothing."""
    unit = install(POSTGREST)
    ready(on(host, unit))
    runtime = on(host, unit, user="nobody")
    (instance,) = runtime.preflight("reload")
    before = main_pid(host, unit)

    with pytest.raises(NotRefreshed, match=r"systemd did not permit `systemctl kill") as kill:
        runtime.reload(instance, "SIGUSR1")
    with pytest.raises(NotRefreshed, match=r"systemd did not permit `systemctl restart") as restart:
        runtime.restart(instance)

    assert "polkit" in kill.value.hint
    assert "polkit" in restart.value.hint
    assert main_pid(host, unit) == before
    assert runtime.mark(instance).log_position == ""


def test_without_systemd_the_way_out_is_named(docker_engine: Engine, sandbox_image: str) -> None:
    """A container without systemd has systemctl, but nothing that answers it."""
    name = docker_engine.name("plain")
    plain = Machine(docker_engine.start(sandbox_image, "sleep", "600", name=name))

    with pytest.raises(NotRefreshed, match="systemd does not answer: System has not been booted"):
        on(plain, "postgrest").preflight("reload")

    plain.container.remove(force=True)
