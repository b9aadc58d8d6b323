do $$
begin
  create table lost (id int);
  create table lost_too (id int);
  perform 1 / 0;
exception when division_by_zero then
  create table from_handler (id int);
end $$;
do $$
begin
  begin
    create table kept_in_block (id int);
    create table kept_as_well (id int);
  exception when others then
    raise;
  end;
  if false then
    return;
  end if;
  create table after_return (id int);
end $$;
