create type scan_status as enum ('queued', 'running', 'done');
create type public."Severity" as enum ('low', 'high');
create domain email_address as text check (value like '%@%');
create type geo_point as (lat double precision, lon double precision);

alter table scans add column status scan_status not null default 'queued';
alter table scans add column worst "Severity", add column history scan_status[];
alter table profiles add column contact email_address;
alter table projects add column location public.geo_point;
alter type scan_status add value 'failed';
