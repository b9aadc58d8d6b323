create table films (id int primary key, title text);
create table actors (id int primary key, name text);
create table roles (
  film_id int references films,
  actor_id int references actors (id),
  character text,
  primary key (film_id, actor_id)
);
create table competitions (id int primary key, first_film int references films, second_film int references films);
create table tree (id int primary key, parent_id int references tree);
alter table actors add column favourite_film int constraint favourite references films;
