"""Whether this runs in a container, which hides the processes and the systemd of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MARKERS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))


def in_container() -> bool:
    """Whether Docker or Podman made the file system this runs on."""
    return any(marker.exists() for marker in _MARKERS)


def hidden(what: str) -> str:
    """The hint for something of the machine's that was not found; empty outside of a container."""
    if not in_container():
        return ""
    return (
        f"this runs in a container, which cannot see the machine's {what}: run pgrst-gate on the "
        "machine itself (a `run:` step), or reach the server by `container` or `database-url`"
    )
