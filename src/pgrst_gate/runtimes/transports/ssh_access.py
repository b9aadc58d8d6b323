"""Who is asked over SSH, as whom, and by what it is known: the inputs, and the files made of them.

All that OpenSSH is given for a run lies in a private folder. A key that is given as text, or whose
file others may read (as in a container), would be refused by ssh; a copy with mode 0600 is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pgrst_gate import files
from pgrst_gate.errors import UsageError

CONNECT_SECONDS: Final = 10
ALIVE_SECONDS: Final = 5
ALIVE_COUNT: Final = 3
"""A connection over which nothing comes for so many times so many seconds is given up."""

_FILE_BYTES: Final = 1 << 20
_PATH_CHARACTERS: Final = 255
_PRIVATE: Final = "PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Access:
    """How a machine is reached over SSH."""

    host: str
    """An address as ssh(1) takes it: `ssh://deploy@staging:22`."""
    key: str = field(default="", repr=False)
    """Text of a private key; empty leaves it to OpenSSH: agent, configuration, default keys."""
    known_hosts: str = ""
    """Lines as in known_hosts, and no others count; empty leaves it to OpenSSH."""

    @property
    def name(self) -> str:
        """The machine, for people."""
        authority = self.host.partition("://")[2].rpartition("@")[2]
        return re.sub(r":\d+/?$", "", authority)

    @property
    def user(self) -> str:
        """For people: `deploy`; where none is given it is the configuration's or this user."""
        return urlsplit(self.host).username or "the user"


def read_access(host: str, key: str, known_hosts: str) -> Access:
    """Of the inputs: key and known hosts are texts or the paths of files with them.

    Raises `UsageError` where they are neither. It never quotes a key.
    """
    private = _lines(key if is_key(key) else _file(key, "ssh-key")) if key.strip() else ""
    if private and _PRIVATE not in private:
        raise UsageError(
            "`ssh-key` holds no private key: its first line should be"
            " `-----BEGIN OPENSSH PRIVATE KEY-----`",
            hint="give the private half (not the .pub), all lines of it, or the path of its file",
        )
    known = known_hosts.strip()
    if known and len(known.split(None, 2)) < 3:  # noqa: PLR2004  # host, type, key
        known = _file(known, "ssh-known-hosts")
    return Access(host, private, _lines(known) if known else "")


def secrets(given: str) -> tuple[str, ...]:
    """What is to be kept secret of an `ssh-key`: a key, and not the path of one."""
    return (given,) if is_key(given) else ()


def is_key(given: str) -> bool:
    """Whether it is the text of a key, or meant as one, and not the path of a file."""
    return "-----" in given or "\n" in given.strip() or len(given) > _PATH_CHARACTERS


def lay_out(folder: Path, access: Access) -> None:
    """Write what the configuration in the folder, `config`, names."""
    _write(folder / "key", access.key)
    _write(folder / "known_hosts", access.known_hosts)
    _write(folder / "config", _configuration(folder, access))


def _configuration(folder: Path, access: Access) -> str:
    """The run's own settings, then the user's and the system's.

    A file and not options, for `ProxyJump` hands its `-F` on to the ssh that it starts for each
    jump host, and nothing else (ssh.c of OpenSSH). Of each setting the first one read counts
    (ssh_config(5)), so the check of host keys can be loosened only by the user's own file, and not
    at all once `ssh-known-hosts` is given.
    """
    here = str(folder).replace("%", "%%")
    strict = "StrictHostKeyChecking yes"
    own = [
        "BatchMode yes",
        f"ConnectTimeout {CONNECT_SECONDS}",
        f"ServerAliveInterval {ALIVE_SECONDS}",
        f"ServerAliveCountMax {ALIVE_COUNT}",
        "LogLevel INFO",
        "UpdateHostKeys no",
    ]
    if access.key:
        own += [f'IdentityFile "{here}/key"', "IdentitiesOnly yes"]
    if access.known_hosts:
        own += [f'UserKnownHostsFile "{here}/known_hosts"', "GlobalKnownHostsFile none", strict]
    included = ["Include ~/.ssh/config", "Include /etc/ssh/ssh_config"]
    return "\n".join(["Host *", *own, *included, "Host *", strict, ""])


def _file(path: str, name: str) -> str:
    place = Path(path.strip()).expanduser()
    if len(path) > _PATH_CHARACTERS or not place.is_file():
        shown = "" if name == "ssh-key" else f" ({place})"
        raise UsageError(
            f"`{name}` is neither such a text nor the path of a file that is here{shown}",
            hint="in a container action the runner's files are not there: give the text, as a"
            " secret or a variable",
        )
    return files.read(place, most=_FILE_BYTES, place=name)


def _lines(text: str) -> str:
    """With the line ends that OpenSSH wants; copying through a web form loses or adds some."""
    return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
