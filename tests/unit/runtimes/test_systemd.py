"""The systemd runtime: what it asks systemctl and journalctl, and what it makes of the answers."""

from __future__ import annotations

import pytest
from tests.unit.runtimes.doubles import ScriptedCommands

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes import surroundings
from pgrst_gate.runtimes.host.systemd import Systemd
from pgrst_gate.runtimes.interface import Action, Condition, Instance, Mark
from pgrst_gate.runtimes.transports.commands import NOT_FOUND, Completed

UNIT = Instance("postgrest.service", "unit postgrest.service")
OK = Completed(0)
NO_SUDO = Completed(NOT_FOUND, stderr="sudo: not found\n")
DENIED = Completed(1, stderr="Failed to restart postgrest.service: Access denied\n")

STATUS = """\
Name:\tpostgrest
State:\tS (sleeping)
Tgid:\t108
Pid:\t108
PPid:\t1
SigCgt:\t0000000000000a02
"""


def shown(*reload_commands: str, **changes: str) -> Completed:
    """Give what `systemctl show` prints of a running unit, but for the changes."""
    properties = {
        "MainPID": "108",
        "Result": "success",
        "NRestarts": "0",
        "Id": "postgrest.service",
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "CanReload": "yes" if reload_commands else "no",
        "InvocationID": "aaa",
        **changes,
    }
    lines = [f"{name}={value}" for name, value in properties.items()]
    for command in reload_commands:
        path = command.split()[0]
        lines.append(
            f"ExecReload={{ path={path} ; argv[]={command} ; ignore_errors=no ; "
            "start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
        )
    return Completed(0, "\n".join(lines) + "\n")


def machine(
    unit: Completed | list[Completed],
    *,
    sudo: Completed = NO_SUDO,
    **answers: Completed | list[Completed],
) -> ScriptedCommands:
    """Give a machine with this unit, and a postgrest as its main process."""
    return ScriptedCommands(
        {
            "sudo": sudo,
            "systemctl show": unit,
            **{f"systemctl {verb}": answer for verb, answer in answers.items()},
            "/proc/108/status": Completed(0, STATUS),
            "/proc/108/cmdline": Completed(0, "/usr/bin/postgrest\0a.conf\0"),
            "journalctl --lines=5": Completed(0, "Starting\nboom\n"),
        }
    )


def acts(commands: ScriptedCommands) -> list[str]:
    """Give what was asked of systemd besides questions."""
    asked = ("systemctl show", "cat ", "journalctl", "systemctl list-units")
    return [command for command in commands.ran if not command.startswith(asked)]


SIGNAL = "systemctl --no-ask-password kill --kill-who=main --signal=SIGUSR1 postgrest.service"
RELOAD = "systemctl --no-ask-password reload postgrest.service"


@pytest.mark.parametrize(
    ("reload_commands", "act", "sent"),
    [
        ([], SIGNAL, "SIGUSR1"),
        (["/bin/kill -SIGUSR1 $MAINPID"], RELOAD, "systemctl reload"),
        (["/usr/bin/psql -c NOTIFY"], RELOAD, "systemctl reload"),
        (["/bin/kill -HUP $MAINPID"], SIGNAL, "SIGUSR1"),
        (["/bin/kill -USR2 $MAINPID"], SIGNAL, "SIGUSR1"),
        (["/bin/kill $MAINPID"], SIGNAL, "SIGUSR1"),
        (["/bin/kill -SIGUSR1 $MAINPID", "/bin/kill -HUP $MAINPID"], SIGNAL, "SIGUSR1"),
    ],
    ids=["none", "USR1", "NOTIFY", "HUP", "USR2", "TERM", "USR1 and HUP"],
)
def test_a_reload_never_ends_the_server(reload_commands: list[str], act: str, sent: str) -> None:
    """The unit's own reload is used only if it reloads; else the main process gets SIGUSR1."""
    commands = machine(shown(*reload_commands), reload=OK, kill=OK)
    runtime = Systemd("postgrest", commands)
    (instance,) = runtime.preflight("reload")

    assert runtime.reload(instance, "SIGUSR1") == sent
    assert acts(commands) == [act]
    assert bool(instance.warnings) is (bool(reload_commands) and act == SIGNAL)


@pytest.mark.parametrize(
    ("unit", "process", "message"),
    [
        (shown(), "sh\0-c\0postgrest", "process 108 is not postgrest but `sh -c postgrest`"),
        (shown(), "docker\0run\0postgrest/postgrest", "is not postgrest but `docker run"),
        (shown(MainPID="0"), "", "has no main process to signal"),
        (
            shown(ActiveState="failed", SubState="failed", Result="exit-code", NRestarts="5"),
            "",
            r"it is failed \(failed\), Result=exit-code, restarted 5 times",
        ),
        (shown(ActiveState="inactive", SubState="dead"), "", r"it is inactive \(dead\)"),
        (shown(LoadState="masked"), "", "systemd calls it masked"),
    ],
    ids=["a shell", "a docker client", "no main process", "failed", "stopped", "masked"],
)
def test_a_reload_that_cannot_be_is_refused(unit: Completed, process: str, message: str) -> None:
    """Before anything is sent it is said why the unit cannot reload."""
    commands = machine(unit)
    name = process.split("\0", 1)[0]
    commands.answers["/proc/108/status"] = Completed(0, STATUS.replace("postgrest", name))
    commands.answers["/proc/108/cmdline"] = Completed(0, process)

    with pytest.raises(NotRefreshed, match=message):
        Systemd("postgrest", commands).preflight("reload")

    assert acts(commands) == []


def test_a_reload_of_another_kind_needs_no_server_as_main_process() -> None:
    """A unit that runs a client of the server may know how to reload it."""
    commands = machine(shown("/usr/bin/psql -c NOTIFY"), reload=OK)
    commands.answers["/proc/108/cmdline"] = Completed(0, "docker\0run\0")
    runtime = Systemd("postgrest", commands)
    (instance,) = runtime.preflight("reload")

    assert runtime.reload(instance, "SIGUSR1") == "systemctl reload"


def test_an_unreadable_process_is_no_obstacle() -> None:
    """Where /proc may not be read, systemd's word on the main process counts."""
    commands = machine(shown(), kill=OK)
    commands.answers["/proc/108/status"] = Completed(1, stderr="cat: Permission denied")
    runtime = Systemd("postgrest", commands)
    (instance,) = runtime.preflight("reload")

    assert runtime.reload(instance, "SIGUSR1") == "SIGUSR1"


@pytest.mark.parametrize(
    ("commands", "message", "hint"),
    [
        (ScriptedCommands({}), "there is no systemctl here", "container"),
        (
            machine(Completed(1, stderr="System has not been booted with systemd as init system")),
            "systemd does not answer: System has not been booted",
            "started by systemd",
        ),
        (
            machine(
                shown(LoadState="not-found", Id="postgrst.service"),
                **{"list-units": Completed(0, "cron.service loaded\npostgrest.service loaded\n")},
            ),
            "there is no unit postgrst",
            "there is postgrest.service",
        ),
        (
            machine(Completed(0), **{"list-units": Completed(0, "cron.service loaded\n")}),
            "there is no unit postgrst",
            "shows what there is",
        ),
    ],
    ids=["no systemctl", "not booted", "a typo", "a pattern"],
)
def test_what_is_not_there_is_explained(
    monkeypatch: pytest.MonkeyPatch, commands: ScriptedCommands, message: str, hint: str
) -> None:
    """No systemd, and no such unit, each have their own words and way out."""
    monkeypatch.setattr(surroundings, "in_container", lambda: False)

    with pytest.raises(NotRefreshed, match=message) as refused:
        Systemd("postgrst", commands).preflight("reload")

    assert hint in refused.value.hint


def test_in_a_container_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, where the machine's systemd is hidden, the hint says so."""
    monkeypatch.setattr(surroundings, "in_container", lambda: True)

    with pytest.raises(NotRefreshed) as refused:
        Systemd("postgrest", ScriptedCommands({})).preflight("restart")

    assert "cannot see the machine's systemd" in refused.value.hint


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("reload", "systemd did not permit `systemctl kill .*: Failed to kill unit"),
        ("restart", "systemd did not permit `systemctl restart .*: Failed to restart"),
    ],
)
def test_a_missing_privilege_has_a_way_out(action: Action, message: str) -> None:
    """What systemd denies is told apart from what failed."""
    commands = machine(
        shown(),
        kill=Completed(1, stderr="Failed to kill unit postgrest.service: Access denied\n"),
        restart=Completed(
            1, stderr="Failed to restart postgrest.service: Interactive authentication required.\n"
        ),
    )
    runtime = Systemd("postgrest", commands)
    acting = {
        "reload": lambda: runtime.reload(UNIT, "SIGUSR1"),
        "restart": lambda: runtime.restart(UNIT),
    }

    with pytest.raises(NotRefreshed, match=message) as refused:
        acting[action]()

    assert "polkit" in refused.value.hint


def test_sudo_without_a_password_is_used_where_systemd_denies() -> None:
    """The same command is done by sudo, which is asked not to ask."""
    commands = machine([shown(), shown(InvocationID="bbb")], restart=DENIED, sudo=OK)

    assert Systemd("postgrest", commands).restart(UNIT) == "systemctl restart"

    assert acts(commands)[-1] == "sudo -n systemctl restart postgrest.service"


@pytest.mark.parametrize(
    "said",
    [
        "sudo: a password is required\n",
        "Sorry, user deploy is not allowed to execute '/usr/bin/systemctl' as root on staging.\n",
    ],
)
def test_where_sudo_asks_the_line_for_sudoers_is_told(said: str) -> None:
    """What systemd and sudo said is shown, and the rule that permits this and nothing else."""
    commands = machine(shown(), kill=DENIED, sudo=Completed(1, stderr=said))

    with pytest.raises(NotRefreshed, match=f"Access denied; and sudo: .*{said[6:20]}") as refused:
        Systemd("postgrest", commands).reload(UNIT, "SIGUSR1")

    rule = r"NOPASSWD: /usr/bin/systemctl kill --kill-who\=main --signal\=SIGUSR1 postgrest.service"
    assert rule in refused.value.hint


def test_what_sudo_was_let_do_and_failed_is_a_failure_of_systemd() -> None:
    """A job that fails as root is not mistaken for a lack of rights."""
    failed = Completed(1, stderr="Job for postgrest.service failed.\n")
    commands = machine(shown(), restart=DENIED, sudo=failed)

    with pytest.raises(NotRefreshed, match=r"failed: Job for postgrest\.service failed\.; its"):
        Systemd("postgrest", commands).restart(UNIT)


@pytest.mark.parametrize(
    ("after", "job", "message"),
    [
        (shown(), OK, "was not restarted: it is the same invocation"),
        (
            shown(InvocationID="bbb", ActiveState="failed", SubState="failed", Result="exit-code"),
            OK,
            r"was restarted and is failed \(failed\), Result=exit-code; its journal .* / boom",
        ),
        (
            shown(InvocationID="bbb", ActiveState="activating", SubState="auto-restart"),
            OK,
            r"was restarted and is activating \(auto-restart\)",
        ),
        (
            shown(),
            Completed(1, stderr="Job for postgrest.service failed.\nSee journalctl"),
            "`systemctl restart postgrest.service` failed: Job for postgrest.service failed.; its",
        ),
    ],
    ids=["same invocation", "failed", "starting again", "job failed"],
)
def test_a_restart_that_did_not_happen_is_an_error(
    after: Completed, job: Completed, message: str
) -> None:
    """The job's result, a new invocation and an active unit make a restart; nothing less does."""
    commands = machine([shown(), after], restart=job)

    with pytest.raises(NotRefreshed, match=message):
        Systemd("postgrest", commands).restart(UNIT)


def test_a_restart_is_seen_by_the_invocation() -> None:
    """A restart that systemd has done shows a new invocation."""
    commands = machine([shown(), shown(InvocationID="bbb")], restart=OK)
    runtime = Systemd("postgrest", commands)

    assert runtime.restart(UNIT) == "systemctl restart"
    assert acts(commands) == ["systemctl --no-ask-password restart postgrest.service"]
    assert runtime.mark(UNIT).started == "bbb"


@pytest.mark.parametrize("state", ["inactive", "failed", "active"])
def test_a_restart_takes_more_than_a_reload(state: str) -> None:
    """A unit that is down can be restarted, which is said."""
    runtime = Systemd("postgrest", machine(shown(ActiveState=state, SubState="x")))

    (instance,) = runtime.preflight("restart")

    expected = (
        ()
        if state == "active"
        else (f"unit postgrest.service is {state} (x): the restart will start it",)
    )
    assert instance.warnings == expected


def test_a_pattern_names_several_units() -> None:
    """Each loaded unit of a pattern is an instance."""
    both = shown(Id="postgrest@1.service").stdout + "\n" + shown(Id="postgrest@2.service").stdout

    found = Systemd("postgrest@*", machine(Completed(0, both))).preflight("restart")

    assert [instance.key for instance in found] == ["postgrest@1.service", "postgrest@2.service"]


def test_the_log_begins_at_the_mark() -> None:
    """The journal is read from the cursor on, for this unit."""
    commands = machine(shown())
    commands.answers = {
        "journalctl --show-cursor": Completed(0, "-- cursor: s=2;i=35\n"),
        "journalctl --after-cursor=s=2;i=35 --unit=postgrest.service": Completed(0, "a\nb\n"),
        **commands.answers,
    }
    runtime = Systemd("postgrest", commands)

    mark = runtime.mark(UNIT)

    assert mark == Mark("aaa", "s=2;i=35")
    assert runtime.log_since(UNIT, mark) == ("a", "b")


def test_a_journal_that_may_not_be_read_is_no_obstacle() -> None:
    """Without permission for the journal there is no log, and no error."""
    commands = machine(shown())
    commands.answers["journalctl"] = Completed(1, stderr="No journal files were opened")
    runtime = Systemd("postgrest", commands)

    mark = runtime.mark(UNIT)

    assert mark == Mark("aaa", "")
    assert runtime.log_since(UNIT, mark) == ()


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (shown(), Condition()),
        (
            shown(ActiveState="failed", SubState="failed", Result="exit-code"),
            Condition("unit postgrest.service is failed (failed), Result=exit-code", hopeless=True),
        ),
        (
            shown(ActiveState="inactive", SubState="dead"),
            Condition("unit postgrest.service is inactive (dead)", hopeless=True),
        ),
        (
            shown(ActiveState="activating", SubState="auto-restart", NRestarts="3"),
            Condition("unit postgrest.service is activating (auto-restart), restarted 3 times"),
        ),
    ],
    ids=["well", "failed", "stopped", "crash loop"],
)
def test_waiting_stops_where_it_cannot_help(unit: Completed, expected: Condition) -> None:
    """A unit that systemd will not start again is hopeless; one that it is starting is not."""
    assert Systemd("postgrest", machine(unit)).condition(UNIT) == expected
