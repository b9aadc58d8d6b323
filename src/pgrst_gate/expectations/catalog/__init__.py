"""The database's catalog, read by PostgREST's rules of what an API exposes."""

from pgrst_gate.expectations.catalog.reading import (
    configured_schemas,
    read_surface,
    timed_surface,
)

__all__ = ["configured_schemas", "read_surface", "timed_surface"]
