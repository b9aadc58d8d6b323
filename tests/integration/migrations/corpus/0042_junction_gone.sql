alter table competitions drop constraint competitions_second_film_fkey;
alter table actors drop constraint favourite;
drop table roles;
