create table events (
  id bigint generated always as identity,
  at timestamptz not null,
  kind text,
  project_id bigint references projects
) partition by range (at);
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
create table events_old (id bigint not null, at timestamptz not null, kind text, project_id bigint);
alter table events attach partition events_old for values from ('2000-01-01') to ('2024-01-01');
create table events_rest partition of events default;
alter table events add column payload jsonb;
