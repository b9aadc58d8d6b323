"""The gate on a compose project: three replicas behind nginx, asked by clients all the while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from tests.acceptance.running import gate
from tests.conftest import MEASURED
from tests.harness.compose import Project, load, project
from tests.harness.scans import BEFORE, EXPECTED, EXPECTED_ITEMS, MIGRATION
from tests.integration.conftest import found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.containers import Database, Postgres
    from tests.harness.engine import Engine
    from tests.harness.images import Images

pytestmark = pytest.mark.docker

EXPECTATION: Final = {name.replace("-", "_"): text for name, text in EXPECTED.items()}
LAGGARD: Final = "laggard"
"""The login of the third replica, by which it can be kept from loading its schema cache."""
PASSWORD: Final = "slow"
AS_LAGGARD: Final = f"""
create role {LAGGARD} login noinherit password '{PASSWORD}';
grant anon, service_role to {LAGGARD};
"""
SLOW: Final = """
alter role laggard set statement_timeout = 1;
select pg_terminate_backend(pid) from pg_stat_activity where usename = 'laggard';
"""


@pytest.fixture
def before(postgres: Postgres) -> Iterator[Database]:
    """A database before the migration, which has one login more."""
    database = postgres.database()
    database.execute(BEFORE)
    database.execute(AS_LAGGARD)
    yield database
    database.execute(f"drop role {LAGGARD}")


@pytest.fixture
def three(
    docker_engine: Engine, images: Images, postgres: Postgres, before: Database
) -> Iterator[Project]:
    """Three replicas over it."""
    both = found(lambda: images.server), found(lambda: images.nginx)
    uri = f"postgresql://{LAGGARD}:{PASSWORD}@{before.host}:5432/{before.name}"
    third = {"PGRST_DB_URI": uri}
    with project(docker_engine, both, before, postgres.network, {}, {}, third) as started:
        yield started


@pytest.mark.parametrize("method", ["reload", "restart"])
def test_no_request_fails_while_three_replicas_are_refreshed(
    three: Project,
    before: Database,
    record_property: Callable[[str, object], None],
    method: str,
) -> None:
    """Each is proven by itself; they restart one at a time, and nginx asks another meanwhile."""
    before.execute(MIGRATION)
    started = [replica.started_at for replica in three.replicas]

    with load(f"{three.url}/scans?limit=1") as made:
        report = gate(three.url, **three.inputs, method=method, **EXPECTATION)

    figures = f"{method} of 3 replicas: {made.failed} of {made.total} requests failed"
    record_property(MEASURED, figures)
    assert report.exit_code == 0, report.sentence
    names = [f"container {replica.name}" for replica in three.replicas]
    assert [one.name for one in report.instances] == [*names, three.url]
    assert {(one.served, one.not_served) for one in report.instances} == {(EXPECTED_ITEMS, ())}
    assert {one.evidence.value for one in report.instances} == {"confirmed"}
    assert "by each of 3 processes" in report.sentence
    assert [receipt.action for receipt in report.receipts] == [method] * 3
    again = [replica.started_at != at for replica, at in zip(three.replicas, started, strict=True)]
    assert again == [method == "restart"] * 3
    assert made.total
    assert made.failed == 0, made.answers


def test_one_replica_that_stays_stale_closes_the_gate_and_is_named(
    three: Project, before: Database
) -> None:
    """Two of three take the migration in; the third is told apart, though all got the signal."""
    before.execute(MIGRATION)
    before.execute(SLOW)

    report = gate(three.url, **three.inputs, **EXPECTATION, timeout="6s")

    stale = f"container {three.replicas[2].name}"
    assert report.exit_code == 1, report.sentence
    assert [one.name for one in report.instances if one.not_served and one.name != three.url] == [
        stale
    ]
    assert stale in report.sentence
    assert len(report.receipts) == 3
