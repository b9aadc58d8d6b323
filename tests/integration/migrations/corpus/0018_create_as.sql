create table scan_copy as select id, project_id, started_at::date as day, 1 as one from scans;
create table totals (project, n) as select project_id, count(*) from scans group by 1;
select id, name into project_names from projects;
create table if not exists scan_copy as select 1 as other;
create table joined as
  select * from projects join after_reset using (id);
create table united as select id from scans union all select 2;
create table of_values as values (1, 'one'), (2, 'two');
create table of_function as select * from generate_series(1, 3);
