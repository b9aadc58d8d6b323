"""What a database is said to offer is what real servers had in their caches."""

from typing import Final

import psycopg
import pytest
from tests.contract.replay import Recording

from pgrst_gate.drift.changes import compare
from pgrst_gate.expectations.catalog import read_surface
from pgrst_gate.postgrest import cached
from pgrst_sandbox.postgres import postgres

SHOWN: Final = ("12.2.12", "13.0.8", "14.14", "16.2")
"""The versions that show their schema cache."""


@pytest.mark.parametrize("version", SHOWN)
@pytest.mark.parametrize("scenario", ["migration", "tables"])
def test_the_catalog_offers_what_was_cached(scenario: str, version: str) -> None:
    """The same statements on a database: nothing more is read from it, nothing less."""
    recording = Recording.load(f"{scenario}-{version}")
    schemas = recording.config.get("PGRST_DB_SCHEMAS", "public").split(",")
    asked = [step for step in recording.steps if step.get("admin") == "/schema_cache"]
    before = recording.steps[: recording.steps.index(asked[-1])]

    with postgres() as server, psycopg.connect(server.dsn(), autocommit=True) as connection:
        for script in (recording.setup, *(step["sql"] for step in before if "sql" in step)):
            connection.execute(script.encode())
        offered = read_surface(connection, schemas)

    shown = cached.surface(asked[-1]["body"], schemas)
    assert shown is not None
    assert compare(shown, offered) == ()
    assert shown.relations
