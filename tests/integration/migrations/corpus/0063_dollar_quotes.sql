create function tricky() returns text language plpgsql as $fn$
begin
  -- create table not_really (id int);
  execute $q$ create table hidden_in_function (id int) $q$;
  return 'drop table films; --';
end
$fn$;
create table "after"(id int default 1, note text default 'a;b'); /* ; */ create table same_line (id int);
