"""PostgREST as a systemd unit: `systemctl` and `journalctl`, here or wherever the commands run.

A unit's own ExecReload is not trusted blindly: many send SIGHUP, which ends every PostgREST since
6, and systemd counts such an end as clean, so `Restart=on-failure` does not bring the server back.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.host.processes import RunningProcess, ensure_reloads, read_proc
from pgrst_gate.runtimes.host.unit import PROPERTIES, Unit, read_unit, signal_sent
from pgrst_gate.runtimes.interface import (
    Action,
    Address,
    Condition,
    Instance,
    Mark,
    ReloadSignal,
    RuntimeName,
)
from pgrst_gate.runtimes.surroundings import HERE, Place
from pgrst_gate.runtimes.transports.commands import NOT_FOUND, Commands, Completed, LocalCommands

ASK_SECONDS: Final = 30.0
"""How long a question, a signal or a reload may take."""
RESTART_SECONDS: Final = 180.0
"""How long a restart may take: systemd itself gives the stop 90 s and the start 90 s."""
LOG_LINES: Final = 2000

_CURSOR: Final = "-- cursor: "
_DENIED: Final = re.compile(r"access denied|authentication required|not permitted", re.IGNORECASE)
_SUDO_REFUSED: Final = re.compile(
    r"^sudo: |is not in the sudoers file|is not allowed to", re.MULTILINE
)


class Systemd:
    """A unit by its name (`.service` may be left out), or all loaded units of a pattern."""

    name: Final[RuntimeName] = "systemd"

    def __init__(self, unit: str, commands: Commands | None = None, place: Place = HERE) -> None:
        self._wanted = unit
        self._commands = commands or LocalCommands()
        self._place = place

    def preflight(self, action: Action) -> tuple[Instance, ...]:
        """As `Runtime.preflight`. That systemd permits the action shows only when it is asked."""
        units = self._show(self._wanted)
        missing = [unit for unit in units if unit.load_state == "not-found"]
        if missing or not units:
            raise NotRefreshed(f"there is no unit {self._wanted}", hint=self._nearest())
        return tuple(Instance(u.name, str(u), self._warnings(u, action)) for u in units)

    def mark(self, instance: Instance) -> Mark:
        """As `Runtime.mark`: the invocation, and the journal's end where that may be read."""
        tail = self._run("journalctl", "--no-pager", "-n", "0", "--show-cursor")
        cursor = tail.stdout.rpartition(_CURSOR)[2].strip() if _CURSOR in tail.stdout else ""
        return Mark(self._unit(instance).invocation, cursor)

    def reload(self, instance: Instance, signal: ReloadSignal) -> str:
        """As `Runtime.reload`: by ExecReload where that is safe, else to the main process."""
        unit = self._unit(instance)
        self._ensure_reloads(unit, signal)
        if unit.reloads_by(signal):
            self._act(unit, ("reload", unit.name), ASK_SECONDS)
            return "systemctl reload"
        # Since systemd 252 it is --kill-whom, which this abbreviates.
        self._act(unit, ("kill", "--kill-who=main", f"--signal={signal}", unit.name), ASK_SECONDS)
        return signal

    def restart(self, instance: Instance) -> str:
        """As `Runtime.restart`: the job must succeed and make a new, active invocation."""
        before = self._unit(instance)
        self._act(before, ("restart", before.name), RESTART_SECONDS)
        after = self._unit(instance)
        if after.active_state != "active":
            raise self._failed(after, f"{after} was restarted and is {after.state}")
        if after.invocation == before.invocation:
            raise self._failed(after, f"{after} was not restarted: it is the same invocation")
        return "systemctl restart"

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        """None: a unit is one process, and `url` is its address."""
        del instance
        return ()

    def log_since(self, instance: Instance, mark: Mark) -> tuple[str, ...]:
        """As `Runtime.log_since`; the last 2,000 lines at most, systemd's own among them."""
        if not mark.log_position:
            return ()
        return self._journal(instance.key, LOG_LINES, f"--after-cursor={mark.log_position}")

    def condition(self, instance: Instance) -> Condition:
        """As `Runtime.condition`; while systemd starts it again it may come back."""
        unit = self._unit(instance)
        if unit.active_state == "active":
            return Condition()
        coming = unit.active_state in {"activating", "reloading", "deactivating"}
        return Condition(f"{unit} is {unit.state}", hopeless=not coming)

    def close(self) -> None:
        """Nothing was opened."""

    def _warnings(self, unit: Unit, action: Action) -> tuple[str, ...]:
        """Raise unless the action can be done; give what is to be said."""
        if unit.load_state != "loaded":
            raise NotRefreshed(
                f"{unit} cannot be used: systemd calls it {unit.load_state}",
                hint=f"see `systemctl status {unit.name}`",
            )
        if action == "restart":
            up = unit.active_state == "active"
            return () if up else (f"{unit} is {unit.state}: the restart will start it",)
        if unit.active_state != "active":
            raise NotRefreshed(
                f"{unit} cannot reload: it is {unit.state}",
                hint=f"`systemctl start {unit.name}`, or use `method: restart`",
            )
        self._ensure_reloads(unit, "SIGUSR1")
        if unit.reload_commands and not unit.reloads_by("SIGUSR1"):
            commands = "; ".join(unit.reload_commands)
            instead = "it is not used, SIGUSR1 goes to the main process instead"
            return (f"{unit}: `{commands}` in ExecReload does not reload PostgREST; {instead}",)
        return ()

    def _ensure_reloads(self, unit: Unit, signal: ReloadSignal) -> None:
        """Raise unless the main process is a PostgREST that takes the signal, if /proc tells.

        A unit with a reload command of another kind knows better: its main process may be a client
        of the real server.
        """
        if unit.reloads_by(signal) and not all(map(signal_sent, unit.reload_commands)):
            return
        if not unit.main_pid:
            raise NotRefreshed(
                f"{unit} has no main process to signal",
                hint="use `method: restart`, or give the unit an ExecReload",
            )
        process = self._main_process(unit)
        if process is not None:
            ensure_reloads(process, signal)

    def _main_process(self, unit: Unit) -> RunningProcess | None:
        home = f"/proc/{unit.main_pid}"
        status = self._run("cat", f"{home}/status")
        cmdline = self._run("cat", f"{home}/cmdline")
        if status.exit_code or cmdline.exit_code:
            return None
        return read_proc(status.stdout, cmdline.stdout)

    def _unit(self, instance: Instance) -> Unit:
        units = self._show(instance.key)
        if not units:
            raise NotRefreshed(f"{instance.name} is gone", hint="was the unit removed?")
        return units[0]

    def _show(self, unit: str) -> tuple[Unit, ...]:
        """The units of the name or pattern; one that is not found has that as its load state."""
        shown = self._run("systemctl", "show", f"--property={PROPERTIES}", "--", unit)
        if shown.exit_code == NOT_FOUND:
            raise NotRefreshed(
                f"there is no systemctl {self._place.here}, so no systemd",
                hint=self._place.hidden("systemd")
                or "name a `container`, a `pid-file`, a `process-name` or a `database-url`",
            )
        if shown.exit_code:
            raise NotRefreshed(
                f"systemd does not answer: {shown.stderr.strip()}",
                hint=self._place.hidden("systemd") or f"was {self._place} started by systemd?",
            )
        return tuple(read_unit(block) for block in shown.stdout.split("\n\n") if block.strip())

    def _nearest(self) -> str:
        listed = self._run(
            "systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=service"
        )
        names = [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]
        wanted = self._wanted if self._wanted.endswith(".service") else f"{self._wanted}.service"
        alike = difflib.get_close_matches(wanted, names, cutoff=0.7)
        nearest = dict.fromkeys([name for name in names if "postgrest" in name] + alike)
        if not nearest:
            return (
                self._place.hidden("systemd")
                or "`systemctl list-units --type=service` shows what there is"
            )
        return f"there is {', '.join(list(nearest)[:5])}"

    def _act(self, unit: Unit, argv: Sequence[str], seconds: float) -> None:
        """Have systemd do it; by sudo without a password where this user alone may not."""
        # Without the option systemctl would ask whoever sits at the terminal for a password.
        done = self._run("systemctl", "--no-ask-password", *argv, seconds=seconds)
        if not done.exit_code:
            return
        said = done.stderr.strip() or f"exit code {done.exit_code}"
        command = f"systemctl {' '.join(argv)}"
        if _DENIED.search(said):
            done = self._run("sudo", "-n", "systemctl", *argv, seconds=seconds)
            if not done.exit_code:
                return
            if done.exit_code == NOT_FOUND or _SUDO_REFUSED.search(done.stderr):
                raise _not_permitted(command, said, done)
            said = done.stderr.strip() or f"exit code {done.exit_code}"
        raise self._failed(unit, f"`{command}` failed: {said.splitlines()[0]}")

    def _failed(self, unit: Unit, message: str) -> NotRefreshed:
        lines = self._journal(unit.name, 5)
        log = f"; its journal ends with: {' / '.join(lines)}" if lines else ""
        return NotRefreshed(message + log, hint=f"journalctl -u {unit.name}")

    def _journal(self, name: str, last: int, *options: str) -> tuple[str, ...]:
        """The last lines; none where they may not be read."""
        how = ("--no-pager", "--quiet", "--output=cat", f"--lines={last}", *options)
        journal = self._run("journalctl", *how, f"--unit={name}")
        return () if journal.exit_code else tuple(journal.stdout.splitlines())

    def _run(self, *argv: str, seconds: float = ASK_SECONDS) -> Completed:
        return self._commands.run(argv, timeout=seconds)


def _not_permitted(command: str, denied: str, sudo: Completed) -> NotRefreshed:
    """Neither systemd nor sudo let the user do it; nothing was done."""
    refused = f"`{command}`: {denied.splitlines()[0]}"
    if sudo.exit_code == NOT_FOUND:
        return NotRefreshed(
            f"systemd did not permit {refused}",
            hint="do it as root, or permit this user the action"
            " org.freedesktop.systemd1.manage-units by a polkit rule",
        )
    return NotRefreshed(
        f"systemd did not permit {refused}; and sudo: {sudo.said.removeprefix('sudo: ')}",
        hint="do it as root, or permit this user the one command by a line in /etc/sudoers.d/:"
        f" `<user> ALL=(root) NOPASSWD: /usr/bin/{_escaped(command)}`; or by a polkit rule for the"
        " action org.freedesktop.systemd1.manage-units",
    )


def _escaped(command: str) -> str:
    """As sudoers(5) wants the arguments of a command, in which these characters mean something."""
    return re.sub(r"([,:=\\])", r"\\\1", command)
