"""One PostgREST of each kind for all tests, reset for each."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from tests.acceptance.capabilities import stands_for
from tests.acceptance.world import BASE, MIGRATION, ROLES, Kind, World, kinds, start_world

from pgrst_sandbox.postgres import Postgres, postgres


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, for each kind, what its version cannot, and what another shows as well."""
    left_out = [item for item in items if not _is_wanted(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_wanted(item: pytest.Item) -> bool:
    kind = item.callspec.params.get("kind") if hasattr(item, "callspec") else None
    if not isinstance(kind, Kind):
        return True
    needed = [capability for mark in item.iter_markers("needs") for capability in mark.args]
    able = [one.version for one in kinds() if all(map(one.can, needed))]
    return kind.version in able and all(
        stands_for(kind.version, able, mark.args[0]) for mark in item.iter_markers("alike")
    )


class Start(Protocol):
    """Starts a PostgREST over a database of its own."""

    def __call__(
        self,
        *,
        database: str = ...,
        setup: str = ...,
        environment: Mapping[str, str] = ...,
        dsn: str = ...,
    ) -> AbstractContextManager[World]: ...


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """A PostgreSQL with the roles."""
    with postgres() as started:
        started.execute(ROLES, dbname="postgres")
        yield started


@pytest.fixture(scope="session", params=kinds(), ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Every PostgREST there is."""
    found: Kind = request.param
    return found


@pytest.fixture(scope="session")
def shared(
    cluster: Postgres, kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A server that lives through all tests of its kind."""
    with start_world(cluster, kind, tmp_path_factory.mktemp("bin")) as started:
        yield started


@pytest.fixture
def world(shared: World) -> World:
    """A PostgREST with a fresh cache, over the schema before the migration."""
    assert shared.alive
    shared.sql(BASE)
    shared.reload()
    return shared


@pytest.fixture(scope="module")
def stale(shared: World) -> World:
    """A PostgREST whose cache is older than the migration; for modules that never load it."""
    shared.sql(BASE)
    shared.reload()
    shared.sql(MIGRATION)
    return shared


@pytest.fixture(scope="module")
def fresh(shared: World) -> World:
    """A PostgREST that has loaded the migration; for modules that change nothing."""
    shared.sql(BASE + MIGRATION)
    shared.reload()
    return shared


@pytest.fixture
def start(cluster: Postgres, kind: Kind, tmp_path: Path) -> Start:
    """Starts a PostgREST for a test that would spoil the shared one; see `start_world`."""
    return partial(start_world, cluster, kind, tmp_path)
