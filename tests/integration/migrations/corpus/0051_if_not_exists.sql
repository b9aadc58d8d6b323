create table if not exists films (id int, something_else text);
create table if not exists brand_new (
  id int primary key,
  film_id int references films
);
create table if not exists looped (id int, other text);
create table if not exists api_v1.fresh_in_known_schema (id int);
create table if not exists audit.made_here (id int, at timestamptz);
create schema if not exists audit;
create sequence if not exists counter;
create index if not exists brand_new_idx on brand_new (film_id);
create materialized view if not exists film_titles as select title from films;
