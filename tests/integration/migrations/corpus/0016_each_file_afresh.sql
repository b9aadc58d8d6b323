create table fresh_path (id int primary key, kind public.scan_status);
begin;
set local search_path = api;
create table in_api (id int);
commit;
create table in_public_again (id int);
set local search_path = api;
create table who_knows (id int);
