"""What `localhost` means inside a container: the container. The machine that runs it is elsewhere.

On Docker's default bridge that machine is the gateway of the default route; a port that is
published or bound to 0.0.0.0 can be reached there, one that is bound to 127.0.0.1 cannot.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pgrst_gate.runtimes.surroundings import gateway, in_container

_TRY_SECONDS: Final = 1.0

HINT: Final = (
    "inside a container `localhost` is the container itself. Write instead: the service's name and"
    " container port (`http://postgrest:3000`) when the API is a service of this job; the address"
    " 172.17.0.1 when it listens on 0.0.0.0 or publishes its port; or run the gate on the runner"
    " itself (`uses: OWNER/pgrst-gate/native`), or set `reach-host: true`"
)


def is_local(url: str) -> bool:
    """Whether a URL points at the machine that asks."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_near(host: str) -> bool:
    """Whether the host may be this machine: a private address, or a name of no public domain."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))


def from_inside(url: str) -> str | None:
    """The same port on the machine outside, for a local URL in a container where nothing listens.

    None when the URL is to be used as it is: it is not local, this is no container, something does
    listen there, or nothing listens outside either.
    """
    if not (is_local(url) and in_container()) or _listens(url):
        return None
    machine = gateway()
    if machine is None:
        return None
    parts = urlsplit(url)
    netloc = f"{machine}:{parts.port}" if parts.port else machine
    outside = urlunsplit(parts._replace(netloc=netloc))
    return outside if _listens(outside) else None


def is_answered(url: str) -> bool:
    """Whether something listens at a local URL, as seen from here."""
    return _listens(url)


def hint(url: str) -> str:
    """What to write instead of a local URL; empty when the URL is not the trouble."""
    return HINT if is_local(url) and in_container() else ""


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        with socket.create_connection((parts.hostname or "", port), _TRY_SECONDS):
            return True
    except OSError:
        return False
