"""What an API over a database offers, asked of pg_catalog by PostgREST's rules."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from psycopg import Connection

from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship

UNNAMED = {"bytea", "json", "jsonb", "text", "xml"}

# format_type leaves out the schemas of the search path, so it is asked with an empty one.
HELPER = """
create schema harness;
create function harness.type(oid) returns text language sql stable set search_path = '' as
  'select pg_catalog.format_type($1, null)';
"""

QUERY = """
with
  spaces as (
    select oid, nspname from pg_catalog.pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'harness')
  ),
  relations as (
    select c.oid, s.nspname, c.relname
    from pg_catalog.pg_class c join spaces s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
  )
select pg_catalog.json_build_object(
  'columns', (
    select pg_catalog.json_agg(pg_catalog.json_build_array(
      r.nspname, r.relname, a.attname, harness.type(a.atttypid)))
    from relations r left join pg_catalog.pg_attribute a
      on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped),
  'functions', (
    select pg_catalog.json_agg(pg_catalog.json_build_array(s.nspname, p.proname, (
      select pg_catalog.json_agg(pg_catalog.json_build_array(
        coalesce(name, ''), harness.type(type)) order by nr)
      from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames,
                  p.proargmodes::text[]) with ordinality as argument (type, name, mode, nr)
      where coalesce(mode, 'i') in ('i', 'b', 'v'))))
    from pg_catalog.pg_proc p join spaces s on s.oid = p.pronamespace
    where p.prokind = 'f' and p.prorettype <> 'pg_catalog.trigger'::regtype),
  'keys', (
    select pg_catalog.json_agg(pg_catalog.json_build_array(
      a.nspname, a.relname, b.nspname, b.relname))
    from pg_catalog.pg_constraint k
    join relations a on a.oid = k.conrelid join relations b on b.oid = k.confrelid
    where k.contype = 'f' and k.conparentid = 0)
)
"""


Keys = list[tuple[Relation, Relation]]


@dataclass(frozen=True)
class Offer:
    """What is offered; of relationships those that one foreign key alone may make."""

    items: frozenset[Item]
    ambiguous: frozenset[Item]
    """Relationships that several keys may make."""


def offer(connection: Connection[Any]) -> Offer:
    """Ask the database, in its open transaction if there is one."""
    row = connection.execute(QUERY.encode()).fetchone()
    assert row is not None
    found = row[0]
    offered: set[Item] = set()
    for schema, relation, column, kind in found["columns"] or ():
        offered.add(Relation(schema, relation))
        if column is not None:
            offered.add(Column(Relation(schema, relation), column, kind))
    for schema, name, inputs in found["functions"] or ():
        arguments = tuple(Argument(*one) for one in inputs or ())
        if len(arguments) == 1 and not arguments[0].name and arguments[0].type in UNNAMED:
            arguments = (Argument("*", arguments[0].type),)
        if all(one.name for one in arguments):
            offered.add(Function(schema, name, arguments))
    keys = [(Relation(*key[:2]), Relation(*key[2:])) for key in found["keys"] or ()]
    unique, ambiguous = _relationships(keys)
    return Offer(frozenset(offered | unique), frozenset(ambiguous))


def _relationships(keys: Keys) -> tuple[set[Item], set[Item]]:
    ways = Counter(frozenset(pair) for pair in keys)
    for table in {origin for origin, _ in keys}:
        targets = [target for origin, target in keys if origin == table]
        ways.update(frozenset(pair) for pair in combinations(targets, 2))
    found: tuple[set[Item], set[Item]] = set(), set()
    for pair in keys:
        for one, other in (pair, pair[::-1]):
            if one != other and one.schema == other.schema:
                found[ways[frozenset(pair)] > 1].add(Relationship(one, other.name))
    return found
