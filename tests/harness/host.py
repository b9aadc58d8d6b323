"""What an image needs to reach what this machine reaches: CA certificates and pip's settings.

Read at run time, so that no certificate and no address of a package index is in the repository.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CA_FOLDERS = ("/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors")
"""Where Debian's and Fedora's administrators add certificate authorities."""

PIP_OPTIONS = ("default-timeout", "extra-index-url", "index-url", "proxy", "trusted-host")
PATHS = ("/", "~", ".", "file:")
"""How a value begins that means something on this machine only."""

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def settings() -> dict[str, bytes]:
    """Files to lay over an image, as `{path relative to /: content}`; none on a plain machine."""
    files = {
        f"usr/local/share/ca-certificates/host-{number:03}.crt": certificate
        for number, certificate in enumerate(_certificates())
    }
    options = pip_options(_pip_config())
    if files:
        options["cert"] = BUNDLE
    if options:
        lines = [f"{option} = {value}" for option, value in sorted(options.items())]
        files["etc/pip.conf"] = "\n".join(["[global]", *lines, ""]).encode()
    return files


def _certificates() -> Iterator[bytes]:
    for folder in map(Path, CA_FOLDERS):
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".crt", ".pem"}:
                yield file.read_bytes()


def _pip_config() -> str:
    command = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def pip_options(listed: str) -> dict[str, str]:
    """Those of the settings that `pip config list` shows which mean the same in a container.

    The environment, which comes first in the list, wins over the files.
    """
    options = {}
    for line in reversed(listed.splitlines()):
        found = re.fullmatch(r"(?:global|:env:)\.([a-z-]+)=(['\"].*['\"])", line)
        if found and found[1] in PIP_OPTIONS:
            words = str(ast.literal_eval(found[2])).split()
            if travelling := [word for word in words if not word.startswith(PATHS)]:
                options[found[1]] = "\n    ".join(travelling)
    return options
