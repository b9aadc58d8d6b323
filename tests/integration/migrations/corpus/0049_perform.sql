do $$
begin
  perform audit.track('public.actors'::regclass);
  call api_v1.nothing_to_do();
exception when undefined_function or invalid_schema_name then
  null;
end $$;
with touched as (update films set title = title returning id)
select count(*) from touched;
truncate audit.log;
copy films (id, title) to '/dev/null';
