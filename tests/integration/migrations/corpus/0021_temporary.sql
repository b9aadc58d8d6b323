create temporary table staging (id int, name text);
insert into staging values (1, 'x');
alter table staging add column more int;
create table from_staging as select * from staging;
create view staged as select id from staging;
drop table staging cascade;
create temp table projects (id int);
alter table projects add column only_here text;
