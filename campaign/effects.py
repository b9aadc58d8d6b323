"""Counts what must never happen while a gate looks: rows written, functions run, triggers fired.

Every function of a trial and every trigger takes a number from a sequence, which no rollback gives
back.
"""

from typing import Any, Final

import psycopg

RUN: Final = "select nextval('audit.functions_run')"
"""The body of every function of a trial."""

SETUP: Final = """
drop schema if exists audit cascade;
create schema audit;
grant usage on schema audit to public;
create sequence audit.functions_run;
create sequence audit.triggers_fired;
grant all on all sequences in schema audit to public;
create function audit.fired() returns trigger language plpgsql as $$
begin
    perform nextval('audit.triggers_fired');
    if tg_level = 'ROW' and tg_op = 'DELETE' then return old; end if;
    return new;
end $$;
create procedure audit.watch() language plpgsql as $$
declare
    watched regclass;
begin
    for watched in
        select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('api', 'extra', 'hidden') and c.relkind in ('r', 'p')
          and not c.relispartition
          and not exists (select from pg_trigger where tgrelid = c.oid and not tgisinternal)
    loop
        execute format('create trigger statement_fired before insert or update or delete or truncate
            on %s for each statement execute function audit.fired()', watched);
        execute format('create trigger row_fired after insert or update or delete
            on %s for each row execute function audit.fired()', watched);
    end loop;
end $$;
"""
WATCH: Final = "call audit.watch()"
"""Puts triggers on all tables that have none yet."""

_SEQUENCES: Final = """
select coalesce(sum(case when schemaname = 'audit' and sequencename = 'functions_run'
    then last_value end), 0)::int8,
  coalesce(sum(case when schemaname = 'audit' and sequencename = 'triggers_fired'
    then last_value end), 0)::int8,
  coalesce(sum(case when schemaname <> 'audit' then last_value end), 0)::int8
from pg_sequences where schemaname in ('audit', 'api', 'extra', 'hidden')
"""
_TABLES: Final = """
select format('select count(*) from %I.%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('api', 'extra', 'hidden') and c.relkind = 'r'
"""
NAMES: Final = ("functions run", "triggers fired", "sequences moved", "rows written")


def counted(connection: psycopg.Connection[Any]) -> tuple[int, ...]:
    """The counts as of now, in the order of `NAMES`."""
    functions, triggers, others = connection.execute(_SEQUENCES).fetchone() or (0, 0, 0)
    counts = [query for (query,) in connection.execute(_TABLES).fetchall()]
    rows = 0
    if counts:
        all_rows = f"select sum(n)::int8 from ({' union all '.join(counts)}) as c (n)"
        ((rows,),) = connection.execute(all_rows.encode()).fetchall()
    return functions, triggers, others, rows


def since(before: tuple[int, ...], now: tuple[int, ...]) -> tuple[int, ...]:
    """What happened in between."""
    return tuple(abs(after - earlier) for earlier, after in zip(before, now, strict=True))
