"""What is made of the words of ssh; a real sshd has some of them said in tests/integration."""

from __future__ import annotations

import pytest

from pgrst_gate.runtimes.transports.ssh_access import Access
from pgrst_gate.runtimes.transports.ssh_refusals import Offered, refusal

ACCESS = Access("ssh://deploy@staging:22")
OFFERED = Offered(("staging ssh-ed25519 AAAA",), f"SHA256:{'a' * 43}")
CHANGED = f"""\
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
The fingerprint for the ED25519 key sent by the remote host is
SHA256:{"b" * 43}.
Offending ED25519 key in /home/me/.ssh/known_hosts:7
Host key for gateway has changed and you have requested strict checking.
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (
            "Connection timed out during banner exchange\nConnection to 10.0.0.1 port 22 timed out",
            "staging cannot be reached over SSH: Connection timed out during banner exchange",
            "firewall",
        ),
        (
            "ssh: connect to host staging port 22: No route to host\n",
            "staging cannot be reached over SSH: ssh: connect to host staging port 22: No route",
            "firewall",
        ),
        (
            "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
            "staging did not let deploy in over SSH",
            "give `ssh-key`",
        ),
        (
            "/home/me/.ssh/config: line 3: Bad configuration option: colour",
            "ssh did not connect to staging: /home/me/.ssh/config: line 3: Bad configuration",
            "`ssh ssh://deploy@staging:22`",
        ),
        ("", "ssh did not connect to staging: it said nothing", "the same happens"),
    ],
)
def test_other_words_are_shown_as_they_are(said: str, message: str, hint: str) -> None:
    """With what to do about their kind."""
    error = refusal(ACCESS, said, "", lambda: OFFERED)

    assert message in str(error)
    assert hint in error.hint


def test_an_unknown_key_of_a_jump_host_names_the_jump_host() -> None:
    """The machine behind it could not be asked, so that no line can be shown."""
    said = (
        "No ED25519 host key is known for gateway and you have requested strict checking.\n"
        "Host key verification failed.\nConnection closed by UNKNOWN port 65535\n"
    )

    error = refusal(ACCESS, said, "", Offered)

    assert "the host key of gateway, on the way to staging, is not known" in str(error)
    assert "ssh-keyscan gateway" in error.hint


@pytest.mark.parametrize("offered", [OFFERED, Offered()])
def test_a_changed_key_names_the_line_it_is_to_replace(offered: Offered) -> None:
    """Of the user's own file; where that of a jump host changed its own fingerprint is shown."""
    error = refusal(ACCESS, CHANGED, "", lambda: offered)

    name, letter = ("staging", "a") if offered.lines else ("gateway", "b")
    assert f"the host key of {name} has changed: it offers SHA256:{letter * 43}" in str(error)
    assert "in place of line 7 of /home/me/.ssh/known_hosts" in error.hint
    assert error.hint.endswith("AAAA") == bool(offered.lines)
