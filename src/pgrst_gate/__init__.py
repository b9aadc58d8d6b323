"""Reload PostgREST's schema cache, and fail the build unless the API serves the new schema."""

__version__ = "0.1.0"
