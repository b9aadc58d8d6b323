create extension if not exists postgres_fdw with schema extensions;
create server elsewhere foreign data wrapper postgres_fdw options (dbname 'nowhere');
create foreign table remote_orders (id integer not null, total numeric) server elsewhere;
create unlogged table cache (key text primary key, value jsonb, expires_at timestamptz);
alter foreign table remote_orders add column placed_at date;
