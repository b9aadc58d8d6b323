"""The one question put to `pg_catalog`: everything PostgREST would expose of some schemas.

The rules are PostgREST's (the queries of its SchemaCache module, 10 to 16): relations of every kind
but partitions; functions that are no procedures, aggregates or triggers. It takes no privilege but
CONNECT, reads no table of the user's, and answers with one JSON document.
"""

from __future__ import annotations

from typing import Final, LiteralString

CATALOG: Final[LiteralString] = """
with
exposed as (
  select oid, nspname from pg_namespace where nspname = any (%(schemas)s)
),
relation as (
  select c.oid, c.relname, c.relkind, c.relacl, c.relowner, n.nspname
  from pg_class c join exposed n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
),
columns as (
  select a.attrelid, json_agg(json_build_array(
    a.attname,
    format_type(a.atttypid, a.atttypmod),
    not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)),
    a.atthasdef or a.attidentity <> '' or t.typdefault is not null
  ) order by a.attnum) as found
  from pg_attribute a
  join relation r on r.oid = a.attrelid
  join pg_type t on t.oid = a.atttypid
  where a.attnum > 0 and not a.attisdropped
  group by a.attrelid
),
function as (
  select p.oid, p.proname, p.proacl, p.proowner, n.nspname,
    p.pronargs - p.pronargdefaults as required,
    case when p.proretset then 'setof ' else '' end || format_type(p.prorettype, null) as returns,
    (select coalesce(json_agg(
        json_build_array(coalesce(one.name, ''), format_type(one.type, null), one.mode = 'v')
        order by one.number), '[]')
      from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames,
        p.proargmodes::text[]) with ordinality as one (type, name, mode, number)
      where coalesce(one.mode, 'i') in ('i', 'b', 'v')) as parameters
  from pg_proc p join exposed n on n.oid = p.pronamespace
  where p.prokind = 'f' and p.prorettype <> 'pg_catalog.trigger'::regtype
),
acl as (
  select r.oid, null::name as attname, r.relowner as owner, granted.*
  from relation r, aclexplode(coalesce(r.relacl, acldefault('r', r.relowner))) granted
  union all
  select r.oid, a.attname, r.relowner, granted.*
  from relation r join pg_attribute a on a.attrelid = r.oid and not a.attisdropped,
    aclexplode(a.attacl) granted
  union all
  select f.oid, null, f.proowner, granted.*
  from function f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) granted
),
grants as (
  select acl.oid, json_agg(json_build_array(
    coalesce(role.rolname, 'public'), lower(acl.privilege_type), acl.attname)) as found
  from acl left join pg_roles role on role.oid = acl.grantee
  where acl.grantee <> acl.owner and not coalesce(role.rolsuper, false)
    and acl.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'EXECUTE')
  group by acl.oid
),
key as (
  select k.oid, k.contype, k.conrelid, k.confrelid,
    array(select a.attname from unnest(k.conkey) with ordinality as u (attnum, number)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
      order by u.number) as columns,
    array(select a.attname from unnest(k.confkey) with ordinality as u (attnum, number)
      join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum
      order by u.number) as target_columns
  from pg_constraint k join pg_namespace n on n.oid = k.connamespace
  where (k.contype = 'p' or (k.contype = 'f' and k.conparentid = 0))
    and n.nspname not in ('pg_catalog', 'information_schema')
),
rule as (
  select w.ev_class, w.ev_action, (select json_object_agg(a.attnum, a.attname)
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0) as columns
  from pg_rewrite w join pg_class c on c.oid = w.ev_class and c.relkind in ('v', 'm')
  join pg_namespace n on n.oid = c.relnamespace
  where w.rulename = '_RETURN' and n.nspname not in ('pg_catalog', 'information_schema')
    and exists (select from key where key.contype = 'f')
),
attribute as (
  select a.attrelid, json_object_agg(a.attnum, a.attname) as columns
  from pg_attribute a where a.attnum > 0 and a.attrelid in (
    select conrelid from key union select confrelid from key where contype = 'f')
  group by a.attrelid
)
select json_build_object(
  'schemas', (select coalesce(json_agg(nspname), '[]') from exposed),
  'relations', (select coalesce(json_agg(json_build_array(r.oid::int8, r.nspname, r.relname,
      r.relkind, coalesce(c.found, '[]'), coalesce(g.found, '[]'))), '[]')
    from relation r left join columns c on c.attrelid = r.oid left join grants g on g.oid = r.oid),
  'functions', (select coalesce(json_agg(json_build_array(f.nspname, f.proname, f.required,
      f.returns, f.parameters, coalesce(g.found, '[]')) order by f.oid), '[]')
    from function f left join grants g on g.oid = f.oid),
  'keys', (select coalesce(json_agg(json_build_array(contype, conrelid::int8, confrelid::int8,
      columns, target_columns) order by oid), '[]') from key),
  'views', (select coalesce(json_agg(json_build_array(ev_class::int8, ev_action, columns)), '[]')
    from rule),
  'attributes', (select coalesce(json_object_agg(attrelid::int8, columns), '{}') from attribute)
)
"""

SETTINGS: Final[LiteralString] = """
select distinct substr(setting, length('pgrst.db_schemas=') + 1)
from pg_db_role_setting, unnest(setconfig) setting
where setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and setting like 'pgrst.db\\_schemas=%'
"""
"""What `alter role authenticator set pgrst.db_schemas = ...` left, of any role."""
