"""Drift: the surface of an API kept in a file, compared with another, and judged for clients."""
