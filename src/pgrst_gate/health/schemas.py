"""Which of the schemas exist, and who may use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, LiteralString

from pgrst_gate.health.asking import Rows

QUERY: Final[LiteralString] = """
select n.nspname, array(select r.rolname::text from pg_roles r
  where r.rolname = any (%(roles)s) and has_schema_privilege(r.oid, n.oid, 'usage'))
from pg_namespace n where n.nspname = any (%(schemas)s)
"""


def usage(rows: Rows) -> Mapping[str, frozenset[str]]:
    """Each schema that exists → the roles that may use it."""
    return {schema: frozenset(roles) for schema, roles in rows}
