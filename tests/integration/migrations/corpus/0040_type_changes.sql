alter table holds_row alter column who_id type varchar(100),
  alter column id set data type numeric using id::numeric,
  alter column id set default 1;
alter table holds_row add column doubled numeric generated always as (id * 2) stored;
alter table holds_row alter column doubled drop expression;
alter table holds_row alter column doubled type integer;
alter table holds_row alter column doubled set not null;
