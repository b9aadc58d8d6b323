"""The Supabase CLI, and migrations for it to push."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.harness import npm
from tests.harness.locks import alone

VERSION = "3.1.0"
_DIGEST = (
    "sha512-kv/vLnwcxxhkd+CvRjJhp5gP6juwzUUT0a6+Jung"
    "fQyw9AcM2YSQTDDZwEVHdV85tFc7K975WGkzemw5He26/g=="
)


@dataclass(frozen=True, slots=True)
class Push:
    """The outcome of a `supabase db push`."""

    status: int
    result: Mapping[str, Any]
    """The JSON object on standard output."""
    progress: str
    """Standard error."""


@dataclass(frozen=True, slots=True)
class Supabase:
    """An installed CLI; `binary` needs neither node nor any other file."""

    binary: Path

    @classmethod
    def install(cls, cache: Path) -> Self:
        """Install the CLI below a folder, unless it is there. As `npm.install`."""
        folder = cache / VERSION
        with alone(cache / "lock"):
            if not (found := _binaries(folder)):
                npm.install(folder, f"supabase@{VERSION}", _DIGEST)
                found = _binaries(folder)
        return cls(found[0])

    def push(self, project: Path, url: str, *options: str) -> Push:
        """Push a project's migrations to a database. Takes about a second."""
        done = subprocess.run(
            [self.binary, "db", "push", f"--remote={url}", "--output-format=json", *options],
            cwd=project,
            env={**os.environ, "HOME": str(project), "DO_NOT_TRACK": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Push(done.returncode, json.loads(done.stdout), done.stderr)


def write_project(folder: Path, migrations: Mapping[str, str]) -> None:
    """Lay out a project; migrations are `{"20260101000000_scans": SQL}`."""
    written = folder / "supabase/migrations"
    written.mkdir(parents=True, exist_ok=True)
    (folder / "supabase/config.toml").write_text('project_id = "gate"\n')
    for name, sql in migrations.items():
        (written / f"{name}.sql").write_text(sql)


def _binaries(folder: Path) -> list[Path]:
    """The native program beside npm's launcher, in the package for this platform."""
    return sorted(folder.glob("node_modules/@supabase/cli-*/bin/supabase"))
