"""Programs that npm installs, for tests that ask another's judgement."""

import json
import shutil
import subprocess
from pathlib import Path


class NpmMissing(Exception):
    """There is no npm here; the message says what it would install."""


def install(folder: Path, package: str, digest: str) -> None:
    """Install `name@version` below a folder, if its archive has this digest, as npm's locks say it.

    Raises `NpmMissing`, and RuntimeError if it fails.
    """
    if not shutil.which("npm"):
        raise NpmMissing(f"needs {package}, which npm installs: install npm")
    quiet = ["--no-save", "--no-audit", "--no-fund", "--no-package-lock"]
    command = ["npm", "install", *quiet, f"--prefix={folder}", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
    name = f"node_modules/{package.rpartition('@')[0]}"
    installed = json.loads((folder / "node_modules/.package-lock.json").read_text())
    if (found := installed["packages"][name]["integrity"]) != digest:
        shutil.rmtree(folder / "node_modules")
        raise RuntimeError(f"{package} is {found}, not {digest}")
