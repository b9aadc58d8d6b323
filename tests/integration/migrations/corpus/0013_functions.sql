create function no_arguments() returns integer language sql as 'select 1';
create function with_out(in a integer, out total bigint, inout label text) language sql as
  $$ select a::bigint, label $$;
create function returns_rows(project bigint, "limit" int default 10)
returns table (id bigint, started_at timestamptz) language sql stable as $$
  select id, started_at from scans where project_id = project limit "limit";
$$;
create function sum_up(variadic numbers numeric[]) returns numeric language sql as
  $$ select sum(n) from unnest(numbers) n $$;
create function take_json(json) returns json language sql as 'select $1';
create function take_named_json(body jsonb) returns jsonb language sql as 'select body';
create function half_named(a integer, integer) returns integer language sql as 'select a + $2';
create function unnamed_number(integer) returns integer language sql as 'select $1';
create function search_scans(q text) returns setof scans language sql as
  $$ select * from scans where progress_msg ilike q $$;
create function search_scans(q text, state scan_status[]) returns setof scans language sql as
  $$ select * from scans where status = any (state) $$;
create procedure tidy_up(days integer) language sql as 'delete from scans';
create aggregate longest(text) (sfunc = textcat, stype = text);
create function "camelCase"("userId" uuid, at time) returns void language sql as '';
create function column_type(p accounts.username%type, q scans.started_at%type)
  returns void language sql as '';
