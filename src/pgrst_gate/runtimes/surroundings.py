"""Whether this runs in a container, which hides the processes and the systemd of the machine."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final

_MARKERS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))

_ROUTES: Final = Path("/proc/net/route")
_MOUNTS: Final = Path("/proc/self/mountinfo")
# Docker mounts /etc/hostname from a folder that bears the container's id; Podman does, deeper.
_OWN: Final = re.compile(r"/([0-9a-f]{64})/(?:userdata/)?hostname /etc/hostname ")


def in_container() -> bool:
    """Whether Docker or Podman made the file system this runs on."""
    return any(marker.exists() for marker in _MARKERS)


def own_container() -> str:
    """The id of the container this runs in; empty outside of one, or where that does not show."""
    try:
        found = _OWN.search(_MOUNTS.read_text())
    except OSError:
        return ""
    return found[1] if found else ""


def gateway() -> str | None:
    """The gateway of the default route (destination 00000000); addresses are little-endian."""
    try:
        rows = [line.split() for line in _ROUTES.read_text().splitlines()[1:]]
    except OSError:
        return None
    for row in rows:
        if row[1] == "00000000" and row[2] != "00000000":
            return str(ipaddress.IPv4Address(bytes.fromhex(row[2])[::-1]))
    return None


def hidden(what: str) -> str:
    """The hint for something of the machine's that was not found; empty outside of a container."""
    if not in_container():
        return ""
    return (
        f"this runs in a container, which cannot see the machine's {what}: run pgrst-gate on the "
        "machine itself (a `run:` step), or reach the server by `container` or `database-url`"
    )
