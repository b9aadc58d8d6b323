create table projects (
  id bigint generated always as identity primary key,
  owner_id uuid not null references profiles (id),
  name text not null,
  slug text not null,
  "displayOrder" smallint default 0,
  budget numeric(12, 2),
  tags text[] not null default '{}',
  matrix integer[][],
  unique (owner_id, slug)
);
create table scans (
  id bigserial primary key,
  project_id bigint not null references projects,
  started_at timestamptz not null default now(),
  progress real,
  ratio double precision,
  payload jsonb,
  token char(8),
  window_of tstzrange,
  source_ip inet,
  flags bit varying(8)
);
create index scans_project_id_idx on scans (project_id);
comment on table scans is 'What was scanned';
