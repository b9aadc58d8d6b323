"""The exposed functions: who may execute them, and as whom they run."""

from __future__ import annotations

from typing import Final, LiteralString

from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Routine

QUERY: Final[LiteralString] = """
select n.nspname, p.proname,
  array(select coalesce(one.name, '') from unnest(
      coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes::text[])
      with ordinality as one (type, name, mode, number)
    where coalesce(one.mode, 'i') in ('i', 'b', 'v') order by one.number),
  array(select format_type(one.type, null) from unnest(p.proargtypes::oid[])
    with ordinality as one (type, number) order by one.number),
  pg_get_userbyid(p.proowner), p.prosecdef,
  (select substr(one, length('search_path=') + 1) from unnest(p.proconfig) one
    where one like 'search\\_path=%%'),
  array(select r.rolname::text from pg_roles r where r.rolname = any (%(roles)s)
    and has_function_privilege(r.oid, p.oid, 'execute'))
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any (%(schemas)s) and p.prokind = 'f'
  and p.prorettype not in ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
order by n.nspname, p.proname, p.oid
"""


def routines(rows: Rows) -> tuple[Routine, ...]:
    """Every overload."""
    return tuple(
        Routine(schema, name, tuple(arguments), tuple(types), owner, definer, path, frozenset(may))
        for schema, name, arguments, types, owner, definer, path, may in rows
    )
