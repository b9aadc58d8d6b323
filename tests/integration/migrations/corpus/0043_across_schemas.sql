create table api_v1.orders (id int primary key, film_id int references public.films);
create table api_v1.order_items (id int primary key, order_id int references api_v1.orders not null);
alter table api_v1.order_items set schema public;
