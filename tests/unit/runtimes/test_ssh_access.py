"""What is made of the inputs for SSH, and the settings that OpenSSH gets of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pgrst_gate.errors import UsageError
from pgrst_gate.runtimes.transports.ssh_access import Access, lay_out, read_access

HOST = "ssh://deploy@staging:22"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"
LINE = "staging ssh-ed25519 AAAA"


@pytest.mark.parametrize(
    ("host", "name", "user"),
    [
        (HOST, "staging", "deploy"),
        ("ssh://staging", "staging", "the user"),
        ("ssh://deploy@[2001:db8::7]:2222", "[2001:db8::7]", "deploy"),
    ],
)
def test_people_are_told_of_the_machine_by_its_name(host: str, name: str, user: str) -> None:
    """Neither port nor user is part of it."""
    assert (Access(host).name, Access(host).user) == (name, user)


@pytest.mark.parametrize("as_file", [True, False])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_key_and_known_hosts_are_texts_or_files(tmp_path: Path, end: str, *, as_file: bool) -> None:
    """Either way, with the line ends that OpenSSH wants."""
    key, known = KEY.strip().replace("\n", end or "\n") + end, LINE + end
    if as_file:
        (tmp_path / "key").write_text(key, newline="")
        (tmp_path / "known").write_text(known, newline="")
        key, known = str(tmp_path / "key"), str(tmp_path / "known")

    access = read_access(HOST, key, known)

    assert access.key.replace("\n\n", "\n") == KEY
    assert access.known_hosts == f"{LINE}\n"


@pytest.mark.parametrize(
    ("key", "known", "message"),
    [
        ("/no/such/key", "", "`ssh-key` is neither such a text nor the path of a file"),
        ("c2VjcmV0LW9mLWEta2V5" * 30, "", "`ssh-key` holds no private key"),
        ("ssh-ed25519 AAAA\ndeploy@laptop", "", "`ssh-key` holds no private key"),
        ("", "/no/such/hosts", r"`ssh-known-hosts` is neither .* here \(/no/such/hosts\)"),
    ],
    ids=["no file", "another encoding", "public half", "no hosts"],
)
def test_what_is_neither_is_refused(key: str, known: str, message: str) -> None:
    """With the input's name, and without what may be a secret."""
    with pytest.raises(UsageError, match=message) as refused:
        read_access(HOST, key, known)

    assert not key or key not in f"{refused.value} {refused.value.hint}"


def settings(folder: Path, access: Access) -> dict[str, str]:
    """Give what ssh makes of the settings in a folder, by their names in lower case."""
    lay_out(folder, access)
    shown = subprocess.run(
        ["ssh", "-G", "-F", str(folder / "config"), access.host],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split(" ", 1) for line in shown.stdout.splitlines() if " " in line)


def test_ssh_is_asked_never_to_ask_or_to_hang(tmp_path: Path) -> None:
    """As ssh itself reads it: no question, a limit for the connection, and a look whether it is."""
    found = settings(tmp_path, Access(HOST))

    assert found["batchmode"] == "yes"
    assert found["connecttimeout"] == "10"
    assert found["serveraliveinterval"] == "5"
    assert found["stricthostkeychecking"] == "true"


def test_what_is_given_counts_alone(tmp_path: Path) -> None:
    """No other host key is believed and no agent's key is tried first, and both are private."""
    found = settings(tmp_path, Access(HOST, KEY, f"{LINE}\n"))

    assert found["userknownhostsfile"] == f"{tmp_path}/known_hosts"
    assert found["globalknownhostsfile"] == "none"
    assert found["identityfile"] == f"{tmp_path}/key"
    assert found["identitiesonly"] == "yes"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
