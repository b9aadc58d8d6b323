"""`python -m bench`: all measurements in one run, side by side, as a table."""

import argparse
import os
import platform
import sys
from importlib.metadata import version
from typing import Final

import psycopg

from bench import measurements
from bench.table import markdown, plain
from bench.world import World
from pgrst_gate import __version__
from pgrst_sandbox.demo import real_postgrest
from pgrst_sandbox.postgres import Postgres, postgres

CAUTION: Final = "Both share these cores: what the server takes is in the gate's numbers."


def main() -> int:
    """Measure and print. The exit code says nothing of limits: no build hangs on a busy machine."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    render = markdown if parser.parse_args().markdown else plain
    load, _, _ = os.getloadavg()
    with postgres() as database_server:
        about = _machine(database_server, load)
        rows = [*measurements.all_of(database_server, tell=_progress)]
    print(about)
    print()
    print(render(rows))
    return 0


def _progress(text: str) -> None:
    print(f"measuring {text} ...", file=sys.stderr, flush=True)


def _machine(database_server: Postgres, load: float) -> str:
    with psycopg.connect(database_server.dsn()) as connection:
        (database,) = connection.execute("show server_version").fetchone() or ("",)
    with World.over(database_server, "about") as world:
        server = world.server_version
    kind = "a real server" if real_postgrest() else "the stand-in"
    return (
        f"pgrst-gate {__version__} on {os.cpu_count()} cores ({platform.machine()},"
        f" {platform.system()}) with a load average of {load:.1f} at the start,"
        f" Python {platform.python_version()}, httpx {version('httpx')};"
        f" {server} ({kind}) and PostgreSQL {database} on the same machine. {CAUTION}"
    )


if __name__ == "__main__":
    sys.exit(main())
