alter table profiles rename column website to homepage;
alter table profiles rename to accounts;
alter view recent_scans rename to latest_scans;
alter view latest_scans rename column state to current_state;
alter table scans rename constraint scans_project_id_fkey to scans_of_project;
alter index scans_project_id_idx rename to scans_by_project;
