prepare make as select 1 as one, 2 as two;
create table from_prepared as execute make;
deallocate make;
create rule no_deletes as on delete to films do instead nothing;
