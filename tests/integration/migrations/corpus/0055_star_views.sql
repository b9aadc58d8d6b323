create view everything as select p.*, s.name as sale from shop.products p, shop.product_names s;
create view nested as select * from (select id, name from shop.products) q (a);
create view lateral_view as
  select p.id, x.n from shop.products p cross join lateral (select count(*) as n from shop.sales) x;
create view natural_one as select * from shop.products natural join shop.product_names;
create view star_of_unknown as select * from looped;
create view star_of_function as select * from generate_series(1, 2) as g (n);
create view star_of_catalog as select * from pg_catalog.pg_class limit 0;
create recursive view numbers (n) as values (1) union all select n + 1 from numbers where n < 9;
create view row_expansion as select (p).* from shop.products p;
create view with_recursive as
  with recursive t(n, label) as (select 1, 'a'::text union all select n + 1, label from t where n < 3)
  select * from t;
