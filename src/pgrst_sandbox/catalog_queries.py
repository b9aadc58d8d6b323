"""The questions put to `pg_catalog`. `$1` are schemas, `$2` asks for executable functions only.

Each returns one row: 1, a JSON array, null. What the members of the array are, `catalog` knows.
"""

from typing import Final

SCHEMAS: Final = b"""
select count(quote_ident(name)::regnamespace), null, null from unnest($1::text[]) name
"""

RELATIONS: Final = b"""
with
  columns as (
    select
      a.attrelid,
      json_agg(
        json_build_array(
          a.attname,
          case
            when t.typtype = 'd' and base_schema.nspname = 'pg_catalog'
              then format_type(t.typbasetype, null)
            when t.typtype <> 'd' and type_schema.nspname = 'pg_catalog'
              then format_type(a.atttypid, null)
            else format_type(a.atttypid, a.atttypmod)
          end,
          format_type(a.atttypid, a.atttypmod),
          not (a.attnotnull or t.typtype = 'd' and t.typnotnull),
          case
            when t.typbasetype <> 0 and d.adbin is null then pg_get_expr(t.typdefaultbin, 0)
            when a.attidentity = 'd' then (
              select format('nextval(%L)', sequence.objid::regclass) from pg_depend sequence
              where sequence.refclassid = 'pg_class'::regclass and sequence.refobjid = a.attrelid
                and sequence.refobjsubid = a.attnum and sequence.deptype = 'i'
                and sequence.classid = 'pg_class'::regclass)
            when a.attgenerated <> '' then null
            else pg_get_expr(d.adbin, d.adrelid)
          end,
          case
            when a.atttypid in (1042, 1043) and a.atttypmod > 4 then a.atttypmod - 4
            when a.atttypid in (1560, 1562) and a.atttypmod > 0 then a.atttypmod
          end,
          labels.enum,
          remark.description
        ) order by a.attnum
      ) as columns
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_type t on t.oid = a.atttypid
    join pg_namespace type_schema on type_schema.oid = t.typnamespace
    left join pg_type base on base.oid = t.typbasetype
    left join pg_namespace base_schema on base_schema.oid = base.typnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_description remark
      on remark.classoid = 'pg_catalog.pg_class'::regclass
      and remark.objoid = a.attrelid and remark.objsubid = a.attnum
    left join (
      select enumtypid, json_agg(enumlabel order by enumsortorder) as enum
      from pg_enum group by enumtypid
    ) labels on labels.enumtypid = t.oid
    where a.attnum > 0 and not a.attisdropped
      and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
      and c.relnamespace in (select oid from pg_namespace where nspname = any ($1::text[]))
    group by a.attrelid
  )
select 1, coalesce(json_agg(json_build_array(
  c.oid::int8,
  n.nspname,
  c.relname,
  c.relkind in ('v', 'm'),
  c.relkind in ('r', 'p') or c.relkind in ('v', 'f') and abilities & 8 = 8,
  c.relkind in ('r', 'p') or c.relkind in ('v', 'f') and abilities & 4 = 4,
  c.relkind in ('r', 'p') or c.relkind in ('v', 'f') and abilities & 16 = 16,
  remark.description,
  coalesce(columns.columns, '[]')
)), '[]'), null
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
  select case when c.relkind in ('v', 'f') then pg_relation_is_updatable(c.oid, true) end
) as automatic (abilities)
left join columns on columns.attrelid = c.oid
left join pg_description remark
  on remark.classoid = 'pg_catalog.pg_class'::regclass
  and remark.objoid = c.oid and remark.objsubid = 0
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
  and n.nspname = any ($1::text[])
"""

FUNCTIONS: Final = b"""
select 1, coalesce(json_agg(json_build_array(
  n.nspname,
  p.proname,
  remark.description,
  coalesce(inputs.arguments, '[]'),
  p.pronargs - p.pronargdefaults,
  return_schema.nspname,
  return_type.typname,
  p.proretset,
  return_type.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false),
  case p.provolatile when 'i' then 'Immutable' when 's' then 'Stable' else 'Volatile' end,
  p.provariadic <> 0,
  coalesce(p.proconfig, '{}')
) order by p.oid), '[]'), null
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_type return_type on return_type.oid = p.prorettype
join pg_namespace return_schema on return_schema.oid = return_type.typnamespace
left join pg_description remark
  on remark.classoid = 'pg_catalog.pg_proc'::regclass
  and remark.objoid = p.oid and remark.objsubid = 0
left join lateral (
  select json_agg(
    json_build_array(coalesce(name, ''), format_type(type, null), mode = 'v') order by nr
  ) as arguments
  from unnest(
    coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes::text[]
  ) with ordinality as argument (type, name, mode, nr)
  where coalesce(mode, 'i') in ('i', 'b', 'v')
) inputs on true
where p.prokind = 'f' and p.prorettype <> 'pg_catalog.trigger'::regtype
  and n.nspname = any ($1::text[])
  and (not $2 or has_function_privilege(p.oid, 'EXECUTE'))
"""

KEYS: Final = b"""
select 1, coalesce(json_agg(json_build_array(
  k.contype,
  k.conname,
  k.conrelid::int8,
  k.confrelid::int8,
  (select json_agg(a.attname order by nr)
   from unnest(k.conkey) with ordinality key (attnum, nr)
   join pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.attnum),
  (select json_agg(a.attname order by nr)
   from unnest(k.confkey) with ordinality key (attnum, nr)
   join pg_attribute a on a.attrelid = k.confrelid and a.attnum = key.attnum)
) order by k.conname, k.oid), '[]'), null
from pg_constraint k
join pg_namespace n on n.oid = k.connamespace
where k.contype in ('p', 'u', 'f') and (k.contype <> 'f' or k.conparentid = 0)
  and n.nspname not in ('pg_catalog', 'information_schema')
"""

VIEWS: Final = b"""
select 1, coalesce(json_agg(json_build_array(
  c.oid::int8,
  rule.ev_action,
  (select json_agg(json_build_array(attnum, attname)) from pg_attribute
   where attrelid = c.oid and attnum > 0)
)), '[]'), null
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_rewrite rule on rule.ev_class = c.oid and rule.rulename = '_RETURN'
where c.relkind in ('v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
"""

ATTRIBUTES: Final = b"""
select 1, coalesce(json_agg(json_build_array(a.attrelid::int8, a.attnum, a.attname)), '[]'), null
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and n.nspname not in ('pg_catalog', 'information_schema')
  and a.attrelid in (
    select conrelid from pg_constraint where contype in ('p', 'f')
    union select confrelid from pg_constraint where contype = 'f')
"""

TIMEZONES: Final = b"select 1, json_agg(name order by name) from pg_timezone_names"
