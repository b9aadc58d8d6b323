"""The exposed relations: rights of the roles, row-level security, owners, sequences.

Of the same relations as PostgREST's cache: all kinds, but no partitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Policy, Rights, Sequence, Table
from pgrst_gate.schema import Relation
from pgrst_gate.surface import RelationKind

QUERY: Final[LiteralString] = """
with
role as (select oid, rolname from pg_roles where rolname = any (%(roles)s)),
privilege (name) as (values ('select'), ('insert'), ('update'), ('delete')),
relation as (
  select c.oid, c.relname, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
    c.reloptions, n.nspname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
),
invoker as (
  select c.oid, coalesce((select bool_or(split_part(o, '=', 2)::bool) from unnest(c.reloptions) o
    where o like 'security\\_invoker=%%'), false) as is_one
  from relation c
),
unguarded as (
  select distinct v.oid, n.nspname, t.relname
  from relation v join invoker i on i.oid = v.oid and v.relkind = 'v' and not i.is_one
    join pg_rewrite w on w.ev_class = v.oid
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
      and d.refclassid = 'pg_class'::regclass
    join pg_class t on t.oid = d.refobjid and t.relkind in ('r', 'p')
    join pg_namespace n on n.oid = t.relnamespace
      and n.nspname not in ('pg_catalog', 'information_schema')
    join pg_roles o on o.oid = v.relowner
  where not t.relrowsecurity or o.rolsuper or o.rolbypassrls
    or (not t.relforcerowsecurity and pg_has_role(o.oid, t.relowner, 'usage'))
),
has as (
  select c.oid, r.rolname, p.name, has_table_privilege(r.oid, c.oid, p.name) as whole,
    case when p.name <> 'delete' and not has_table_privilege(r.oid, c.oid, p.name)
        and has_any_column_privilege(r.oid, c.oid, p.name)
      then array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and has_column_privilege(r.oid, c.oid, a.attnum, p.name))
    end as columns
  from relation c, role r, privilege p
),
rights as (
  select oid, rolname, json_build_array(rolname,
    coalesce(json_agg(name) filter (where whole), '[]'),
    coalesce(json_object_agg(name, columns) filter (where columns is not null), '{}')) as found
  from has group by oid, rolname
)
select c.nspname, c.relname, c.relkind::text, pg_get_userbyid(c.relowner),
  c.relrowsecurity, c.relforcerowsecurity,
  (select i.is_one from invoker i where i.oid = c.oid),
  array(select json_build_array(p.polname, p.polcmd, p.polpermissive,
      array(select case when o = 0 then 'public' else pg_get_userbyid(o) end
        from unnest(p.polroles) o),
      array(select r.rolname from role r where exists (select from unnest(p.polroles) o
        where o = 0 or pg_has_role(r.oid, o, 'usage'))))
    from pg_policy p where p.polrelid = c.oid order by p.polname),
  array(select r.found from rights r where r.oid = c.oid),
  array(select r.rolname::text from role r where pg_has_role(r.oid, c.relowner, 'usage')),
  array(select json_build_array(sn.nspname, s.relname,
      array(select r.rolname from role r where has_sequence_privilege(r.oid, s.oid, 'usage')))
    from pg_attrdef d
    join pg_depend w on w.classid = 'pg_attrdef'::regclass and w.objid = d.oid
      and w.refclassid = 'pg_class'::regclass
    join pg_class s on s.oid = w.refobjid and s.relkind = 'S'
    join pg_namespace sn on sn.oid = s.relnamespace
    where d.adrelid = c.oid),
  array(select json_build_array(u.nspname, u.relname) from unguarded u where u.oid = c.oid
    order by u.nspname, u.relname)
from relation c order by c.nspname, c.relname
"""

_KINDS: Final[Mapping[str, RelationKind]] = {
    "r": "table",
    "p": "table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
_COMMANDS: Final[Mapping[str, Any]] = {
    "*": "all",
    "r": "select",
    "a": "insert",
    "w": "update",
    "d": "delete",
}


def tables(rows: Rows) -> Mapping[Relation, Table]:
    """Each relation by its name."""
    return {found.relation: found for found in map(_table, rows)}


def _table(row: tuple[Any, ...]) -> Table:
    schema, name, kind, owner, enabled, forced, invoker, policies, rights, owners, *rest = row
    drawn, unguarded = rest
    return Table(
        Relation(schema, name),
        _KINDS[kind],
        owner,
        enabled,
        forced,
        tuple(
            Policy(policy, _COMMANDS[command], tuple(roles), permissive, frozenset(bound))
            for policy, command, permissive, roles, bound in policies
        ),
        invoker,
        {
            role: Rights(frozenset(whole), {one: frozenset(two) for one, two in columns.items()})
            for role, whole, columns in rights
        },
        frozenset(owners),
        tuple(Sequence(Relation(home, one), frozenset(users)) for home, one, users in drawn),
        tuple(Relation(home, one) for home, one in unguarded),
    )
