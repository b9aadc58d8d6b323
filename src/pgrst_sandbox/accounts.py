"""Write docs/accounts.md: what the gate says of a pass and of each kind of closure.

Every account is real output: PostgreSQL, grants, HTTP and the gate are; the server is the stand-in.
`--check` writes nothing and fails when the gate would say something else now, numbers aside.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

from pgrst_gate import session
from pgrst_gate.inputs import Given
from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Destinations, Event, Report
from pgrst_gate.reporters import console, markdown
from pgrst_sandbox.demo import EXPECTED, MIGRATION, SCHEMA
from pgrst_sandbox.postgres import Postgres, postgres
from pgrst_sandbox.process import Server, run

PAGE: Final = Path(__file__).parents[2] / "docs/accounts.md"
_CHANGING: Final = re.compile(
    r"no_such_[0-9a-f]+|\d+ min \d+ s|\d[\d,.]* (?:ms|s)\b|\d[\d,]* (?:rounds?|loads?)\b|\d+"
    r"|(?s:```mermaid.*?```)"
)
_TABLE: Final = {"expected-tables": "heartbeats"}
_RELOADED: Final = {"runtime": "notify", "admin-url": "yes", "timeout": "10s"}
_INTRODUCTION: Final = """# What the gate says

The account of a pass and of each way a gate ends otherwise, as a console shows it. All of it is
real output, written by `python -m pgrst_sandbox.accounts`; `make check` fails when the gate would
say something else. The migration is that of `make demo`: two columns, a table and a function.
[verdicts.md](verdicts.md) tells of each cause.
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
    summary: bool = False
    """Show the job summary, too."""
    stranger: bool = False
    """Ask a server that is no PostgREST."""


SCENES: Final = (
    Scene(
        "Open",
        "The migration was applied; the gate sends the NOTIFY and sees the cache change.",
        {**EXPECTED, **_RELOADED},
        after=MIGRATION,
        summary=True,
    ),
    Scene(
        "stale",
        "The migration was applied, and nobody told PostgREST.",
        EXPECTED,
        after=MIGRATION,
        summary=True,
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
    Scene("unauthorized", "The token is none.", {**_TABLE, "token": "no-token"}, before=MIGRATION),
    Scene("not-postgrest", "Something else answers there.", stranger=True),
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
        with run(dsn=cluster.dsn(database, "authenticator")) as server:
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
            user = texts.get("database-url", "postgres")
            texts["database-url"] = cluster.dsn(database, user)
        front = _Kept()
        session.run({name: Given(text, name) for name, text in texts.items()}, front)
    lines = [f"## {scene.title}", "", scene.told, "", "```text"]
    lines += [console.render(front.report).strip("\n"), "```", ""]
    if scene.summary:
        told = "<details><summary>The job summary of the same run</summary>"
        lines += [told, "", markdown.render(front.report).strip("\n"), "", "</details>", ""]
    shown = "\n".join(lines)
    return shown.replace(url, "http://localhost:3000")


@contextmanager
def _address(scene: Scene, server: Server) -> Iterator[str]:
    if scene.stranger:
        with ThreadingHTTPServer(("127.0.0.1", 0), _Stranger) as other:
            thread = Thread(target=other.serve_forever, args=(0.01,))
            thread.start()
            yield f"http://127.0.0.1:{other.server_port}"
            other.shutdown()
            thread.join()
    else:
        yield server.url


class _Stranger(BaseHTTPRequestHandler):
    """A web server that answers all with a page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    do_POST = do_GET  # noqa: N815 - a name of http.server

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
