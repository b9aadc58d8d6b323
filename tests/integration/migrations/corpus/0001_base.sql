-- What a Supabase project starts from.
create schema auth;
create schema storage;
create schema extensions;

create table auth.users (
  instance_id uuid,
  id uuid not null primary key,
  email varchar(255) unique,
  encrypted_password varchar(255),
  raw_user_meta_data jsonb,
  created_at timestamptz default now(),
  is_super_admin bool
);

create table storage.buckets (
  id text primary key,
  name text not null,
  owner uuid references auth.users,
  created_at timestamptz default now()
);

create table storage.objects (
  id uuid primary key,
  bucket_id text references storage.buckets (id),
  name text,
  owner uuid,
  metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored
);

create function auth.uid() returns uuid language sql stable as $$
  select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid;
$$;
