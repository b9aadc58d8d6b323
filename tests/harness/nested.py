"""A Docker engine in a machine of the tests, which is a container itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.harness.systemd import CGROUP_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.harness.systemd import Machine

ENGINE_OPTIONS: Final = {
    "1": (
        "--cap-add=SYS_ADMIN",
        "--cap-add=NET_ADMIN",
        "--security-opt=seccomp=unconfined",
        "--security-opt=apparmor=unconfined",
        "--security-opt=systempaths=unconfined",
        "--cgroupns=host",
        "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    ),
    "2": CGROUP_OPTIONS["2"],
}
"""What dockerd needs in a container, by the version of control groups that the host has; and
systemd with it."""

SERVER: Final = "server"
"""An image that holds nothing: what runs in its containers is the machine's own, mounted."""
MOUNTED: Final = ("/usr", "/opt", "/srv")
"""The folders to mount where they are."""
_IMPORT: Final = f"""
set -e
mkdir -p /tmp/root && cd /tmp/root && mkdir -p usr opt etc proc sys dev tmp srv
for name in bin lib lib64 sbin; do ln -s usr/$name $name; done
cp /etc/passwd /etc/group etc/
tar -c . | docker import - {SERVER}
"""


def import_server(machine: Machine) -> None:
    """Make the image `SERVER` on the machine's engine, once that answers."""
    machine.run("sh", "-c", _IMPORT).check_returncode()


def create_service(
    machine: Machine,
    name: str,
    *command: str,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> None:
    """Create a service of the machine's Swarm; its tasks have the programs of the machine."""
    given = [f"--env={key}={value}" for key, value in (environment or {}).items()]
    mounts = [f"--mount=type=bind,src={path},dst={path}" for path in MOUNTED]
    fixed = ["--detach", "--no-resolve-image", f"--name={name}", *given, *mounts, *options]
    machine.run("docker", "service", "create", *fixed, SERVER, *command).check_returncode()
