"""Where a PostgREST in a container listens, as far as its environment tells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

PORT: Final = "PGRST_SERVER_PORT"
ADMIN_PORT: Final = "PGRST_ADMIN_SERVER_PORT"
SOCKET: Final = "PGRST_SERVER_UNIX_SOCKET"
DEFAULT_PORT: Final = 3000
"""Of `server-port`, in every version; the official image exposes it."""


def port_of(environment: Mapping[str, str], exposed: Collection[int]) -> int | None:
    """The API's TCP port: as configured, else exposed, else the default; None on a Unix socket."""
    if environment.get(SOCKET):
        return None
    if (configured := environment.get(PORT, "")).isdecimal():
        return int(configured)
    admin = environment.get(ADMIN_PORT, "")
    others = sorted(port for port in exposed if str(port) != admin)
    return others[0] if others and DEFAULT_PORT not in others else DEFAULT_PORT
