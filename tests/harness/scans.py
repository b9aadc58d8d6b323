"""The schema that the gate is tried on: scans of projects, before and after one migration."""

from __future__ import annotations

BEFORE = """
create table projects (id int primary key, name text not null);
create table scans (id int primary key, status text not null);
grant select on projects, scans to anon;
"""

MIGRATION = """
alter table scans add ended_at timestamptz, add last_activity_at timestamptz;
alter table scans add project_id int references projects;
create function update_scan_heartbeat(scan_id int, progress_msg text) returns void
    language sql as 'update scans set last_activity_at = now() where id = scan_id';
grant execute on function update_scan_heartbeat to anon;
create table heartbeats (scan_id int references scans, beat_at timestamptz not null);
grant select on heartbeats to anon;
"""

EXPECTED = {
    "expected-columns": "scans: ended_at timestamptz, last_activity_at",
    "expected-tables": "heartbeats",
    "expected-functions": "update_scan_heartbeat(scan_id, progress_msg)",
    "expected-relationships": "scans -> projects",
}
"""Inputs of the gate that name what the migration brings."""

EXPECTED_ITEMS = 5
