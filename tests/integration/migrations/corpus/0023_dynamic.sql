do $$
declare
  name text;
begin
  foreach name in array array['alpha', 'beta'] loop
    execute format('create table %I (id int primary key)', 'shard_' || name);
  end loop;
  create table not_dynamic (id int);
end
$$;
