"""What the server image is made of is pinned and hashed like all the rest."""

from __future__ import annotations

import re

from tests.harness.images import SERVER_PACKAGES, server_requirements


def test_the_server_installs_only_what_the_lock_pins() -> None:
    """Each package that the stand-in needs is in the lock, with hashes; linters are left out."""
    entries = re.split(r"^(?=\w)", server_requirements(), flags=re.MULTILINE)[1:]
    names = {re.split("[= ]", entry)[0] for entry in entries}

    assert names >= SERVER_PACKAGES | {"httpx", "psycopg", "docker"}
    assert "mypy" not in names
    assert all("--hash=sha256:" in entry for entry in entries)
