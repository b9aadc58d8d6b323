"""What systemd tells of a unit."""

from __future__ import annotations

import pytest

from pgrst_gate.runtimes.host.unit import read_unit, signal_sent

SHOWN = """\
MainPID=108
Result=exit-code
NRestarts=3
ExecReload={ path=/bin/sh ; argv[]=/bin/sh -c kill -HUP $MAINPID ; ignore_errors=no ; pid=0 }
ExecReload={ path=/bin/two ; argv[]=/bin/two ; ignore_errors=yes ; pid=0 ; status=0/0 }
Id=postgrest.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
CanReload=yes
InvocationID=aaa
"""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/bin/kill -HUP $MAINPID", "SIGHUP"),
        ("/bin/kill -s HUP $MAINPID", "SIGHUP"),
        ("/bin/kill -sHUP $MAINPID", "SIGHUP"),
        ("/bin/kill --signal HUP $MAINPID", "SIGHUP"),
        ("/bin/kill --signal=SIGHUP $MAINPID", "SIGHUP"),
        ("/bin/kill -1 $MAINPID", "SIGHUP"),
        ("/bin/kill -n 1 $MAINPID", "SIGHUP"),
        ("/bin/sh -c kill -hup $MAINPID", "SIGHUP"),
        ("/usr/bin/killall -HUP postgrest", "SIGHUP"),
        ("/usr/bin/pkill -x postgrest -SIGUSR1", "SIGUSR1"),
        ("/bin/kill -SIGUSR1 $MAINPID", "SIGUSR1"),
        ("/usr/bin/docker kill -s USR1 postgrest", "SIGUSR1"),
        ("/bin/kill -USR2 $MAINPID", "SIGUSR2"),
        ("/bin/kill $MAINPID", "SIGTERM"),
        ("/bin/kill -99 $MAINPID", "SIGTERM"),
        ("/usr/bin/psql -c NOTIFY pgrst", ""),
        ("/usr/local/bin/overkill-reload -HUP", ""),
    ],
)
def test_the_signal_of_a_reload_command_is_read(command: str, expected: str) -> None:
    """However a reload command spells its signal, it is known which one it sends."""
    assert signal_sent(command) == expected


def test_a_unit_is_read() -> None:
    """All commands of ExecReload are read, however often it is given."""
    unit = read_unit(SHOWN)

    assert unit.reload_commands == ("/bin/sh -c kill -HUP $MAINPID", "/bin/two")
    assert (unit.name, unit.main_pid, unit.invocation) == ("postgrest.service", 108, "aaa")
    assert unit.state == "activating (auto-restart), Result=exit-code, restarted 3 times"


def test_a_unit_that_cannot_reload_has_no_reload_commands() -> None:
    """ExecReload counts only where systemd says that the unit can be reloaded."""
    assert read_unit(SHOWN.replace("CanReload=yes", "CanReload=no")).reload_commands == ()


def test_an_unknown_unit_has_a_few_properties() -> None:
    """Of a unit that does not exist, and by an old systemd, less is told."""
    unit = read_unit("Id=x.service\nLoadState=not-found\nActiveState=inactive\n")

    assert (unit.load_state, unit.main_pid, unit.restarts) == ("not-found", 0, 0)
