"""A server on another machine, over a real sshd: a host with systemd, processes and Docker."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.acceptance.running import gate
from tests.harness.scans import BEFORE, EXPECTED, MIGRATION
from tests.harness.staging import Staging, make_key
from tests.integration.conftest import found

from pgrst_gate.errors import NotRefreshed, UsageError
from pgrst_gate.report import Conclusion, Evidence, Report
from pgrst_gate.runtimes.transports.ssh import Connection
from pgrst_gate.runtimes.transports.ssh_access import read_access
from pgrst_gate.runtimes.transports.transport import over_ssh

if TYPE_CHECKING:
    from tests.harness.containers import Database, Postgres
    from tests.harness.engine import Engine
    from tests.harness.images import Images
    from tests.integration.conftest import RunGate

pytestmark = pytest.mark.systemd

READY = """
import sys, time, urllib.request
while True:
    try:
        urllib.request.urlopen(sys.argv[1]).close()
        break
    except OSError:
        time.sleep(0.05)
"""
"""Ends when the admin server at an address says that the API serves."""

ports = itertools.count(20000, 2)
Connect = Callable[..., Connection]
Start = Callable[[str], tuple[dict[str, str], int]]
"""Starts a PostgREST of a kind on the host; gives the inputs that name it, and its port there."""


@pytest.fixture(scope="module")
def staging(
    docker_engine: Engine,
    images: Images,
    network: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Staging]:
    """One host for all of these tests."""
    folder = tmp_path_factory.mktemp("staging")
    image = found(lambda: images.with_engine)
    host = Staging.boot(docker_engine, image, network, folder)
    yield host
    host.machine.container.remove(force=True, v=True)


@pytest.fixture
def database(postgres: Postgres) -> Database:
    """A database as it is before the migration."""
    empty = postgres.database()
    empty.execute(BEFORE)
    return empty


@pytest.fixture
def start(staging: Staging, database: Database) -> Start:
    """Start a server that serves the database as it is now."""

    def start(kind: str) -> tuple[dict[str, str], int]:
        port = next(ports)
        if kind == "docker":
            named = {"container": staging.start_container(database, port=port)}
        elif kind == "compose":
            staging.start_container(database, port=port, service=f"rest{port}")
            named = {"runtime": kind, "service": f"rest{port}"}
        elif kind == "swarm":
            named = {"runtime": kind, "service": staging.start_service(database, port=port)}
        elif kind == "systemd":
            named = {"unit": staging.start_unit(database, port=port)}
        else:
            command = staging.start_process(database, port=port)
            named = {"pid_file": f"{command}.pid", "restart_command": command}
        url = f"http://127.0.0.1:{port + 1}/ready"
        staging.machine.run("timeout", "20", "python3", "-c", READY, url).check_returncode()
        return named, port

    return start


@pytest.fixture
def connect(staging: Staging) -> Iterator[Connect]:
    """Make connections, with other inputs than those that reach the host; closed after the test."""
    made: list[Connection] = []

    def connect(user: str = "deploy", **inputs: str) -> Connection:
        made.append(connection(staging, user, **inputs))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def connection(staging: Staging, user: str, **inputs: str) -> Connection:
    """Give a connection that is not open yet."""
    given = staging.login(user) | inputs
    return Connection(read_access(given["host"], given["ssh_key"], given["ssh_known_hosts"]))


def run(staging: Staging, port: int, user: str = "deploy", **inputs: str) -> Report:
    """Run the gate for what is expected of the migration, on the host's own `localhost`."""
    expected = {name.replace("-", "_"): text for name, text in EXPECTED.items()}
    return gate(
        f"http://localhost:{port}",
        **staging.login(user) | expected | {"runtime": "auto", "timeout": "30s"} | inputs,
    )


@pytest.mark.parametrize("method", ["reload", "restart"])
@pytest.mark.parametrize("kind", ["docker", "compose", "swarm", "systemd", "process"])
def test_a_server_that_only_its_own_machine_can_ask_is_refreshed_and_proven(
    staging: Staging, database: Database, start: Start, kind: str, method: str
) -> None:
    """Signal or restart, log, counters and questions all go over SSH; the load is confirmed."""
    named, port = start(kind)
    database.execute(MIGRATION)
    # A plain process has no log that is known: its admin server counts the load.
    admin = {"admin_url": f"http://localhost:{port + 1}"} if kind == "process" else {}

    report = run(staging, port, method=method, **named, **admin)

    assert report.conclusion is Conclusion.OPEN, report
    assert report.evidence is Evidence.CONFIRMED
    assert report.runtime.startswith(kind)
    assert [receipt.action for receipt in report.receipts] == [method]
    told = [event.text for event in report.events]
    assert "connected to 127.0.0.1 over SSH" in told
    assert any(f"http://localhost:{port} is one of 127.0.0.1, asked as" in text for text in told)


def test_auto_looks_there_and_not_here(staging: Staging, start: Start) -> None:
    """The servers of the other machine are found, and with several of them it asks which one."""
    _, port = start("process")
    start("process")

    text = refused(run(staging, port, user="guest"))

    assert "several servers are found on 127.0.0.1: process " in text
    assert "say which one by `pid`" in text


def test_without_a_refresh_the_machines_own_address_is_asked_too(
    staging: Staging, start: Start
) -> None:
    """`mode: verify` needs the way there as well; a stale cache stays closed."""
    _, port = start("systemd")

    report = run(staging, port, mode="verify")

    assert report.conclusion is Conclusion.CLOSED, report
    assert not report.receipts


def test_each_target_on_the_other_machine_is_asked_by_itself(
    staging: Staging, database: Database, start: Start
) -> None:
    """One of two that was reloaded does not open the gate; the stale one is named as given."""
    named, port = start("process")
    _, other = start("process")
    database.execute(MIGRATION)
    both = [f"http://localhost:{one}" for one in (port, other)]

    report = run(staging, port, pid_file=named["pid_file"], targets="\n".join(both), timeout="10s")

    assert report.conclusion is Conclusion.CLOSED, report
    assert [one.name for one in report.instances if one.not_served] == [both[1]]


def refused(report: Report) -> str:
    """Check that a run ended with nothing sent; gives what it says of why and of what to type."""
    assert (report.exit_code, report.receipts) == (3, ()), report
    assert report.problem is not None
    return f"{report.problem.message}\n{report.problem.hint}"


def test_sudo_that_asks_is_told_with_the_rule_to_add(staging: Staging, start: Start) -> None:
    """Neither systemd nor sudo let `guest` act: the process is the same one as before."""
    named, port = start("systemd")
    shown = ("systemctl", "show", "--property=MainPID,InvocationID", named["unit"])
    before = staging.machine.run(*shown).stdout

    text = refused(run(staging, port, user="guest", **named))

    assert "systemd did not permit `systemctl kill" in text
    assert "and sudo: a password is required" in text
    assert (
        rf"NOPASSWD: /usr/bin/systemctl kill --kill-who\=main --signal\=SIGUSR1 {named['unit']}"
        in text
    )
    assert staging.machine.run(*shown).stdout == before


def test_another_users_process_is_left_alone(staging: Staging, start: Start) -> None:
    """The kernel refuses the signal of `guest` to a process of `deploy`, which is told."""
    named, port = start("process")

    text = refused(run(staging, port, user="guest", pid_file=named["pid_file"]))

    assert "belongs to another user" in text


@pytest.mark.parametrize(
    ("user", "named", "told"),
    [
        ("guest", {"container": "api"}, "guest has no permission on the Docker socket of 127"),
        ("deploy", {"container": "no-such"}, "no container is called no-such"),
        ("deploy", {"unit": "no-such"}, "there is no unit no-such"),
        ("deploy", {"pid": "4194303"}, "no process has the pid 4194303"),
        ("deploy", {"pid_file": "/no/such"}, "pid file /no/such cannot be read: No such file"),
        ("deploy", {"process_name": "caddy"}, "no process of 127.0.0.1 is called caddy"),
        ("deploy", {"pid": "1"}, "process 1 is not postgrest but"),
    ],
)
def test_what_is_not_there_is_told_as_it_is_here(
    staging: Staging, user: str, named: dict[str, str], told: str
) -> None:
    """Each runtime's own account of what it did not find, of the other machine."""
    assert told in refused(run(staging, 1, user=user, **named))


def test_an_unknown_host_key_is_told_with_the_line_to_add(
    staging: Staging, connect: Connect
) -> None:
    """Fingerprint and line are the machine's own; the line, once added, lets the gate through."""
    other = f"elsewhere {staging.host_key}"

    with pytest.raises(NotRefreshed, match=r"host key of 127\.0\.0\.1 is not known") as unknown:
        connect(ssh_known_hosts=other).open()

    assert fingerprint(staging.host_key) in str(unknown.value)
    line = unknown.value.hint.rpartition(": ")[2]
    connect(ssh_known_hosts=line).open()


def test_a_changed_host_key_is_no_unknown_one(
    staging: Staging, connect: Connect, tmp_path: Path
) -> None:
    """A key that was another one before is told as such, with the line to put in its place."""
    make_key(tmp_path / "other")
    public = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    former = staging.known_hosts.replace(staging.host_key, public)

    with pytest.raises(NotRefreshed, match=r"host key of 127\.0\.0\.1 has changed") as changed:
        connect(ssh_known_hosts=former).open()

    assert fingerprint(staging.host_key) in str(changed.value)
    assert "in place of the old line in `ssh-known-hosts`" in changed.value.hint
    assert changed.value.hint.endswith(staging.known_hosts.strip())


def fingerprint(public_key: str) -> str:
    """Give the fingerprint of a key as ssh-keygen shows it."""
    shown = subprocess.run(
        ["ssh-keygen", "-lf", "-"], input=public_key, capture_output=True, text=True, check=True
    )
    return shown.stdout.split()[1]


def test_a_key_that_is_not_let_in_is_told_with_the_line_to_add(
    connect: Connect, tmp_path: Path
) -> None:
    """The public half is shown as authorized_keys wants it; the private one never."""
    make_key(tmp_path / "stranger")
    public = (tmp_path / "stranger.pub").read_text().strip()

    with pytest.raises(NotRefreshed, match=r"did not let deploy in over SSH: .*publickey") as no:
        connect(ssh_key=(tmp_path / "stranger").read_text()).open()

    assert no.value.hint == f"add this line to ~/.ssh/authorized_keys of deploy there: {public}"


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("ssh://deploy@127.0.0.1:1", "cannot be reached over SSH: .*Connection refused"),
        ("ssh://deploy@staging.invalid", "cannot be reached over SSH: .*Could not resolve"),
    ],
)
def test_a_machine_that_is_not_there_is_told(connect: Connect, host: str, told: str) -> None:
    """No sshd, and no such name."""
    with pytest.raises(NotRefreshed, match=told) as unreachable:
        connect(host=host).open()

    assert unreachable.value.hint


def test_without_ssh_the_package_is_named(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine without OpenSSH's client cannot go anywhere."""
    monkeypatch.setenv("PATH", str(tmp_path))

    for key in ("", None):
        given = {} if key is None else {"ssh_key": key}
        with pytest.raises(NotRefreshed, match="there is no ssh here") as missing:
            connect(**given).open()
        assert "openssh-client" in missing.value.hint


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"\n  {text}\n\n",
    ],
    ids=["no line end", "CRLF", "space around"],
)
def test_a_key_survives_how_it_was_pasted(
    staging: Staging, connect: Connect, spoil: Callable[[str], str]
) -> None:
    """What a web form does to line ends is mended; ssh itself would refuse such a key."""
    connect(ssh_key=spoil(staging.key.read_text())).open()


def test_an_encrypted_key_is_refused(connect: Connect, tmp_path: Path) -> None:
    """Nobody is there to type a passphrase, and ssh would only say that the key is not let in."""
    make_key(tmp_path / "key", passphrase="open sesame")

    with pytest.raises(UsageError, match="`ssh-key` is encrypted"):
        connect(ssh_key=str(tmp_path / "key")).open()


def test_a_key_that_was_cut_off_is_refused(staging: Staging, connect: Connect) -> None:
    """Half of a key is no key; none of it is shown."""
    half = staging.key.read_text()[:200]

    with pytest.raises(UsageError, match="is no private key that OpenSSH can read") as cut:
        connect(ssh_key=half).open()

    assert half.splitlines()[1] not in f"{cut.value} {cut.value.hint}"


def test_no_value_is_read_by_the_shell(connect: Connect) -> None:
    """Each word arrives as it was, whatever a shell would make of it."""
    words = ["a b", "$HOME", "`id`", "it's", '"', "x\ny", "*", "; exit 3", "\\", "", "!", "~", "-n"]

    ended = connect().run(["printf", "<%s>", *words], timeout=10)

    assert (ended.exit_code, ended.stdout) == (0, "".join(f"<{word}>" for word in words))


def test_a_command_that_hangs_is_not_waited_for(connect: Connect) -> None:
    """Its time is up on this side, and the connection can still be used."""
    there = connect()

    with pytest.raises(NotRefreshed, match=r"`sleep 60` did not end within 0\.5 s on 127"):
        there.run(["sleep", "60"], timeout=0.5)

    assert there.run(["true"], timeout=10).exit_code == 0


def masters(staging: Staging) -> dict[int, str]:
    """Give the connections to the host that this machine has: pids and command lines."""
    shown = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 1) for line in shown.stdout.splitlines())
    marks = (f"127.0.0.1:{staging.port}", "ControlMaster=yes")
    return {int(pid): args for pid, args in rows if all(mark in args for mark in marks)}


def wait_until(true: Callable[[], bool]) -> None:
    """Wait 20 seconds at most."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        time.sleep(0.02)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """An empty folder of a short path."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_long_path_of_temporary_files_is_no_obstacle(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    """The path of a socket has some hundred characters at most."""
    (long := temporary / ("x" * 80)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    assert connect().run(["true"], timeout=10).exit_code == 0
    assert not [*long.iterdir()]


def test_a_closed_connection_leaves_nothing(
    staging: Staging, connect: Connect, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    """One master for all; key, sockets and process are gone after it. No key is in a command."""
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    there = connect()
    there.open()
    for _ in range(3):
        there.run(["true"], timeout=10)
    (folder,) = temporary.iterdir()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, folder / "key")}
    (master,) = masters(staging).values()

    there.close()

    assert modes == {folder.name: 0o700, "key": 0o600}
    assert "PRIVATE" not in master
    assert not masters(staging)
    assert not [*temporary.iterdir()]


def test_a_gate_that_is_killed_leaves_no_connection(staging: Staging) -> None:
    """The master ends by itself with whom it works for, though nobody told it to."""
    code = (
        "import sys, time; from pgrst_gate.runtimes.transports.ssh import Connection; "
        "from pgrst_gate.runtimes.transports.ssh_access import read_access; "
        "one = Connection(read_access(*sys.argv[1:])); one.open(); print('open', flush=True); "
        "time.sleep(60)"
    )
    login = [*staging.login().values()]
    with subprocess.Popen([sys.executable, "-c", code, *login], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"open\n"
        assert masters(staging)
        killed.kill()

    wait_until(lambda: not masters(staging))


def test_a_connection_that_broke_is_made_anew(staging: Staging, connect: Connect) -> None:
    """The next command connects again, and forwards lead where they led."""
    there = connect()
    port = there.forward_port("127.0.0.1", 22)
    (master,) = masters(staging)
    os.kill(master, signal.SIGKILL)
    wait_until(lambda: not masters(staging))

    assert there.run(["true"], timeout=10).exit_code == 0

    with socket.create_connection(("127.0.0.1", port)) as through:
        assert through.recv(4) == b"SSH-"


def test_a_connection_that_breaks_in_the_middle_is_told(connect: Connect) -> None:
    """What was under way may or may not have been done, and that is what is said."""
    there = connect()

    with pytest.raises(NotRefreshed, match="failed in the middle of `pkill") as broke:
        there.run(["pkill", "-u", "deploy", "sshd"], timeout=20)

    assert "whether that was done is not known" in broke.value.hint


def test_the_processes_are_those_that_the_machine_shows(connect: Connect) -> None:
    """A command line with line ends in it passes for no other process."""
    there = connect()
    forged = "x\n1/status:Name:\tpostgrest"
    start = "nohup sh -c 'sleep 60' \"$1\" >/dev/null 2>&1 & echo $!"
    pid = int(there.run(["sh", "-c", start, "sh", forged], timeout=10).stdout)
    processes = over_ssh(there).processes

    found = {process.pid: process for process in processes.all()}

    assert forged in found[pid].argv
    assert not found[1].is_postgrest()
    assert found[pid].parent
    processes.send(pid, signal.SIGTERM, lambda _: None)
    wait_until(lambda: processes.get(pid) is None)
    with pytest.raises(ProcessLookupError):
        processes.send(pid, signal.SIGTERM, lambda _: None)


def test_a_later_process_with_the_same_pid_gets_no_signal(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start time is compared right before the signal is sent."""
    there = connect()
    pid = int(
        there.run(["sh", "-c", "nohup sleep 60 >/dev/null 2>&1 & echo $!"], timeout=10).stdout
    )
    processes = over_ssh(there).processes
    process = processes.get(pid)
    assert process is not None
    earlier = replace(process, started="1")
    monkeypatch.setattr(processes, "get", lambda _: earlier)

    with pytest.raises(ProcessLookupError):
        processes.send(pid, signal.SIGTERM, lambda _: None)

    monkeypatch.undo()
    assert processes.get(pid) == process
    processes.send(pid, signal.SIGTERM, lambda _: None)


def test_the_action_takes_key_and_host_key_as_text(
    staging: Staging,
    database: Database,
    start: Start,
    run_gate: RunGate,
    network: str,
) -> None:
    """In the container nobody has a home with keys: both are inputs, and neither is printed."""
    named, port = start("systemd")
    database.execute(MIGRATION)
    name = staging.machine.container.name
    key = staging.key.read_text()

    step = run_gate(
        EXPECTED
        | {
            "url": f"http://localhost:{port}",
            "host": f"ssh://deploy@{name}",
            "ssh-key": key,
            "ssh-known-hosts": f"{name} {staging.host_key}",
            "unit": named["unit"],
        },
        network=network,
    )

    assert (step.exit_code, step.outputs["evidence"]) == (0, "confirmed"), step.text
    assert f"connected to {name} over SSH" in step.text
    assert not any(line in step.text for line in key.splitlines() if line)


def test_a_jump_host_of_the_users_configuration_is_passed(
    staging: Staging, gate_image: str, docker_engine: Engine, network: str, tmp_path: Path
) -> None:
    """Key and known hosts are good for each machine on the way, as `ProxyJump` wants them."""
    name = staging.machine.container.name
    (tmp_path / "config").write_text(
        f"Host inner\n HostName localhost\n ProxyJump deploy@{name}\n HostKeyAlias inner\n"
    )
    known = "\n".join(f"{one} {staging.host_key}" for one in (name, "inner"))
    code = (
        "import sys; from pgrst_gate.runtimes.transports.ssh import Connection; "
        "from pgrst_gate.runtimes.transports.ssh_access import read_access; "
        "one = Connection(read_access('ssh://guest@inner', *sys.argv[1:])); "
        "print(one.run(['id', '-un'], timeout=10).stdout); one.close()"
    )
    options = [f"--network={network}", f"--label={docker_engine.label}", "--rm"]
    mounts = [f"--volume={tmp_path}/config:/root/.ssh/config:ro", "--workdir=/app"]
    command = ["docker", "run", *options, *mounts, "--entrypoint=python", gate_image, "-c", code]

    ran = subprocess.run(
        [*command, staging.key.read_text(), known], capture_output=True, text=True, check=False
    )

    assert ran.stdout.strip() == "guest", ran.stderr
