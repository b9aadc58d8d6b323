"""One OpenSSH connection to the machine that the server is on, shared by all that a run does there.

The first ssh process is the master of it; each command and each forward is a further one, which
only talks to the master (ControlMaster, ssh_config(5)), so that a host asks for a log-in once.
"""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from pgrst_gate.errors import NotRefreshed, UsageError
from pgrst_gate.runtimes.transports.commands import NOT_FOUND, Completed, completed
from pgrst_gate.runtimes.transports.ssh_access import Access, lay_out
from pgrst_gate.runtimes.transports.ssh_refusals import Offered, refusal

OPEN_SECONDS: Final = 30.0
"""How long connecting may take, with the log-in, and the jump hosts on the way."""
ASK_SECONDS: Final = 15.0
"""How long the local programs of OpenSSH may take."""
LOST: Final = 255
"""The exit code of ssh itself when it fails, see ssh(1); a remote command hardly ever has it."""

_CLOSE_SECONDS: Final = 2.0
# What a user's configuration may hold for a terminal, and what would be in the way here.
_PLAIN: Final = (
    *("-T", "-o", "RemoteCommand=none", "-o", "PermitLocalCommand=no", "-o", "ForwardAgent=no"),
    *("-o", "ForwardX11=no", "-o", "ClearAllForwardings=yes", "-o", "ControlPersist=no"),
)

_FOLDER_CHARACTERS: Final = 70
"""The path of a socket has 104 characters at most on macOS, 108 on Linux; `/control`, and 17 that
ssh adds while it makes it, are for the names in the folder."""


class Connection:
    """Opens when it is first needed, and again when it broke. `close` ends all of it."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._folder: Path | None = None
        self._master: subprocess.Popen[bytes] | None = None
        self._public_key = ""
        self._forwards: list[str] = []

    @property
    def name(self) -> str:
        """The machine, for people."""
        return self._access.name

    @property
    def user(self) -> str:
        """Who logs in there, for people."""
        return self._access.user

    def open(self) -> None:
        """Connect, if it is not connected.

        Raises `NotRefreshed` with ssh's own words, and `UsageError` for a key that is none.
        """
        if self._master is not None and self._master.poll() is None:
            return
        if self._folder is None:
            self._folder = _folder()
            lay_out(self._folder, self._access)
            self._public_key = self._read_key() if self._access.key else ""
        self._connect(self._folder)
        for forward in self._forwards:
            self._control("forward", "-L", forward)

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run a program on the other machine; as `Commands.run`.

        On time-out it is left to itself there: SSH has no way to end it without a terminal.
        """
        self.open()
        # The server hands one string to the user's shell (RFC 4254, 6.5; do_child in OpenSSH's
        # session.c), so each word is quoted for it: no value is ever read as shell text.
        command = [*self._shared(), *_PLAIN, "--", self._access.host, shlex.join(argv)]
        try:
            ended = completed(command, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise NotRefreshed(
                f"`{' '.join(argv)}` did not end within {timeout:g} s on {self.name}",
                hint="it may still run there",
            ) from error
        if ended.exit_code == LOST and (self._is_lost() or "mux_client" in ended.stderr):
            raise NotRefreshed(
                f"the SSH connection to {self.name} failed in the middle of `{' '.join(argv)}`:"
                f" {self._said() or ended.said}",
                hint="whether that was done is not known; see the log of sshd there",
            )
        return ended

    def forward_port(self, host: str, port: int) -> int:
        """A port of 127.0.0.1 here that leads to a port as the other machine sees it."""
        self.open()
        wanted = f"[{host}]" if ":" in host else host
        said = ""
        for _ in range(5):  # another program may have taken the port in between
            local = _free_port()
            forward = f"127.0.0.1:{local}:{wanted}:{port}"
            asked = self._control("forward", "-L", forward)
            if not asked.exit_code:
                self._forwards.append(forward)
                return local
            said = asked.said
        raise self._no_forward(f"port {port}", said)

    def forward_socket(self, path: str) -> Path:
        """A socket here that leads to a socket of the other machine."""
        self.open()
        assert self._folder is not None  # noqa: S101  # it is connected
        local = self._folder / Path(path).name
        local.unlink(missing_ok=True)
        forward = f"{local}:{path}"
        asked = self._control("forward", "-L", forward)
        if asked.exit_code:
            raise self._no_forward(path, asked.said)
        self._forwards.append(forward)
        return local

    def close(self) -> None:
        """End the connection and all that goes through it, and remove the private files."""
        self._end()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._forwards.clear()

    def _end(self) -> None:
        master, self._master = self._master, None
        if master is None:
            return
        if master.stdin:
            with suppress(OSError):
                master.stdin.close()
        master.terminate()
        try:
            master.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            master.kill()
            master.wait()

    def _connect(self, folder: Path) -> None:
        self._end()
        control = folder / "control"
        control.unlink(missing_ok=True)
        # `cat` ends when this process does, however it ends, and the connection with it.
        command = [*self._configured(), *_PLAIN, "-o", "ControlMaster=yes", "--"]
        with (folder / "said").open("wb") as said:
            try:
                master = self._master = subprocess.Popen(
                    [*command, self._access.host, "cat"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,  # an interrupt at the terminal is not for it
                )
            except FileNotFoundError as error:
                raise _no_client() from error
        give_up = time.monotonic() + OPEN_SECONDS
        while not control.exists():
            if master.poll() is not None:
                raise refusal(self._access, self._said(), self._public_key, self._offered)
            if time.monotonic() > give_up:
                raise NotRefreshed(
                    f"{self.name} did not let {self.user} in over SSH within {OPEN_SECONDS:g} s:"
                    f" {self._said() or 'it said nothing'}",
                    hint=f"try `ssh {self._access.host}` from here",
                )
            time.sleep(0.01)

    def _configured(self) -> tuple[str, ...]:
        return ("ssh", "-F", f"{self._folder}/config", *self._control_path())

    def _shared(self) -> tuple[str, ...]:
        """A client of the master, which needs no configuration, and never connects by itself."""
        return ("ssh", "-F", "none", *self._control_path(), "-o", "ProxyCommand=false")

    def _control_path(self) -> tuple[str, ...]:
        return ("-o", f"ControlPath={self._folder}/control".replace("%", "%%"))

    def _control(self, order: str, *options: str) -> Completed:
        command = [*self._shared(), "-O", order, *options, "--", self._access.host]
        return completed(command, timeout=ASK_SECONDS)

    def _said(self) -> str:
        """What the master has said so far: untrusted, for the other side may say anything."""
        said = Path(f"{self._folder}/said")
        return said.read_text(errors="replace").strip() if said.exists() else ""

    def _is_lost(self) -> bool:
        """Whether the master has ended, or does so now."""
        with suppress(subprocess.TimeoutExpired):
            return self._master is None or self._master.wait(0.5) is not None
        return False

    def _no_forward(self, what: str, said: str) -> NotRefreshed:
        return NotRefreshed(
            f"SSH to {self.name} forwards nothing to {what}: {self._said() or said}",
            hint="sshd must allow it: AllowTcpForwarding and AllowStreamLocalForwarding are `yes`"
            " by default",
        )

    def _read_key(self) -> str:
        """The public half of the key. Raises `UsageError` where ssh could not use the key."""
        read = completed(
            ["ssh-keygen", "-y", "-P", "", "-f", f"{self._folder}/key"], timeout=ASK_SECONDS
        )
        if read.exit_code == NOT_FOUND:
            raise _no_client()
        if "passphrase" in read.stderr:
            raise UsageError(
                "`ssh-key` is encrypted, and nobody is here to type its passphrase",
                hint="make a key for this purpose, `ssh-keygen -t ed25519 -N '' -f key`; or load it"
                " into an agent (`ssh-add`) and leave `ssh-key` out",
            )
        if read.exit_code:
            raise UsageError(
                "`ssh-key` is no private key that OpenSSH can read:"
                f" {read.said.rpartition(': ')[2]}",
                hint="was it cut off, or changed, when it was copied?",
            )
        return read.stdout.strip()

    def _offered(self) -> Offered:
        """The host key that the machine shows, in the form of known_hosts. Nobody logs in."""
        file = f"{self._folder}/offered"
        options = (
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={file}".replace("%", "%%"),
            "GlobalKnownHostsFile=none",
            "HashKnownHosts=no",
            "PreferredAuthentications=none",
            "ControlMaster=no",
        )
        asked = [*self._configured(), *(f"-o{option}" for option in options), *_PLAIN]
        with suppress(subprocess.TimeoutExpired):
            completed([*asked, "--", self._access.host, "true"], timeout=ASK_SECONDS)
        shown = Path(file)
        if not shown.exists():  # a jump host on the way was not passed
            return Offered()
        fingerprint = completed(["ssh-keygen", "-l", "-f", file], timeout=ASK_SECONDS).stdout
        lines = [line for line in shown.read_text().splitlines() if line.strip()]
        return Offered(tuple(lines), " ".join(fingerprint.split()[1:2]))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _no_client() -> NotRefreshed:
    return NotRefreshed(
        "`host` is given, and there is no ssh here",
        hint="install OpenSSH's client: apt-get install openssh-client",
    )


def _folder() -> Path:
    """A folder of this process's own, whose path leaves room for that of a socket in it."""
    named = Path(tempfile.mkdtemp(prefix="pgrst-gate-"))
    if len(str(named)) <= _FOLDER_CHARACTERS:
        return named
    named.rmdir()
    return Path(tempfile.mkdtemp(prefix="pgrst-gate-", dir="/tmp"))
