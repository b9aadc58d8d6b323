alter table public.scans
  add column ended_at timestamptz,
  add column last_activity_at timestamptz not null default now(),
  add column if not exists progress_msg text;

create or replace function update_scan_heartbeat(scan_id bigint, progress_msg text default null)
returns void language plpgsql as $body$
begin
  update scans set last_activity_at = now(), progress_msg = $2 where id = scan_id;
end;
$body$;

grant execute on function update_scan_heartbeat(bigint, text) to authenticated;
