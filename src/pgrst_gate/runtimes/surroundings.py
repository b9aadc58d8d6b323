"""Where the server runs, and what can be seen of that from where the gate runs."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MARKERS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))

_ROUTES: Final = Path("/proc/net/route")
_MOUNTS: Final = Path("/proc/self/mountinfo")
# Docker mounts /etc/hostname from a folder that bears the container's id; Podman does, deeper.
_OWN: Final = re.compile(r"/([0-9a-f]{64})/(?:userdata/)?hostname /etc/hostname ")


@dataclass(frozen=True, slots=True)
class Place:
    """The machine that the server is on, for people."""

    host: str = ""
    """Its name; empty for the machine this runs on."""

    def __str__(self) -> str:
        return self.host or "this machine"

    @property
    def here(self) -> str:
        """As an adverb: `here`, `on staging`."""
        return f"on {self.host}" if self.host else "here"

    def hidden(self, what: str) -> str:
        """The hint for something of the machine's that was not found, if a container hides it."""
        if self.host or not in_container():
            return ""
        return (
            f"this runs in a container, which cannot see the machine's {what}: set `reach-host:"
            " true`, run the gate on the runner itself (`uses: OWNER/pgrst-gate/native`), or reach"
            " the server by `host` (over SSH), `container` or `database-url`"
        )


HERE: Final = Place()


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
