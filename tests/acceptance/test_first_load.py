"""A server that has no schema cache yet: nothing is told of the items but to give it more time."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.acceptance.capabilities import each_line, needs
from tests.acceptance.running import gate
from tests.acceptance.world import BASE, Kind, wait_until

from pgrst_gate.verdicts import Cause
from pgrst_sandbox.faults import loads
from pgrst_sandbox.postgres import Postgres
from pgrst_sandbox.process import Server, run

pytestmark = [
    needs("counts loads"),
    each_line("a server without a cache answers alike on all of a line, but 16, which is silent"),
]


@pytest.fixture
def loading(cluster: Postgres, kind: Kind, tmp_path: Path) -> Iterator[Server]:
    """A server in the middle of its first load, which takes some seconds more."""
    database = f"slow_{kind.version}"
    cluster.create_database(database)
    cluster.execute(BASE, dbname=database)
    # The gate waits for no more than two seconds for a `localhost` in a container to listen.
    slow = loads.slow(1500 if kind.version.startswith("16.") else 5000)
    dsn = cluster.dsn(database, "authenticator")
    program = [str(kind.program(tmp_path))]
    with run(dsn=dsn, version=kind.version, env=slow, command=program, wait=False) as server:
        wait_until(lambda: listens(kind, server), 30)
        yield server


def listens(kind: Kind, server: Server) -> bool:
    """Whether it answers that it has no cache; 16 refuses connections until it has one."""
    if kind.version.startswith("16."):
        return any("Starting PostgREST" in line for line in server.log.since())
    with suppress(httpx.TransportError):
        return httpx.get(server.url).status_code == httpx.codes.SERVICE_UNAVAILABLE
    return False


def test_a_first_load_that_has_not_ended_is_given_more_time(loading: Server, kind: Kind) -> None:
    """No question is answered before; with the time that is asked for the gate opens."""
    inputs = {"schema": "public", "expected_tables": "scans"}

    report = gate(loading.url, timeout="300ms", **inputs)
    after = gate(loading.url, timeout="20s", **inputs)

    if kind.version.startswith("16."):
        assert (report.exit_code, report.conclusion.value) == (4, "not-observed")
        assert "does not answer" in report.sentence
    else:
        [verdict] = report.verdicts
        assert (report.exit_code, verdict.cause) == (1, Cause.RELOADING)
        assert any("503 PGRST002" in line for line in verdict.told)
        assert "`timeout`" in verdict.remedy
    assert after.exit_code == 0, after.sentence
