create view chain_one as select * from other_films;
create view chain_two as select * from chain_one;
alter table other_films add column later int;
create or replace view chain_one as select * from other_films;
drop view chain_one cascade;
