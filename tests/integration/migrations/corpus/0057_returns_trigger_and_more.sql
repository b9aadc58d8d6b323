create function moved_on() returns event_trigger language plpgsql as 'begin end';
create function any_args(a anyelement, b anyarray) returns anyelement language sql as 'select a';
create function atomic_one(a int) returns int begin atomic select a + 1; end;
create function defaults(a int default 1, b text default 'x', c date default current_date)
  returns int language sql as 'select 1';
create function bytes(bytea) returns int language sql as 'select 1';
create function plain_text(text) returns text language sql as 'select $1';
create function two_jsons(json, json) returns int language sql as 'select 1';
create function takes_row(p shop.products, ps shop.products[]) returns int language sql as 'select 1';
create function takes_enum(s public."Severity", w public."order") returns int language sql as 'select 1';
create or replace function defaults(a int default 2, b text default 'y', c date default current_date)
  returns int language sql as 'select 2';
create function out_only(out a int, out b text) language sql as $$ select 1, 'x'::text $$;
