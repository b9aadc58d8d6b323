create extension if not exists vector;
create extension if not exists citext with schema extensions;
create table documents (
  id bigserial primary key,
  content text,
  embedding vector(3),
  title extensions.citext
);
create or replace function match_documents(query_embedding vector(3), match_count int)
returns table (id bigint, similarity float) language sql stable as $$
  select id, 1 - (embedding <=> query_embedding) from documents limit match_count
$$;
