"""What is measured on: a database, a PostgREST over it, and ways to run the gate on both."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import httpx
import yaml

from pgrst_gate import gate
from pgrst_gate.inputs import Given, read_inputs
from pgrst_gate.journal import Journal
from pgrst_gate.plan import Plan, make_plan
from pgrst_gate.report import Report
from pgrst_gate.runtimes import RUNTIMES
from pgrst_gate.runtimes.interface import Runtime, Target
from pgrst_gate.runtimes.transports.transport import here
from pgrst_sandbox.demo import real_postgrest
from pgrst_sandbox.faults.loads import slow
from pgrst_sandbox.postgres import Postgres
from pgrst_sandbox.process import Server, run

COMMAND: Final = str(Path(sys.executable).with_name("pgrst-gate"))
LOADED: Final = r"Schema cache loaded in"

ROLES: Final = """
do $$ begin
    if not exists (select from pg_roles where rolname = 'authenticator') then
        create role anon nologin;
        create role authenticator login noinherit;
        grant anon to authenticator;
    end if;
end $$;
alter default privileges in schema public grant select on tables to anon;
"""
# A process begins with the peak of the one that starts it, so a small one is put in between.
_WITH_PEAK: Final = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
_PEAK_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of `ru_maxrss`."""


@dataclass(frozen=True, slots=True)
class World:
    """A database with roles, and a PostgREST over it that nobody tells of changes."""

    database: Postgres
    name: str
    server: Server

    @classmethod
    @contextmanager
    def over(
        cls, database: Postgres, name: str, schema: str = "", *, load_milliseconds: int = 0
    ) -> Iterator[Self]:
        """Make the database, then start the server. Each load takes so much longer."""
        database.create_database(name)
        database.execute(ROLES + schema, dbname=name)
        dsn = database.dsn(name, "authenticator")
        env = slow(load_milliseconds) if load_milliseconds else {}
        with run(dsn=dsn, env=env, command=real_postgrest()) as server:
            yield cls(database, name, server)

    @property
    def server_version(self) -> str:
        """As in its `Server` header."""
        return str(httpx.get(self.server.url).headers.get("server", "PostgREST of unknown version"))

    def migrate(self, sql: str) -> None:
        """Run SQL and do not tell the server."""
        self.database.execute(sql, dbname=self.name)

    def given(self, expected_columns: str, *, refresh: bool, admin: bool) -> dict[str, str]:
        """Inputs of a run: reload by NOTIFY, or only look."""
        refreshed = {"runtime": "notify", "database-url": self.database.dsn(self.name)}
        return {
            "url": self.server.url,
            "expected-columns": expected_columns,
            "timeout": "5m",
            **(refreshed if refresh else {"runtime": "none"}),
            **({"admin-url": self.server.admin_url} if admin else {}),
        }

    def everything(self, *, admin: bool) -> dict[str, str]:
        """Inputs of a run that looks for all that the database offers."""
        return {
            "url": self.server.url,
            "mode": "verify",
            "runtime": "none",
            "expect-from": "database",
            "database-url": self.database.dsn(self.name),
            "timeout": "5m",
            **({"admin-url": self.server.admin_url} if admin else {}),
        }

    def from_loaded_to(self, end: Callable[[], object]) -> float:
        """Seconds from the server's "loaded" line to the end of what is called."""
        position = len(self.server.log)

        def loaded_at() -> float:
            self.server.wait_for_log(LOADED, after=position, timeout=60)
            return time.monotonic()

        with ThreadPoolExecutor(1) as watching:
            loaded = watching.submit(loaded_at)
            end()
            ended = time.monotonic()
            return ended - loaded.result()


def in_process(given: Mapping[str, str]) -> Report:
    """Run the gate in this process, without printing. Raises RuntimeError unless it opens."""
    plan = make_plan(read_inputs({name: Given(text, name) for name, text in given.items()}))
    report = gate.run(plan, _runtime, Journal(tell=lambda _: None))
    if report.exit_code:
        raise RuntimeError(report.sentence)
    return report


def as_process(given: Mapping[str, str], *before: str) -> str:
    """Run the command, behind another if one is given; gives what that printed.

    Raises CalledProcessError unless the gate opens.
    """
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "gate.yml")
        config.write_text(yaml.safe_dump(dict(given)))
        command = [*before, COMMAND, "run", "--config", str(config)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def peak_memory(given: Mapping[str, str]) -> int:
    """Run the command; gives the bytes that its process held at most."""
    return int(as_process(given, sys.executable, "-c", _WITH_PEAK)) * _PEAK_UNIT


def measured(*arguments: str) -> tuple[float, int]:
    """Run the command with these arguments; gives the seconds it takes, and the bytes it holds."""
    command = [sys.executable, "-c", _WITH_PEAK, COMMAND, *arguments]
    began = time.monotonic()
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.monotonic() - began, int(ended.stdout) * _PEAK_UNIT


def _runtime(plan: Plan) -> tuple[Runtime, str]:
    name = plan.inputs.runtime
    if name == "auto":
        raise RuntimeError("a measurement names its runtime")
    return RUNTIMES[name](Target(database_url=plan.inputs.database_url), here()), "as asked"
