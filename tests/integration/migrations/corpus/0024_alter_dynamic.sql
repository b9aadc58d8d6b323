alter table shard_alpha add column note text;
alter table shard_alpha rename to shard_first;
alter table if exists shard_beta add column note text;
alter table if exists shard_gamma rename to shard_delta;
create view shards as select * from shard_first;
create view shard_notes as select id, note from shard_beta;
