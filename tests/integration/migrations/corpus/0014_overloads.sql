drop function search_scans(text);
drop function search_scans(text, scan_status[]);
create function search_scans(query text, lim int = 5) returns setof scans language sql as
  'select * from scans limit lim';
alter function no_arguments() rename to nothing_asked;
alter routine unnamed_number(integer) rename to still_unnamed;
create or replace function take_named_json(body jsonb) returns jsonb language sql as 'select body || body';
drop procedure tidy_up;
drop function returns_rows;
