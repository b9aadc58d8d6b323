"""Gathers what is expected from wherever `expect-from` says: files, the database, the inputs.

Each source is read once, before anything is sent to a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pgrst_gate.database import connected
from pgrst_gate.drift.sources import Access, read_source, snapshot_path
from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.expectations import access, in_schema
from pgrst_gate.expectations.catalog import configured_schemas, read_surface
from pgrst_gate.expectations.combining import NOTHING, combined
from pgrst_gate.expectations.migrations import Place, Reading, read_migrations
from pgrst_gate.expectations.offered import expected, left_over
from pgrst_gate.inputs import Inputs
from pgrst_gate.plan import Plan
from pgrst_gate.postgrest.versions import Version, named_takes_any_keys
from pgrst_gate.schema import Derived, Expectation, Item
from pgrst_gate.surface import Surface

SeesCache = Callable[[Sequence[str]], Surface | None]
"""Gives the surface of some schemas as the schema cache has it; None where nobody shows it."""

THE_DATABASE: Final = Derived("the database", in_database=True)
DEFAULT_SCHEMA: Final = "public"
"""PostgREST's own default of `db-schemas`."""


def gathered(
    plan: Plan,
    schemas: tuple[str, ...],
    version: Version | None,
    tell: Callable[[str], None],
    sees_cache: SeesCache = lambda _: None,
) -> Expectation:
    """All that is expected, in these schemas; names without a schema live in the first of them.

    ``version`` is the server's, as far as it is known. What the cache has and the database has not
    is expected to be absent. Raises `UsageError` when it comes to
    nothing or contradicts itself, `NotObserved` when the database cannot be read.
    """
    inputs = plan.inputs
    first = schemas[0] if schemas else ""
    wishes = [
        in_schema(plan.expectation, first),
        access.named(access.in_schema(inputs.access, first)),
    ]
    if "migrations" in inputs.expect_from:
        wishes.append(_from_migrations(inputs, schemas, tell))
    if "snapshot" in inputs.expect_from:
        wishes.append(_from_snapshot(inputs, version, tell))
    seen = NOTHING
    if "database" in inputs.expect_from:
        seen = _from_database(inputs, schemas, version, tell, sees_cache)
    if found := combined(wishes, seen):
        return found
    raise UsageError(
        f"nothing is expected: {' and '.join(inputs.expect_from)} offers nothing in the schemas"
        f" {', '.join(schemas)}",
        hint="a gate that checks nothing is always open: see `schema`, and what is exposed",
    )


def _from_migrations(
    inputs: Inputs, schemas: tuple[str, ...], tell: Callable[[str], None]
) -> Expectation:
    """What the new migrations change in these schemas, or all of them where none is new.

    A push that applied nothing may follow one whose verification failed, and a gate that checks
    nothing is always open.
    """
    folder, layout = Path(inputs.migrations), inputs.migrations_layout
    reading = read_migrations(folder, layout, inputs.since)
    found = _claimed(reading, schemas)
    if not found and inputs.since:
        tell(f"no migration since {inputs.since} changes the API, so all of {folder} are expected")
        reading = read_migrations(folder, layout, "")
        found = _claimed(reading, schemas)
    tell(f"{len(found.items)} items expected from {len(reading.files)} files of {folder}")
    for one in reading.unreadable:
        tell(f"not readable here: {one}")
    return found


def _claimed(reading: Reading, schemas: tuple[str, ...]) -> Expectation:
    def of_these(claims: Mapping[Item, Place]) -> tuple[Item, ...]:
        return tuple(item for item in claims if item.schema in (schemas or (DEFAULT_SCHEMA,)))

    claims = {**reading.present, **reading.absent}
    present, absent = of_these(reading.present), of_these(reading.absent)
    origins = {item: Derived(str(claims[item])) for item in (*present, *absent)}
    return Expectation(present, absent, origins)


def _from_database(
    inputs: Inputs,
    schemas: tuple[str, ...],
    version: Version | None,
    tell: Callable[[str], None],
    sees_cache: SeesCache,
) -> Expectation:
    """All that the database would have PostgREST serve of these schemas.

    Without any, those configured in the database, or else `public`. Types are expected where the
    admin server shows them: without it each would cost a whole OpenAPI document, which a server
    takes seconds to make after a reload. Raises `NotObserved`, and `UsageError` as
    `configured_schemas`.
    """
    with connected(inputs.database_url, "read", NotObserved) as connection:
        found = schemas or configured_schemas(connection) or (DEFAULT_SCHEMA,)
        cached = sees_cache(found)  # first: what is made in between must not look dropped
        surface = read_surface(connection, found)
    offered = expected(
        surface,
        THE_DATABASE,
        typed=bool(inputs.admin_url),
        any_keys=named_takes_any_keys(version),
    )
    types = "" if inputs.admin_url else "; their types are not compared without `admin-url`"
    tell(f"{len(offered.present)} items expected from the database{types}")
    gone = left_over(cached, surface) if cached else ()
    if gone:
        tell(f"{len(gone)} items are in the cache and no longer in the database")
    origins = {**offered.derived, **dict.fromkeys(gone, THE_DATABASE)}
    return Expectation(offered.present, gone, origins)


def _from_snapshot(
    inputs: Inputs, version: Version | None, tell: Callable[[str], None]
) -> Expectation:
    """All of a snapshot, in whatever schemas it is, so that one that is no longer exposed is told.

    Types as in `_from_database`. Raises `UsageError` where the file does not read.
    """
    if not snapshot_path(inputs.snapshot):
        raise UsageError(
            f"`snapshot: {inputs.snapshot}` is no snapshot: give its path, or git:<ref>:<path>",
            hint="`pgrst-gate snapshot` writes one",
        )
    found = expected(
        read_source(inputs.snapshot, Access(), inputs.schema),
        Derived(inputs.snapshot),
        typed=bool(inputs.admin_url),
        any_keys=named_takes_any_keys(version),
    )
    tell(f"{len(found.present)} items expected from {inputs.snapshot}")
    return found
