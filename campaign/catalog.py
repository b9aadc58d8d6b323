"""Reads a `Catalog` from a database, by the rules of what PostgREST exposes."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import permutations
from typing import Any, Final

import psycopg

from campaign.surface import Catalog, Embed, Name, Overload, Parameter, Surface

SCHEMAS: Final = ("api", "extra", "hidden")
"""Those that trials make; the last one is never exposed."""

_UNNAMED: Final = frozenset({"bytea", "json", "jsonb", "text", "xml"})

_COLUMNS: Final = """
select n.nspname, c.relname, c.relispartition, c.relkind in ('r', 'p'), c.relrowsecurity, a.attname,
  format_type(a.atttypid, null),
  case when t.typtype = 'd' then format_type(t.typbasetype, null) end,
  has_column_privilege(%(role)s, c.oid, a.attnum, 'select')
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any (%(schemas)s)
order by n.nspname, c.relname, a.attnum
"""
_FUNCTIONS: Final = """
select n.nspname, p.proname, p.pronargs - p.pronargdefaults,
  array(select format_type(t, null) from unnest(
    coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as u (t, nr) order by nr),
  coalesce(p.proargnames, '{}'), coalesce(p.proargmodes::text[], '{}'),
  has_function_privilege(%(role)s, p.oid, 'execute')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prokind = 'f' and p.prorettype <> 'trigger'::regtype and n.nspname = any (%(schemas)s)
order by n.nspname, p.proname, p.oid
"""
_KEYS: Final = """
select k.contype::text, k.conname, n.nspname, c.relname, tn.nspname, t.relname,
  array(select a.attname::text from unnest(k.conkey) with ordinality as u (nr, at)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.nr order by at),
  array(select a.attname::text from unnest(k.confkey) with ordinality as u (nr, at)
    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.nr order by at)
from pg_constraint k
join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
left join pg_class t on t.oid = k.confrelid left join pg_namespace tn on tn.oid = t.relnamespace
where k.contype in ('p', 'f') and k.conparentid = 0 and n.nspname = any (%(schemas)s)
order by n.nspname, c.relname, k.conname
"""
_USABLE: Final = """
select nspname from pg_namespace
where nspname = any (%(schemas)s) and has_schema_privilege(%(role)s, oid, 'usage')
"""


def look(connection: psycopg.Connection[Any], role: str) -> Catalog:
    """The catalog as of now, with the privileges of the role."""
    given = {"role": role, "schemas": list(SCHEMAS)}
    columns = connection.execute(_COLUMNS, given).fetchall()
    keys = connection.execute(_KEYS, given).fetchall()
    served: dict[Name, dict[str, frozenset[str]]] = {}
    partitions: set[Name] = set()
    readable: dict[Name, set[str]] = {}
    everything: dict[Name, set[str]] = {}
    tables: set[Name] = set()
    hidden: set[Name] = set()
    for schema, relation, is_partition, is_table, hides, column, kind, base, may_read in columns:
        name = Name(schema, relation)
        hidden.update({name} if hides else ())
        everything.setdefault(name, set()).add(column)
        readable.setdefault(name, set()).update({column} if may_read else ())
        if is_partition:
            partitions.add(name)
            continue
        served.setdefault(name, {})[column] = frozenset({kind, base} - {None})
        if is_table:
            tables.add(name)
    return Catalog(
        Surface(
            served,
            _functions(connection.execute(_FUNCTIONS, given).fetchall()),
            tuple(sorted(_embeds(keys, partitions))),
            frozenset(tables),
        ),
        frozenset(partitions),
        {name: frozenset(names) for name, names in readable.items()},
        {name: frozenset(names) for name, names in everything.items()},
        frozenset(schema for (schema,) in connection.execute(_USABLE, given).fetchall()),
        tuple((Name(row[2], row[3]), row[1]) for row in keys if row[0] == "f"),
        frozenset(hidden),
    )


def _functions(rows: Iterable[tuple[Any, ...]]) -> Mapping[Name, tuple[Overload, ...]]:
    found: dict[Name, tuple[Overload, ...]] = {}
    for schema, function, required, types, names, modes, executable in rows:
        parameters: list[Parameter] = []
        for position, kind in enumerate(types):
            mode = modes[position] if modes else "i"
            if mode not in {"i", "b", "v"}:
                continue
            name = names[position] if names else ""
            is_required = len(parameters) < required
            parameters.append(Parameter(name, kind, is_required, mode == "v"))
        unnamed = [one for one in parameters if not one.name]
        if len(unnamed) > 1 or (unnamed and parameters[0].type not in _UNNAMED):
            continue
        key = Name(schema, function)
        found[key] = (*found.get(key, ()), Overload(tuple(parameters), executable))
    return found


def _embeds(rows: Iterable[tuple[Any, ...]], partitions: set[Name]) -> Iterator[Embed]:
    """Foreign keys both ways, and many-to-many through tables whose key holds two of them.

    Views are not looked into; of a relation to itself only the way to the many is meant by its
    name.
    """
    primary: dict[Name, frozenset[str]] = {}
    by_table: dict[Name, list[tuple[Name, tuple[str, ...], tuple[str, ...]]]] = {}
    for kind, _, schema, table, target_schema, target, columns, target_columns in rows:
        name = Name(schema, table)
        if kind == "p":
            primary[name] = frozenset(columns)
        elif not {name, Name(target_schema, target)} & partitions:
            key = (Name(target_schema, target), tuple(columns), tuple(target_columns))
            by_table.setdefault(name, []).append(key)
    for table, keys in by_table.items():
        for target, columns, target_columns in keys:
            yield Embed(target, table, target_columns, columns)
            if target != table:
                yield Embed(table, target, columns, target_columns)
        inner = [key for key in keys if set(key[1]) <= primary.get(table, frozenset())]
        for near, far in permutations(inner, 2):
            yield Embed(near[0], far[0], near[2], far[2], table)
