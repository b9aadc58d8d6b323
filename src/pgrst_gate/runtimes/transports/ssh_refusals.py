"""Why ssh did not connect, told from its own words, and what to type.

The words are those of OpenSSH (sshconnect.c, sshconnect2.c); they have been the same since 5.x and
are in English wherever it runs. Whatever is not known here is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.transports.ssh_access import Access

_CHANGED: Final = re.compile(r"HOST IDENTIFICATION HAS CHANGED|Host key for (\S+) has changed")
_CHANGED_NAME: Final = re.compile(r"Host key for (\S+) has changed")
_OFFENDING: Final = re.compile(r"^Offending .*key in (.+):(\d+)\s*$", re.MULTILINE)
_FINGERPRINT: Final = re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}")
_UNKNOWN: Final = re.compile(r"host key is known for (\S+) and you have requested strict checking")
_REFUSED: Final = re.compile(r"Permission denied|Too many authentication failures")
_NO_NAME: Final = re.compile(r"Could not resolve hostname")
_NO_WAY: Final = re.compile(
    r"Connection (refused|timed out|reset|closed)|No route to host|Network is unreachable"
    r"|Operation timed out|banner exchange|kex_exchange_identification"
)


@dataclass(frozen=True, slots=True)
class Offered:
    """The host key that a machine showed; empty where it could not be asked."""

    lines: tuple[str, ...] = ()
    """As in known_hosts."""
    fingerprint: str = ""


def refusal(
    access: Access, said: str, public_key: str, offered: Callable[[], Offered]
) -> NotRefreshed:
    """The error for a connection that ssh did not make, from what it said."""
    if _CHANGED.search(said):
        return _changed(access, said, offered())
    if found := _UNKNOWN.search(said):
        return _unknown(access, found[1], offered())
    if _REFUSED.search(said):
        return _not_let_in(access, said, public_key)
    last = said.splitlines()[-1].strip() if said else "it said nothing"
    if _NO_NAME.search(said):
        return NotRefreshed(
            f"{access.name} cannot be reached over SSH: {last}",
            hint="`host` takes a name that is known here, or a Host of your ssh configuration; in a"
            " container action that configuration is not there",
        )
    if _NO_WAY.search(said):
        return NotRefreshed(
            f"{access.name} cannot be reached over SSH: {said.splitlines()[0].strip()}",
            hint="does sshd run there, is it this port, and may this machine pass the firewall?"
            " GitHub's own runners have changing public addresses",
        )
    return NotRefreshed(
        f"ssh did not connect to {access.name}: {last}",
        hint=f"the same happens with `ssh {access.host}` from here",
    )


def _unknown(access: Access, name: str, offered: Offered) -> NotRefreshed:
    if not offered.lines:
        return NotRefreshed(
            f"the host key of {name}, on the way to {access.name}, is not known",
            hint=f"add the line of it (`ssh-keyscan {name}` shows one; compare it on that machine)"
            " to `ssh-known-hosts`",
        )
    return NotRefreshed(
        f"the host key of {access.name} is not known; it offers {offered.fingerprint}",
        hint=f"{_compare(access)} If they are the same, add this line to {_list(access)}:"
        f" {' / '.join(offered.lines)}",
    )


def _changed(access: Access, said: str, offered: Offered) -> NotRefreshed:
    named = _CHANGED_NAME.search(said)
    name = access.name if offered.lines or named is None else named[1]
    seen = _FINGERPRINT.search(said)
    fingerprint = offered.fingerprint or (seen[0] if seen else "another one")
    old = _OFFENDING.search(said)
    where = f"line {old[2]} of {old[1]}" if old and not access.known_hosts else "the old line"
    line = f": {' / '.join(offered.lines)}" if offered.lines else ""
    return NotRefreshed(
        f"the host key of {name} has changed: it offers {fingerprint}, and another one is known."
        " The machine was made anew, or somebody is in between",
        hint=f"{_compare(access)} If they are the same, put this one in place of {where} in"
        f" {_list(access)}{line}",
    )


def _compare(access: Access) -> str:
    return (
        f"compare it with what {access.name} itself shows, on its console or from its provider:"
        " `for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done`."
    )


def _list(access: Access) -> str:
    return "`ssh-known-hosts`" if access.known_hosts else "`ssh-known-hosts`, or to known_hosts"


def _not_let_in(access: Access, said: str, public_key: str) -> NotRefreshed:
    last = said.splitlines()[-1].strip()
    if public_key:
        key = " ".join(public_key.split()[:2])
        hint = f"add this line to ~/.ssh/authorized_keys of {access.user} there: {key}"
    else:
        hint = "give `ssh-key`, or load a key that is let in there into the agent (`ssh-add`)"
    return NotRefreshed(f"{access.name} did not let {access.user} in over SSH: {last}", hint=hint)
