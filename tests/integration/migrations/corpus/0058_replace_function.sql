drop function defaults;
create function defaults(first_name int, b text default 'x') returns int language sql as 'select 1';
create or replace function with_out(in a integer, out total bigint, inout label text) language sql as
  $$ select 1::bigint, label $$;
drop function if exists sum_up(numeric[]);
drop routine takes_row;
drop function plain_text(text), bytes(bytea);
drop aggregate longest(text);
