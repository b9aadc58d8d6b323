create or replace view recent_scans (scan, project, state) as
  select s.id, s.project_id, s.status from scans s;
create or replace view all_scans as select s.*, p.name as project_name
  from scans s join projects p on p.id = s.project_id;
drop view if exists project_overview;
create view project_overview as
  with counted as (select project_id, count(*) as scans from scans group by project_id)
  select p.id, p.name, c.scans from projects p left join counted c on c.project_id = p.id;
refresh materialized view scan_counts;
