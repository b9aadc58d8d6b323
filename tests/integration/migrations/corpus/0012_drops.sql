alter table accounts drop column if exists avatar_url, drop column homepage;
drop view latest_scans;
drop materialized view if exists scan_counts;
drop table if exists invitations, never_was_there;
drop function if exists update_scan_heartbeat(bigint, text);
drop function if exists no_such_function(integer);
