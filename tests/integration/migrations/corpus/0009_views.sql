create view public.project_overview as
select
  p.id,
  p.name as project_name,
  count(s.id),
  max(s.started_at) as last_scan,
  coalesce(p.budget, 0),
  p.slug::varchar(20),
  case when p.budget > 10 then 'rich' else 'poor' end,
  array_agg(s.id) filter (where s.id is not null),
  exists (select 1 from scans),
  (select username from profiles where id = p.owner_id),
  p."displayOrder",
  extract(year from max(s.started_at))::int as year
from projects p
left join scans s on s.project_id = p.id
group by p.id;

create view recent_scans (scan, project) as
  select s.id, s.project_id from scans s order by 1 desc limit 10;

create or replace view all_scans as select * from scans;
create materialized view scan_counts as
  select project_id, count(*) as n, now() as counted_at from scans group by 1
with no data;
create unique index on scan_counts (project_id);
