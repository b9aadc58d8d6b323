do $$
begin
  if not exists (select 1 from information_schema.columns
                 where table_name = 'cache' and column_name = 'hits') then
    alter table cache add column hits integer;
  end if;
  if exists (select from pg_class where relname = 'nobody') then
    drop table cache;
  else
    alter table cache add column misses integer;
  end if;
  for i in 1..2 loop
    create table if not exists looped (id int);
  end loop;
  case when true then
    create table chosen (id int);
  else
    null;
  end case;
end $$;
