create table "Weird ""Table""" ("Id" int primary key, "select" text, "with.dot" text, ünïcode text);
alter table "Weird ""Table""" rename column "select" to "order";
create type "order" as enum ('a');
alter table "Weird ""Table""" add column kind "order", add column kinds "order"[];
create view "View of it" as select "Id" as "ID", "with.dot" from "Weird ""Table""";
create function "Function"(_Arg int) returns int language sql as 'select 1';
