alter table scans drop constraint scans_requested_by_fk;
