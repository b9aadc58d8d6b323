"""Loads of the schema cache that are slow, or fail."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg

_BLOCK: Final = "begin; lock table pg_catalog.pg_description in access exclusive mode"


def slow(milliseconds: int) -> Mapping[str, str]:
    """The environment in which every load takes that much longer."""
    return {
        "PGRST_INTERNAL_SCHEMA_CACHE_QUERY_SLEEP": str(milliseconds),
        "PGRST_INTERNAL_SCHEMA_CACHE_SLEEP": str(milliseconds),  # its name up to 14
    }


@contextmanager
def blocked(dsn: str) -> Iterator[None]:
    """Within it no load ends, because a catalog is locked that every load reads.

    It fails where the authenticator has a `statement_timeout`. Requests go on undisturbed.
    """
    with psycopg.connect(dsn, autocommit=True) as blocking:
        blocking.execute(_BLOCK.encode())
        try:
            yield
        finally:
            blocking.execute(b"rollback")
