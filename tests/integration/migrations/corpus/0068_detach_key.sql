create table metrics (id int, film_id int references films, at date) partition by list (at);
create table metrics_a partition of metrics for values in ('2024-01-01');
alter table metrics detach partition metrics_a;
drop table metrics;
