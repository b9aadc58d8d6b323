alter table brand_new add column extra text;
alter table brand_new rename column film_id to movie_id;
alter table brand_new alter column id type bigint;
alter table brand_new drop constraint brand_new_film_id_fkey;
