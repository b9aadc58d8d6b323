"""What the gate is let loose on: a database, and a PostgREST over it, of which no test knows more.

It is the stand-in, in each version, unless there is a real one: `PGRST_GATE_POSTGREST` names one or
several binaries, with colons between, or `postgrest` is on PATH.
"""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGUSR1
from types import MappingProxyType
from typing import Any, Final

import httpx
import jwt
import psycopg
import pytest
from tests.acceptance.capabilities import SINCE, Capability, needs, version_of_binary

from pgrst_sandbox.dialect import RECORDED
from pgrst_sandbox.postgres import Postgres
from pgrst_sandbox.process import SECRET, Server, run

LOADED: Final = r"Schema cache loaded(?! \d)"
"""In the log of every version; `Schema cache loaded 3 Relations, ...` is another line."""

ROLES: Final = """
create role anon nologin;
create role member nologin;
create role stranger nologin;
create role outsider nologin;
create role root nologin superuser;
create role authenticator login noinherit;
create role frail login noinherit;
alter role frail set statement_timeout = 1000;
grant anon, member, stranger, outsider, root to authenticator;
grant anon to frail;
"""
"""`stranger` may use next to nothing, `outsider` not even the schema, `root` everything.
`frail` is another authenticator, of little patience."""

BASE: Final = """
drop schema if exists public cascade;
create schema public;
grant usage on schema public to anon, member, stranger;
alter default privileges in schema public grant all on tables to anon, member;
create table projects (id int primary key, name text);
create table scans (
    id int primary key, project_id int, status text, legacy text, old_name text, retyped int
);
grant select (id, status) on scans to stranger;
create table doomed (id int primary key);
create function ping() returns text language sql stable as $$ select 'pong' $$;
create function retired(a int) returns int language sql stable as $$ select a $$;
create function greedy(json) returns json language sql stable as $$ select $1 $$;
insert into projects values (1, 'one');
insert into scans values (1, 1, 'running', 'x', 'y', 0);
"""

MIGRATION: Final = """
alter table scans add column ended_at timestamptz, add column last_activity_at timestamptz;
alter table scans add column "Odd Col" int;
alter table scans add column doubled int generated always as (id * 2) stored;
alter table scans add foreign key (project_id) references projects;
alter table scans alter column retyped type text;
alter table scans drop column legacy;
alter table scans rename column old_name to new_name;
drop table doomed;
create table heartbeats (scan_id int references scans, message text);
create view active_scans as select id, status, ended_at from scans where status = 'running';
create materialized view scan_counts as select status, count(*) from scans group by status;
create function update_scan_heartbeat(scan_id int, progress_msg text default '') returns void
    language sql as $$ insert into heartbeats values ($1, $2) $$;
create function overloaded(a int) returns int language sql stable as $$ select a $$;
create function overloaded(a int, b int) returns int language sql stable as $$ select a + b $$;
create function me() returns name language sql stable as $$ select current_role $$;
create function tick() returns int language sql stable as $$ select 1 $$;
create function takes_any(json) returns json language sql stable as $$ select $1 $$;
create function greedy(a int, b int) returns int language sql stable as $$ select a + b $$;
create function same_names(a int) returns int language sql stable as $$ select a $$;
create function same_names(a text) returns text language sql stable as $$ select a $$;
create function guarded(a int) returns int language sql stable as $$ select a $$;
revoke execute on function guarded from public;
drop function retired(int);
"""
"""What the gate is asked about. `BASE` is there before it."""

_COLUMNS: Final = needs("hides columns")
_CALLS: Final = needs("tells calls")
NEW: Final = (
    pytest.param("expected_columns", "scans: ended_at", marks=_COLUMNS),
    pytest.param("expected_columns", "scans: ended_at, last_activity_at", marks=_COLUMNS),
    pytest.param("expected_columns", 'scans: "Odd Col"', marks=_COLUMNS),
    pytest.param("expected_columns", "scans: doubled", marks=_COLUMNS),
    pytest.param("expected_columns", "scans: new_name", marks=_COLUMNS),
    pytest.param("expected_columns", "active_scans: ended_at", marks=_COLUMNS),
    ("expected_tables", "heartbeats"),
    ("expected_tables", "active_scans"),
    ("expected_tables", "scan_counts"),
    pytest.param(
        "expected_functions", "update_scan_heartbeat(scan_id, progress_msg)", marks=_CALLS
    ),
    pytest.param("expected_functions", "overloaded(a, b)", marks=_CALLS),
    ("expected_functions", "tick()"),
    pytest.param("expected_functions", "takes_any(*)", marks=needs("plans only")),
    ("expected_relationships", "scans -> projects"),
    ("expected_relationships", "projects -> scans"),
    ("expected_relationships", "heartbeats -> scans"),
)
"""What the migration brings, each with its input."""

GONE: Final = (
    "scans: legacy",
    "scans: old_name",
    "doomed",
    pytest.param("retired(a)", marks=_CALLS),
)
"""What it takes away."""


_BACKENDS: Final = "select pid from pg_stat_activity"
_END_OTHERS: Final = """
select pg_terminate_backend(pid), pid from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Look again and again. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain")
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Kind:
    """A PostgREST to run the tests on."""

    name: str
    version: str
    binary: str = ""
    """Where it is; empty for the stand-in."""

    def __str__(self) -> str:
        return self.name

    def can(self, capability: Capability) -> bool:
        """Whether its version is of those that can."""
        return tuple(map(int, self.version.split("."))) >= SINCE[capability]

    def program(self, home: Path) -> Path:
        """A program of a name that a PostgREST may have, and no other process of this machine.

        The kernel calls a script by its file's name, in 15 characters.
        """
        path = home / f"postgrest-{10000 + secrets.randbelow(90000)}"
        if self.binary:
            path.symlink_to(self.binary)
        else:
            module = "import runpy\n\nrunpy.run_module('pgrst_sandbox', run_name='__main__')\n"
            path.write_text(f"#!{sys.executable}\n{module}")
            path.chmod(0o755)
        return path


def kinds() -> tuple[Kind, ...]:
    """The binaries there are, or else the stand-in."""
    named = [path for path in os.environ.get("PGRST_GATE_POSTGREST", "").split(os.pathsep) if path]
    found = named or [path for path in [shutil.which("postgrest")] if path]
    binaries = tuple(
        Kind(Path(path).name, version_of_binary(path), str(Path(path).absolute())) for path in found
    )
    return binaries or tuple(Kind(f"stand-in {version}", version) for version in RECORDED)


@dataclass(frozen=True, slots=True)
class World:
    """A running PostgREST and the database it serves."""

    kind: Kind
    cluster: Postgres
    database: str
    server: Server
    program: Path

    @property
    def url(self) -> str:
        """The API's base address."""
        return self.server.url

    @property
    def admin_url(self) -> str:
        """The admin server's."""
        return self.server.admin_url

    @property
    def database_url(self) -> str:
        """For NOTIFY, as the superuser."""
        return self.cluster.dsn(self.database)

    @property
    def alive(self) -> bool:
        """Whether the process runs that was started."""
        return self.server.process.poll() is None

    def sql(self, script: str) -> None:
        """Run statements as the superuser, in one transaction. The server is not told."""
        self.cluster.execute(script, dbname=self.database)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds, as the superuser."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def reload(self) -> None:
        """Have the server load its cache, and wait until it did."""
        before = len(self.server.log)
        self.server.signal(SIGUSR1)
        self.server.wait_for_log(LOADED, after=before)

    def disconnect(self) -> None:
        """End the server's connections to the database, and wait until they are gone."""
        ended = {pid for _, pid in self.rows(_END_OTHERS)}
        wait_until(lambda: not ended & {pid for (pid,) in self.rows(_BACKENDS)})

    def requests(self, agent: str = "pgrst-gate") -> list[str]:
        """The lines of the access log about the gate, from all tests so far."""
        mark = secrets.token_hex(8)
        httpx.get(f"{self.url}/{mark}")
        wait_until(lambda: any(mark in line for line in self.server.access_log.since()))
        return [line for line in self.server.access_log.since() if agent in line]


def token(role: str, secret: str = SECRET, **claims: object) -> str:
    """A JWT of a role."""
    return jwt.encode({"role": role, **claims}, secret, algorithm="HS256")


@contextmanager
def start_world(
    cluster: Postgres,
    kind: Kind,
    home: Path,
    *,
    database: str = "",
    setup: str = BASE,
    environment: Mapping[str, str] = MappingProxyType({}),
    dsn: str = "",
) -> Iterator[World]:
    """A new database with the setup, or the one that is named, and a server over it.

    ``home`` is where its program goes; ``dsn`` is another way to the database.
    """
    if not database:
        database = f"world_{secrets.token_hex(4)}"
        cluster.create_database(database)
        cluster.execute(setup, dbname=database)
    program = kind.program(home)
    with run(
        dsn=dsn or cluster.dsn(database, "authenticator"),
        version=kind.version,
        env={"PGRST_LOG_LEVEL": "info", **environment},
        command=[str(program)],
    ) as server:
        server.wait_for_log(LOADED)  # so that it is not taken for the line of a later load
        yield World(kind, cluster, database, server, program)
