"""What is measured, in the order of the table."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from bench.table import Row
from bench.world import COMMAND, ROLES, World, as_process, in_process, measured, peak_memory
from pgrst_gate.report import Report
from pgrst_sandbox.demo import real_postgrest
from pgrst_sandbox.postgres import Postgres
from pgrst_sandbox.process import run

RUNS: Final = 10
RUNS_OF_MANY: Final = 3
RELATIONS: Final = 1000
COLUMNS: Final = 20
SLEEP_SECONDS: Final = 10

SCANS: Final = "create table scans (id integer primary key);"
NAMES: Final = tuple(f"c{number}" for number in range(1, COLUMNS + 1))


def _tables(first: int, number: int) -> str:
    columns = ", ".join(f"{name} integer" for name in NAMES)
    return "".join(f"create table t{n} ({columns});" for n in range(first, first + number))


MANY: Final = _tables(1, RELATIONS)


def all_of(database: Postgres, tell: Callable[[str], None]) -> Iterator[Row]:
    """Every measurement; `tell` is called with the name of each group before it begins."""
    tell("what the gate adds to a reload")
    with World.over(database, "scans", SCANS) as world:
        yield from _after_loaded(world)
        tell("the whole step")
        yield from _whole_step(world)
    tell("a reload that takes a second")
    with World.over(database, "slow", SCANS, load_milliseconds=1000) as world:
        yield _from_loaded(
            world, 'from the "loaded" line, after a reload of 1 s', in_process, admin=True
        )
    tell("the recipe it replaces")
    yield _recipe(database)
    tell(f"{RELATIONS:,} relations of {COLUMNS} columns")
    with World.over(database, "many", MANY) as world:
        yield from _many(world)
    tell("everything that a database offers")
    yield from _offered(database)
    tell("the start of the program")
    yield Row("`pgrst-gate --version`, whole process", [*_version()], "ms", 150)


def _after_loaded(world: World) -> Iterator[Row]:
    what = 'from the "loaded" line to the verdict'
    yield _from_loaded(world, f"{what}, in process", in_process, limit=100)
    yield _from_loaded(
        world, f"{what}, in process, with admin-url", in_process, admin=True, limit=100
    )
    yield _from_loaded(world, 'from the "loaded" line to the end of the command', as_process)


def _from_loaded(
    world: World,
    what: str,
    gate: Callable[[dict[str, str]], object],
    *,
    admin: bool = False,
    limit: float | None = None,
) -> Row:
    times = []
    for _ in range(RUNS):
        given = world.given(_new_column(world, "scans"), refresh=True, admin=admin)
        times.append(world.from_loaded_to(partial(gate, given)))
    return Row(what, times, "ms", limit)


def _new_column(world: World, table: str) -> str:
    """A column that the server does not know yet, as an expectation."""
    name = f"new{time.monotonic_ns()}"
    world.migrate(f"alter table {table} add column {name} integer")
    return f"{table}: {name}"


def _whole_step(world: World) -> Iterator[Row]:
    times = []
    for _ in range(RUNS):
        given = world.given(_new_column(world, "scans"), refresh=True, admin=True)
        began = time.monotonic()
        as_process(given)
        times.append(time.monotonic() - began)
    yield Row("whole step: the gate, reload by NOTIFY", times, "s")
    given = world.given(_new_column(world, "scans"), refresh=True, admin=True)
    yield Row("whole step: peak memory of its process", [peak_memory(given)], "MiB", 120)


def _recipe(database: Postgres) -> Row:
    """Restart, sleep and a request, as people have it in their workflows."""
    database.create_database("recipe")
    database.execute(ROLES + SCANS, dbname="recipe")
    dsn = database.dsn("recipe", "authenticator")
    with ExitStack() as old, ExitStack() as new:
        server = old.enter_context(run(dsn=dsn, command=real_postgrest()))
        port = httpx.URL(server.url).port
        began = time.monotonic()
        old.close()
        new.enter_context(run(dsn=dsn, command=real_postgrest(), port=port, wait=False))
        time.sleep(SLEEP_SECONDS)
        httpx.get(f"{server.url}/scans?select=id").raise_for_status()
        return Row("whole step: restart, sleep 10, one request", [time.monotonic() - began], "s")


def _many(world: World) -> Iterator[Row]:
    what = f"{RELATIONS:,} relations of {COLUMNS} columns"
    expected = "\n".join(f"t{number}: {', '.join(NAMES)}" for number in range(1, RELATIONS + 1))

    seen = world.given(expected, refresh=False, admin=False)
    reports = [in_process(seen) for _ in range(RUNS_OF_MANY)]
    yield Row(f"{what}: one whole round", [*map(_round, reports)], "s", 1.5)
    yield Row(f"{what}: whole run, with the baseline", [r.seconds for r in reports], "s")

    for admin in (False, True):
        times = []
        for _ in range(RUNS_OF_MANY):
            wanted = f"{expected}\n{_new_column(world, 't1')}"
            given = world.given(wanted, refresh=True, admin=admin)
            times.append(world.from_loaded_to(partial(in_process, given)))
        with_admin = ", with admin-url" if admin else ""
        yield Row(f'{what}: from the "loaded" line to the verdict{with_admin}', times, "s", 1.5)
    yield Row(f"{what}: peak memory of its process", [peak_memory(seen)], "MiB", 120)

    for admin in (False, True):
        given = world.everything(admin=admin)
        reports = [in_process(given) for _ in range(RUNS_OF_MANY)]
        with_types = ", and their types" if admin else ""
        yield Row(
            f"{what}: all that the database offers{with_types}, nothing typed",
            [report.seconds for report in reports],
            "s",
            2,
        )


def _offered(database: Postgres) -> Iterator[Row]:
    for relations in (RELATIONS, 10 * RELATIONS):
        name = f"offered{relations}"
        database.create_database(name)
        for first in range(1, relations + 1, RELATIONS):  # a transaction holds so many locks only
            database.execute(_tables(first, RELATIONS), dbname=name)
        with tempfile.TemporaryDirectory() as directory:
            for what, arguments in _commands(database.dsn(name), Path(directory)):
                runs = (measured(*arguments) for _ in range(RUNS_OF_MANY))
                times, peaks = zip(*runs, strict=True)
                named = f"{relations:,} relations of {COLUMNS} columns: {what}"
                yield Row(f"{named}, whole process", times, "s")
                yield Row(f"{named}, peak memory", peaks, "MiB")


def _commands(dsn: str, directory: Path) -> Iterator[tuple[str, Sequence[str]]]:
    """What can be made of all that a database offers, each with its name."""
    kept, changed = directory / "api.yml", directory / "changed.yml"
    yield "`pgrst-gate expect`", ["expect", "--expect-from", "database", "--database-url", dsn]
    yield "`pgrst-gate snapshot`", ["snapshot", dsn, "--out", str(kept)]
    yield "`pgrst-gate diff` of snapshot and database", ["diff", str(kept), dsn]
    changed.write_text(kept.read_text().replace("c1: integer", "c1: bigint"))
    files = ["diff", str(kept), str(changed), "--fail-on", "none"]
    yield "`pgrst-gate diff` of two snapshots, each relation changed", files


def _round(report: Report) -> float:
    """Seconds from the end of the baseline to the first good round."""
    (baseline,) = (event.at for event in report.events if event.stage == "baseline")
    if report.milestones.served is None:
        raise RuntimeError(report.sentence)
    return report.milestones.served - baseline


def _version() -> Iterator[float]:
    for _ in range(RUNS):
        began = time.monotonic()
        subprocess.run([COMMAND, "--version"], check=True, capture_output=True)
        yield time.monotonic() - began
