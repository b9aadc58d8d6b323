"""Foreign tables that break the load of the schema cache.

PostgREST asks of each relation whether it can be written, and PostgreSQL refuses to say so of one
whose wrapper has no handler: 55000 (recordings/failing-*).
"""

from __future__ import annotations

from typing import Final, LiteralString

from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Unhandled
from pgrst_gate.schema import Relation

QUERY: Final[LiteralString] = """
select n.nspname, c.relname, s.srvname, w.fdwname
from pg_foreign_table t
join pg_class c on c.oid = t.ftrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_foreign_server s on s.oid = t.ftserver
join pg_foreign_data_wrapper w on w.oid = s.srvfdw
where w.fdwhandler = 0
order by n.nspname, c.relname
"""


def unhandled(rows: Rows) -> tuple[Unhandled, ...]:
    """Those of all schemas."""
    return tuple(Unhandled(Relation(schema, name), *names) for schema, name, *names in rows)
