"""Write docs/accounts.md: what the gate says of a pass and of each kind of closure.

Every account is real output: PostgreSQL, grants, HTTP and the gate are; the server is the stand-in.
`--check` writes nothing and fails when the gate would say something else now, numbers aside.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from pgrst_gate import session
from pgrst_gate.inputs import Given
from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Destinations, Event, Report
from pgrst_gate.reporters import console, markdown
from pgrst_sandbox.demo import EXPECTED, MIGRATION, SCHEMA
from pgrst_sandbox.faults import loads
from pgrst_sandbox.postgres import Postgres, postgres
from pgrst_sandbox.process import Server, run

PAGE: Final = Path(__file__).parents[2] / "docs/accounts.md"
_CHANGING: Final = re.compile(
    r"no_such_[0-9a-f]+|\d+ min \d+ s|\d[\d,.]* (?:ms|s)\b|\d[\d,]* (?:rounds?|loads?)\b|\d+"
    r"|(?s:```mermaid.*?```)"
)
_TABLE: Final = {"expected-tables": "heartbeats"}
_RELOADED: Final = {"runtime": "notify", "admin-url": "yes", "timeout": "10s"}
_HASTE: Final = """
begin;
do $$ begin execute format(
    'alter role authenticator in database %I set statement_timeout = 1', current_database()
); end $$;
commit;
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where usename = 'authenticator' and datname = current_database();
do $$ begin
    while not exists (
        select from pg_stat_activity where datname = current_database() and query ilike 'listen%'
    ) loop
        perform pg_sleep(0.05), pg_stat_clear_snapshot();
    end loop;
end $$;
"""
"""Connections of the server are made anew, and a load may take a millisecond from then on."""
_INTRODUCTION: Final = """# What the gate says

The account of a pass and of each way a gate ends otherwise, as a console shows it, and as a job
summary does. All of it is real output, written by `python -m pgrst_sandbox.accounts`; `make check`
fails when the gate would say something else. The migration is that of `make demo`: two columns, a
table and a function. [verdicts.md](verdicts.md) tells of each cause.
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """What happened before the gate was asked, and what it was asked."""

    title: str
    told: str
    """One sentence for the reader."""
    inputs: Mapping[str, str] = field(default_factory=lambda: _TABLE)
    before: str = ""
    """SQL before the server loads its cache."""
    after: str = ""
    """SQL that it is not told of."""
    version: str = "14.14"
    slow: int = 0
    """Milliseconds that a load takes longer; then the first one is not waited for."""
    stranger: int = 0
    """The status with which something else answers in place of PostgREST."""


SCENES: Final = (
    Scene(
        "Open",
        "The migration was applied; the gate sends the NOTIFY and sees the cache change.",
        {**EXPECTED, **_RELOADED},
        after=MIGRATION,
    ),
    Scene(
        "stale",
        "The migration was applied, and nobody told PostgREST.",
        EXPECTED,
        after=MIGRATION,
    ),
    Scene(
        "not-applied",
        "The cache was loaded, and the migration was not applied to this database.",
        {**_TABLE, **_RELOADED},
    ),
    Scene(
        "not-granted",
        "The cache is fresh, and the role of the key may not read the table.",
        _TABLE,
        before=MIGRATION + "revoke select on heartbeats from anon;",  # noqa: S608 - our own
    ),
    Scene(
        "not-exposed",
        "The table is in a schema that PostgREST does not serve.",
        {"expected-tables": "private.heartbeats"},
        before="create schema private; create table private.heartbeats (id int);",
    ),
    Scene(
        "wrong-signature",
        "The function is there, with other argument names.",
        {"expected-functions": "update_scan_heartbeat(scan_id, message)", **_RELOADED},
        before=MIGRATION,
    ),
    Scene(
        "ambiguous",
        "Two functions have these argument names.",
        {"expected-functions": "find(key)"},
        before=(
            "create function find(key int) returns int language sql stable as 'select 1';"
            "create function find(key text) returns int language sql stable as 'select 1';"
        ),
    ),
    Scene(
        "type-drift",
        "The column is there, with another type.",
        {"expected-columns": "scans: status integer", "admin-url": "yes"},
    ),
    Scene(
        "still-served",
        "The table should be gone, and its migration was not applied.",
        {"expected-absent": "scans"},
    ),
    Scene("reloading", "The server was started a moment ago, and is still loading.", slow=60_000),
    Scene(
        "reload-failing",
        "The migration was applied; the database ends the load, which takes too long for it.",
        {
            **_TABLE,
            "runtime": "notify",
            "admin-url": "yes",
            "timeout": "3s",
        },
        after=f"{MIGRATION}{_HASTE}",
    ),
    Scene("unauthorized", "The token is none.", {**_TABLE, "token": "no-token"}, before=MIGRATION),
    Scene("unreachable", "A gateway answers there, and finds no PostgREST.", stranger=502),
    Scene("not-postgrest", "Something else answers there.", stranger=200),
    Scene(
        "unproven",
        "PostgREST 10 shows no plans, and nothing counted a load.",
        {"expected-functions": "update_scan_heartbeat(scan_id, progress_msg)"},
        before=MIGRATION,
        version="10.2.0",
    ),
    Scene(
        "A rule of access is not kept",
        "All is served, and the anonymous role may read more than it should.",
        {**_TABLE, "access": "anon may read scans\nanon may not read heartbeats"},
        before=MIGRATION,
    ),
    Scene(
        "An endpoint does not answer as expected",
        "All is served, and a request that was asked for fails.",
        {**_TABLE, "endpoints": "/heartbeats?limit=1 -> 200\n/scans?limit=1 -> 404"},
        before=MIGRATION,
    ),
    Scene(
        "Unprotected",
        "All is served, to everybody, and `fail-on-unprotected` is set.",
        {**_TABLE, "database-url": "postgres", "fail-on-unprotected": "true"},
        before=MIGRATION,
    ),
    Scene(
        "Drift",
        "The migration dropped a column that the API still offers.",
        {"mode": "drift", "before": "the API", "after": "postgres"},
        after="alter table scans drop column status;",
    ),
    Scene(
        "Too little evidence",
        "All is as expected, and more evidence is required than was seen.",
        {**_TABLE, "require-evidence": "confirmed"},
        before=MIGRATION,
    ),
    Scene(
        "Not refreshed",
        "The database of the notification refuses the user.",
        {**_TABLE, "runtime": "notify", "database-url": "nobody"},
        after=MIGRATION,
    ),
    Scene("Wrong input", "An input does not read.", {"expected-tabels": "heartbeats"}),
)


class _Kept:
    """A front that keeps the report."""

    report: Report

    def begin(self, secrets: Secrets) -> Callable[[Event], None]:
        del secrets
        return lambda _: None

    def finish(self, report: Report, destinations: Destinations) -> None:
        del destinations
        self.report = report


def main(arguments: Sequence[str]) -> int:
    """Write the page, or check it; gives the exit code."""
    with postgres() as cluster:
        page = "\n".join([_INTRODUCTION, *_sections(cluster)])
    if list(arguments) != ["--check"]:
        PAGE.write_text(page, "utf-8")
        return 0
    if steady(page) != steady(PAGE.read_text("utf-8")):
        told = "is not what the gate says: run `python -m pgrst_sandbox.accounts`"
        sys.stderr.write(f"{PAGE.name} {told}\n")
        return 1
    return 0


def steady(page: str) -> list[str]:
    """The words of a page, without what differs between two runs of the same."""
    return _CHANGING.sub("N", page).split()


def _sections(cluster: Postgres) -> Iterator[str]:
    roles, _, schema = SCHEMA.partition("create table projects")
    cluster.execute(roles, dbname="postgres")
    for number, scene in enumerate(SCENES):
        database = f"scene_{number}"
        cluster.create_database(database)
        cluster.execute(f"create table projects{schema}{scene.before}", dbname=database)
        server_of = partial(
            run,
            dsn=cluster.dsn(database, "authenticator"),
            version=scene.version,
            env=loads.slow(scene.slow),
            wait=not scene.slow,
        )
        with server_of() as server:
            if scene.slow:
                server.wait_for_log("API server listening")
            if scene.after:
                cluster.execute(scene.after, dbname=database)
            yield _section(scene, server, cluster, database)


def _section(scene: Scene, server: Server, cluster: Postgres, database: str) -> str:
    """Run the gate; what differs between machines is written as it might be elsewhere."""
    with _address(scene, server) as url:
        texts = {"url": url, "runtime": "none", "timeout": "1s", **scene.inputs}
        if "admin-url" in texts:
            texts["admin-url"] = server.admin_url
        if texts["runtime"] == "notify":
            texts.setdefault("database-url", "postgres")
        for name in ("database-url", "after"):
            if name in texts:
                texts[name] = cluster.dsn(database, texts[name])
        if "before" in texts:
            texts["before"] = url
        front = _Kept()
        session.run({name: Given(text, name) for name, text in texts.items()}, front)
    lines = [f"## {scene.title}", "", scene.told, "", "```text"]
    lines += [console.render(front.report).strip("\n"), "```", ""]
    lines += ["<details><summary>The job summary of the same run</summary>", ""]
    lines += [markdown.render(front.report).strip("\n"), "", "</details>", ""]
    return "\n".join(lines).replace(url, "http://localhost:3000")


@contextmanager
def _address(scene: Scene, server: Server) -> Iterator[str]:
    if scene.stranger:
        answering = partial(_Stranger, scene.stranger)
        with ThreadingHTTPServer(("127.0.0.1", 0), answering) as other:
            thread = Thread(target=other.serve_forever, args=(0.01,))
            thread.start()
            yield f"http://127.0.0.1:{other.server_port}"
            other.shutdown()
            thread.join()
    else:
        yield server.url


class _Stranger(BaseHTTPRequestHandler):
    """A web server that answers all with a page."""

    def __init__(self, status: int, *connection: Any) -> None:  # noqa: ANN401 - http.server's
        self._status = status
        super().__init__(*connection)

    def do_GET(self) -> None:
        self.send_response(self._status)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    do_POST = do_GET  # noqa: N815 - a name of http.server

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
