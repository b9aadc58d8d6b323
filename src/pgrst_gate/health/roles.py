"""The roles, and what lets them past row-level security."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, LiteralString

from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Role

QUERY: Final[LiteralString] = """
select rolname, rolsuper, rolsuper or rolbypassrls from pg_roles where rolname = any (%(roles)s)
"""


def roles(rows: Rows) -> Mapping[str, Role]:
    """Each role that exists, by its name."""
    return {name: Role(name, superuser, bypasses) for name, superuser, bypasses in rows}
