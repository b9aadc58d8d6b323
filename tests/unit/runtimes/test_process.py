"""The process runtime: which process it acts on, and which it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from signal import SIGHUP, SIGUSR1

import pytest
from tests.unit.runtimes.doubles import (
    ProcessTable,
    ScriptedCommands,
    old_server,
    process,
    server,
)

from pgrst_gate.errors import GateError, NotRefreshed, UsageError
from pgrst_gate.runtimes import surroundings
from pgrst_gate.runtimes.host import process as module
from pgrst_gate.runtimes.host.process import Process
from pgrst_gate.runtimes.interface import Action, Condition
from pgrst_gate.runtimes.transports.commands import Completed


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "in_container", lambda: False)


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    """A pid file that names process 7."""
    path = tmp_path / "postgrest.pid"
    path.write_text("7\n")
    return path


@pytest.mark.parametrize("way", ["pid", "pid file", "name"])
def test_a_reload_signals_the_server_alone(way: str, pid_file: Path) -> None:
    """However it is found, the server gets one SIGUSR1, and its neighbours nothing."""
    table = ProcessTable([process(3, "vim", "postgrest"), server(7), process(8, "sleep", "1")])
    runtime = Process(
        7 if way == "pid" else None, str(pid_file) if way == "pid file" else "", processes=table
    )

    (instance,) = runtime.preflight("reload")
    receipt = runtime.reload(instance, "SIGUSR1")

    assert instance.name == "process 7 (postgrest pg.conf)"
    assert receipt == "SIGUSR1"
    assert table.sent == [(7, SIGUSR1)]


def test_all_of_a_name_are_instances() -> None:
    """Several servers of one name are several instances, each signalled by itself."""
    table = ProcessTable([server(7), server(9)])
    runtime = Process(processes=table)

    for instance in runtime.preflight("reload"):
        runtime.reload(instance, "SIGUSR1")

    assert table.sent == [(7, SIGUSR1), (9, SIGUSR1)]


def test_another_name_is_looked_for() -> None:
    """A server whose program has a name of its own is found by it."""
    table = ProcessTable([replace(server(7), argv=("rest-api",), comm="rest-api", exe="")])

    (instance,) = Process(process_name="rest-api", processes=table).preflight("reload")

    assert instance.key == "7"


@pytest.mark.parametrize(
    ("runtime", "message", "hint"),
    [
        (Process(8), "process 8 is not postgrest but `sleep 60`; nothing was sent", "wrapper"),
        (Process(9), "process 9 .* has no handler for SIGUSR1", "database-url"),
        (Process(6), "process 6 belongs to another user", "root"),
        (Process(99), "no process has the pid 99", "ended"),
        (Process(process_name="rest"), "no process .* is called rest", "its name is in process 7"),
        (Process(process_name="zzz"), "no process of this machine is called zzz", "is the server"),
        (Process(pid_file="/nowhere/pid"), "pid file /nowhere/pid cannot be read: No such", "up"),
    ],
)
def test_a_reload_that_cannot_be_is_refused(runtime: Process, message: str, hint: str) -> None:
    """Before anything is sent it is said what is wrong with the process, and what to do."""
    table = ProcessTable(
        [server(7), process(8, "sleep", "60"), process(9, "postgrest"), server(6)],
        foreign=frozenset({6}),
    )
    runtime._processes = table  # noqa: SLF001 # one table for all rows

    with pytest.raises(NotRefreshed, match=message) as refused:
        runtime.preflight("reload")

    assert hint in refused.value.hint
    assert table.sent == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "should hold a pid and holds nothing"),
        ("postgrest\n", "should hold a pid and holds `postgrest`"),
        ("-7", "should hold a pid and holds `-7`"),
        ("0", "should hold a pid and holds `0`"),
        ("99\n", r"no process has the pid 99: .*postgrest\.pid is stale"),
    ],
)
def test_a_bad_pid_file_is_named(pid_file: Path, content: str, message: str) -> None:
    """A pid file that is empty, no pid, or out of date is told by its path and content."""
    pid_file.write_text(content)

    with pytest.raises(NotRefreshed, match=message):
        Process(pid_file=str(pid_file), processes=ProcessTable([server(7)])).preflight("reload")


def test_in_a_container_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, where the machine's processes are hidden, the hint says so."""
    monkeypatch.setattr(surroundings, "in_container", lambda: True)

    with pytest.raises(NotRefreshed) as refused:
        Process(7, processes=ProcessTable([])).preflight("reload")

    assert "cannot see the machine's processes" in refused.value.hint


def test_a_process_that_was_replaced_before_the_signal_is_left_alone() -> None:
    """When another program has got the pid between preflight and signal, nothing is sent."""
    table = ProcessTable([server(7)])
    runtime = Process(7, processes=table)
    (instance,) = runtime.preflight("reload")
    table.running = [process(7, "sleep", "60")]

    with pytest.raises(NotRefreshed, match="has ended"):
        runtime.reload(instance, "SIGUSR1")

    assert table.sent == []


def test_sighup_reaches_only_a_server_that_handles_it() -> None:
    """SIGHUP goes to a PostgREST of old, and never to one that it would end."""
    table = ProcessTable([old_server(5), server(7)])
    runtime = Process(processes=table)
    old, new = runtime.preflight("reload")

    runtime.reload(old, "SIGHUP")
    with pytest.raises(NotRefreshed, match="no handler for SIGHUP"):
        runtime.reload(new, "SIGHUP")

    assert table.sent == [(5, SIGHUP)]


class Restarts(ScriptedCommands):
    """A restart command that changes the process table."""

    def __init__(self, table: ProcessTable, after: Sequence[int], exit_code: int = 0) -> None:
        super().__init__({"restart-it": Completed(exit_code, stderr="usage\nno such service\n")})
        self._table, self._after = table, after

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run and change."""
        self._table.running = [server(pid, started="200") for pid in self._after]
        return super().run(argv, timeout=timeout)


@pytest.mark.parametrize("way", ["pid", "pid file", "name"])
def test_a_restart_is_seen_by_its_new_process(way: str, pid_file: Path) -> None:
    """After the restart command the new process is the instance, with a new start mark."""
    table = ProcessTable([server(7)])
    new_pid = 7 if way == "pid file" else 12  # a pid may come again; its start time does not
    commands = Restarts(table, [new_pid])
    runtime = Process(
        7 if way == "pid" else None,
        str(pid_file) if way == "pid file" else "",
        restart_command="restart-it 'my api'",
        processes=table,
        commands=commands,
    )
    (instance,) = runtime.preflight("restart")
    before = runtime.mark(instance)

    receipt = runtime.restart(instance)

    assert receipt == "restart-it 'my api'"
    assert commands.ran == ["restart-it my api"]
    assert runtime.mark(instance).started not in {"", before.started}
    assert runtime.condition(instance) == Condition()


@pytest.mark.parametrize(
    ("after", "exit_code", "message"),
    [
        ([7], 1, "`restart-it` ended with exit code 1: no such service"),
        ([], 0, "`restart-it` succeeded, but no new postgrest process appeared"),
    ],
)
def test_a_restart_that_did_not_happen_is_an_error(
    monkeypatch: pytest.MonkeyPatch, after: list[int], exit_code: int, message: str
) -> None:
    """A failing command, or one after which no new process is there, is not a restart."""
    monkeypatch.setattr(module, "APPEAR_SECONDS", 0.01)
    table = ProcessTable([server(7)])
    runtime = Process(
        7,
        restart_command="restart-it",
        processes=table,
        commands=Restarts(table, after, exit_code),
    )
    (instance,) = runtime.preflight("restart")

    with pytest.raises(NotRefreshed, match=message):
        runtime.restart(instance)


@pytest.mark.parametrize(
    ("command", "running", "message"),
    [
        ("", [7], "no service manager that could restart it"),
        ("restart-it", [7, 9], "restarts one process, and 2 are called postgrest"),
    ],
)
def test_a_restart_needs_a_command_for_one_process(
    command: str, running: list[int], message: str
) -> None:
    """Without a command, or with several processes to restart by it, nothing is run."""
    table = ProcessTable([server(pid) for pid in running])

    with pytest.raises(NotRefreshed, match=message):
        Process(restart_command=command, processes=table).preflight("restart")


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("pid", Condition("process 7 (postgrest pg.conf) has ended", hopeless=True)),
        ("pid file", Condition("process 7 (postgrest pg.conf) has ended")),
        ("name", Condition("process 7 (postgrest pg.conf) has ended")),
    ],
)
def test_a_pid_does_not_come_back(way: str, expected: Condition, pid_file: Path) -> None:
    """A server known by its pid is gone for good; by file or name its successor may come."""
    table = ProcessTable([server(7)])
    runtime = Process(
        7 if way == "pid" else None, str(pid_file) if way == "pid file" else "", processes=table
    )
    (instance,) = runtime.preflight("reload")
    table.running = []

    assert runtime.condition(instance) == expected


def test_a_supervised_server_is_found_again() -> None:
    """A server that a supervisor has started anew is the same instance with another mark."""
    table = ProcessTable([server(7)])
    runtime = Process(processes=table)
    (instance,) = runtime.preflight("reload")
    before = runtime.mark(instance)
    table.running = [server(12)]

    assert runtime.mark(instance).started not in {"", before.started}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pid": 7, "pid_file": "x"}, "both `pid` and `pid-file`"),
        ({"restart_command": "restart 'it"}, "cannot be split into words: No closing quotation"),
    ],
)
def test_contradictory_inputs_are_refused(arguments: dict[str, object], message: str) -> None:
    """Inputs that cannot be meant are refused before anything is looked for."""
    with pytest.raises(UsageError, match=message):
        Process(**arguments)  # type: ignore[arg-type] # the table's columns differ in type


@pytest.mark.parametrize("action", ["reload", "restart"])
def test_a_stranger_is_refused_for_every_action(action: Action) -> None:
    """A pid that is not PostgREST's is refused for restarts as well."""
    table = ProcessTable([process(8, "sleep", "60")])

    with pytest.raises(GateError, match="is not postgrest"):
        Process(8, restart_command="x", processes=table).preflight(action)
