create table films_new (id int primary key, title text, released date);
insert into films_new select id, title, null from films;
alter table films rename to films_old;
alter table films_new rename to films;
create table other_films (id int primary key, film_id int references films);
