create table if not exists after_reset (id bigint, more text);
do language plpgsql $do$
<<outer_block>>
declare
  found_one boolean := false;
begin
  select true into found_one from films limit 1;
  create table in_labelled_block (
    id int,
    name text
  );
  alter table in_labelled_block
    add column added date;
  drop table if exists totals;
  set local search_path = audit;
  create table in_audit (id int);
end outer_block
$do$;
