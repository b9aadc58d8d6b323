drop table other_films;
create table other_films (id bigint primary key, film_id int, note text);
drop view if exists quiet;
create view quiet as select content from documents;
drop function if exists "Function"(int);
create function "Function"(_Arg int, other text) returns int language sql as 'select 1';
