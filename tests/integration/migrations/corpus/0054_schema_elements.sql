create schema shop
  create table products (id int primary key, name text)
  create view product_names as select name from products;
create table shop.sales (id int, product_id int references shop.products);
