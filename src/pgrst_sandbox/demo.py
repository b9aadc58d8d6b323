"""`make demo`: a migration, a stale cache, the check that misses it, and the gate that does not.

PostgreSQL, its grants, the NOTIFY, the HTTP and the command `pgrst-gate` are real. The server is a
`postgrest` (12.2 or later) from $PGRST_GATE_POSTGREST or PATH, or else the stand-in. Exit code 0
says that all went as told, 1 that something did not, which is then named.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from pgrst_sandbox.postgres import Postgres, postgres
from pgrst_sandbox.process import Server, run

DATABASE: Final = "demo"
SCHEMA: Final = """
create role anon nologin;
create role authenticator login noinherit;
grant anon to authenticator;
create table projects (id integer primary key, name text not null);
create table scans (
    id integer primary key,
    project_id integer references projects,
    status text not null default 'running'
);
grant select, insert on projects, scans to anon;
"""
MIGRATION: Final = """
alter table scans add column ended_at timestamptz, add column last_activity_at timestamptz;
create table heartbeats (scan_id integer not null references scans, message text);
create function update_scan_heartbeat(scan_id integer, progress_msg text) returns void
    language sql as 'insert into heartbeats values ($1, $2)';
grant select, insert on heartbeats to anon;
"""
EXPECTED: Final = {
    "expected-tables": "heartbeats",
    "expected-columns": "scans: ended_at timestamptz, last_activity_at",
    "expected-functions": "update_scan_heartbeat(scan_id, progress_msg)",
    "expected-relationships": "heartbeats -> scans",
}
CHECK: Final = "/scans?select=ended_at,last_activity_at"
SCAN: Final = {"id": 1, "last_activity_at": "2026-08-21T23:49:17Z"}


class NotAsTold(Exception):
    """Something went otherwise than the demo says."""


def main() -> int:
    """Run the demo; gives its exit code."""
    try:
        with postgres() as database_server:
            _show(database_server)
    except NotAsTold as error:
        print(f"\nNOT AS TOLD: {error}", file=sys.stderr)
        return 1
    return 0


def _show(database_server: Postgres) -> None:
    database_server.create_database(DATABASE)
    database_server.execute(SCHEMA, dbname=DATABASE)
    command = real_postgrest()
    with run(dsn=database_server.dsn(DATABASE, "authenticator"), command=command) as server:
        _introduce(server, command)

        _heading("A migration adds two columns, a table and a function; PostgREST is not told")
        _indented(MIGRATION)
        database_server.execute(MIGRATION, dbname=DATABASE)

        _heading("The usual check passes, though the schema cache is stale")
        _expect(_request(server, "GET", CHECK), 200)

        _heading("A client that writes the new column fails at the same moment")
        answer = _request(server, "POST", "/scans", SCAN)
        _expect(answer, 400)
        _as_told("the error code", answer.json()["code"], "PGRST204")

        _heading("The gate asks the cache itself: closed, and it says why")
        closed = _gate(server, {"runtime": "none", "timeout": "2s"})
        _as_told("the gate's exit code", closed.exit_code, 1)
        _as_told("the causes", closed.causes, {"stale"})

        _heading("The gate reloads the cache, waits and verifies: open")
        database = database_server.dsn(DATABASE, "authenticator")
        reload = {"runtime": "notify", "database-url": database, "admin-url": server.admin_url}
        opened = _gate(server, reload)
        _as_told("the gate's exit code", opened.exit_code, 0)
        _as_told("the causes", opened.causes, {"served"})
        _as_told("the evidence", opened.evidence, "confirmed")

        _heading("Now the client can write")
        _expect(_request(server, "POST", "/scans", SCAN), 201)
    print("\nAll went as told.")


def real_postgrest() -> Sequence[str]:
    """The command of a real server; empty where there is none."""
    found = os.environ.get("PGRST_GATE_POSTGREST") or shutil.which("postgrest")
    return [found] if found else []


def _introduce(server: Server, command: Sequence[str]) -> None:
    version = httpx.get(server.url).headers.get("server", "PostgREST of unknown version")
    if command:
        print(f"A real server, {command[0]} ({version}), over a real PostgreSQL.")
    else:
        print(
            "No `postgrest` is on PATH. In its place runs the stand-in, a small server that is held"
        )
        print(f"to recordings of real ones (here of {version}), over a real PostgreSQL.")


def _heading(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def _indented(text: str) -> None:
    print(textwrap.indent(text.strip("\n"), "    "), flush=True)


def _request(
    server: Server, method: str, target: str, body: Mapping[str, object] | None = None
) -> httpx.Response:
    """One request, shown as the curl line that would make it, with its answer."""
    curl = ["curl", "--request", method] if body else ["curl"]
    if body:
        curl += ["--header", "Content-Type: application/json", "--data", json.dumps(body)]
    print(f"    $ {shlex.join([*curl, server.url + target])}")
    answer = httpx.request(method, server.url + target, json=body)
    print(f"    {answer.status_code} {answer.text}".rstrip())
    return answer


@dataclass(frozen=True, slots=True)
class _Gate:
    """How a run of the gate ended."""

    exit_code: int
    causes: set[str]
    evidence: str


def _gate(server: Server, inputs: Mapping[str, str]) -> _Gate:
    """Run the gate as a process of its own, shown with its command line and its output."""
    given = {"url": server.url, **EXPECTED, **inputs}
    flags = [(f"--{name}", value) for name, value in given.items()]
    shown = " \\\n        ".join(f"{name} {shlex.quote(value)}" for name, value in flags)
    print(f"    $ pgrst-gate run {shown}\n", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "report.json")
        began = time.monotonic()
        ended = subprocess.run(
            [
                Path(sys.executable).with_name("pgrst-gate"),
                *("run", *(word for flag in flags for word in flag)),
            ],
            env=os.environ | {"PGRST_GATE_REPORT": str(path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        _indented(ended.stdout)
        report: dict[str, Any] = json.loads(path.read_text())
    print(f"\n    ({seconds:.1f} s in all)", flush=True)
    causes = {item["cause"] for item in report["items"]}
    return _Gate(ended.returncode, causes, report["evidence"]["strength"])


def _expect(answer: httpx.Response, status: int) -> None:
    _as_told("the status of the answer", answer.status_code, status)


def _as_told(what: str, seen: object, told: object) -> None:
    if seen != told:
        raise NotAsTold(f"{what} should be {told}, and is {seen}")


if __name__ == "__main__":
    sys.exit(main())
