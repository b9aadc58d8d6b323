create table priced (id int primary key, net numeric, gross numeric generated always as (net * 1.2) stored);
create view net_prices as select net from priced;
create view ids as select id from priced;
alter table priced drop column net cascade;
