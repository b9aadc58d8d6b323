alter table films add column if not exists rating numeric(3, 1);
alter table films add column if not exists title varchar(10);
alter table if exists films add column if not exists studio_id int references films;
alter table shard_first add column if not exists owner uuid references auth.users;
drop view shards;
alter table shard_first drop column if exists note;
alter table films drop column if exists never_there;
