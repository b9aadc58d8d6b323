"""A staging host: sshd, systemd, plain processes and a Docker engine of its own, reached over SSH.

Its containers join the host's network, so that what they serve is on the host's `localhost` and
nowhere else.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.harness.containers import Database, settings
from tests.harness.nested import ENGINE_OPTIONS, MOUNTED, SERVER, create_service, import_server
from tests.harness.systemd import Machine

from pgrst_sandbox.ports import free_port

if TYPE_CHECKING:
    from tests.harness.engine import Engine

USERS = ("deploy", "guest")
"""`deploy` may use Docker, read the journal, and have systemd reload and restart by sudo; `guest`
may nothing."""

_SETTING_UP = """
set -e
useradd --create-home --shell /bin/bash --groups docker,systemd-journal deploy
useradd --create-home --shell /bin/bash guest
for user in root deploy guest; do
    home=$(getent passwd "$user" | cut -d: -f6)
    install -d -m 700 -o "$user" "$home/.ssh"
    echo "$1" | install -m 600 -o "$user" /dev/stdin "$home/.ssh/authorized_keys"
done
chown deploy /srv
echo 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl' >/etc/sudoers.d/deploy
"""


@dataclass(frozen=True, slots=True)
class Staging:
    """The host, and what is needed to log in there."""

    engine: Engine
    machine: Machine
    port: int
    """Of sshd, on this machine."""
    key: Path
    """A private key that each of the users is let in with."""
    host_key: str
    """The key of its sshd, type and key."""

    @classmethod
    def boot(cls, engine: Engine, image: str, network: str, folder: Path) -> Self:
        """Boot it, with its users; the key is made in the folder."""
        key, port = folder / "key", free_port()
        make_key(key)
        options = [f"--publish=127.0.0.1:{port}:22"]
        machine = Machine.boot(engine, image, network, options, ENGINE_OPTIONS)
        import_server(machine)
        public = key.with_suffix(".pub").read_text().strip()
        machine.run("sh", "-c", _SETTING_UP, "sh", public).check_returncode()
        shown = machine.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout
        return cls(engine, machine, port, key, " ".join(shown.split()[:2]))

    def host(self, user: str = "deploy") -> str:
        """Its address from this machine, for the input `host`."""
        return f"ssh://{user}@127.0.0.1:{self.port}"

    @property
    def known_hosts(self) -> str:
        """The line of it, as seen from this machine."""
        return f"[127.0.0.1]:{self.port} {self.host_key}\n"

    def login(self, user: str = "deploy") -> dict[str, str]:
        """The inputs that reach it."""
        return {
            "host": self.host(user),
            "ssh_key": str(self.key),
            "ssh_known_hosts": self.known_hosts,
        }

    def start_unit(self, database: Database, *, port: int) -> str:
        """Install and start a unit of PostgREST; gives its name."""
        name = self.engine.name("unit")
        variables = [f'Environment="{key}={value}"' for key, value in _settings(database, port)]
        unit = ["[Service]", *variables, "ExecStart=/usr/local/bin/postgrest", ""]
        self.machine.write(f"/etc/systemd/system/{name}.service", "\n".join(unit))
        self.machine.run("systemctl", "daemon-reload").check_returncode()
        self.machine.run("systemctl", "start", name).check_returncode()
        return name

    def start_container(self, database: Database, *, port: int, service: str = "") -> str:
        """Start a container of PostgREST in the host's network; gives its name.

        It is of a compose service, if one is named: what compose would say of it is a label.
        """
        name = self.engine.name("api")
        variables = [f"--env={key}={value}" for key, value in _settings(database, port)]
        mounts = [f"--volume={path}:{path}" for path in MOUNTED]
        of_compose = {"project": "shop", "service": service} if service else {}
        labels = [f"--label=com.docker.compose.{key}={value}" for key, value in of_compose.items()]
        options = ["--detach", f"--name={name}", "--network=host", *variables, *mounts, *labels]
        self.machine.run("docker", "run", *options, SERVER, "postgrest").check_returncode()
        return name

    def start_service(self, database: Database, *, port: int) -> str:
        """Start a service of one task in the host's network, on a Swarm; gives its name."""
        name = self.engine.name("service")
        if "Swarm: active" not in self.machine.run("docker", "info").stdout:
            swarm = ("docker", "swarm", "init", "--advertise-addr=127.0.0.1")
            self.machine.run(*swarm).check_returncode()
        variables = dict(_settings(database, port))
        options = ["--network=host", "--stop-grace-period=3s", "--update-monitor=1s"]
        create_service(self.machine, name, "postgrest", options=options, environment=variables)
        return name

    def start_process(self, database: Database, *, port: int) -> str:
        """Start PostgREST as a process of `deploy`, by a command that it may run again.

        The server keeps the command's output open, as those of careless scripts do. Gives the path
        of the command, which writes the pid to the same path with `.pid`.
        """
        command = f"/srv/{self.engine.name('start')}"
        lines = [
            "#!/bin/sh",
            f"test ! -e {command}.pid || kill $(cat {command}.pid)",
            *(f"export {key}='{value}'" for key, value in _settings(database, port)),
            "setsid postgrest &",
            f"echo $! >{command}.pid",
            "",
        ]
        self.machine.write(command, "\n".join(lines))
        self.machine.run("chmod", "755", command)
        once = f"{command} >/dev/null 2>&1 </dev/null"
        self.machine.run("su", "deploy", "-c", once).check_returncode()
        return command


def make_key(path: Path, passphrase: str = "") -> None:
    """Make a key pair, the private half at the path."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)


def _settings(database: Database, port: int) -> list[tuple[str, str]]:
    """PostgREST's environment; its servers listen on the host itself only."""
    own = {
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
        "PGRST_ADMIN_SERVER_PORT": str(port + 1),
    }
    return [*(settings(database) | own).items()]
