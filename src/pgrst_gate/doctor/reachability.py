"""Whether what was given can be reached from here, by its name alone: nothing is connected to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from pgrst_gate import localhost
from pgrst_gate.doctor.looks import Look
from pgrst_gate.findings import Finding
from pgrst_gate.supabase.addresses import instead_of_direct, ref_of_database

Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host; none where it has none."""


def addresses(host: str) -> tuple[str, ...]:
    """As this machine's resolver has them."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def examined(given: Mapping[str, str], resolve: Resolve = addresses) -> Look:
    """``given`` is each input with an address → the address."""
    findings, told = [], []
    for name, url in given.items():
        host = urlsplit(url).hostname
        if not host:
            continue
        found, ref = resolve(host), ref_of_database(host)
        where = ", which is this container itself" if localhost.hint(url) else ""
        told.append(f"{name}: {host} is {', '.join(found) or 'unknown'}{where}")
        if not found:
            text = f"{name}: nobody knows the host {host}"
            remedy = instead_of_direct(ref) if ref else f"check `{name}`"
            findings.append(Finding("reachability", "broken", text, remedy=remedy))
        elif all(isinstance(_address(one), ipaddress.IPv6Address) for one in found):
            text = f"{name}: {host} is reached by IPv6 only, which GitHub's runners lack"
            remedy = (
                instead_of_direct(ref)
                if ref
                else "give the address of a pooler, or of a proxy, that answers on IPv4"
            )
            findings.append(Finding("reachability", "risk", text, (told[-1],), remedy))
    return Look("reachability", "; ".join(told) or "no address was given", tuple(findings))


def _address(found: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address, without the interface that it may name (`fe80::1%eth0`)."""
    return ipaddress.ip_address(found.partition("%")[0])
