"""The surfaces of real servers, as recorded: from the schema cache, and from the description."""

import json
from pathlib import Path
from typing import Final

import pytest

from pgrst_gate.drift import snapshot
from pgrst_gate.postgrest import cached
from pgrst_gate.surface import Surface

RECORDINGS: Final = Path(__file__).parent / "recordings"
SHOWING: Final = ("12.2.12", "13.0.8", "14.14", "16.2")


def recorded(version: str) -> object:
    """The schema cache after the migration of a recording."""
    steps = json.loads((RECORDINGS / f"migration-{version}.json").read_text())["steps"]
    *_, body = [step["body"] for step in steps if step.get("admin") == "/schema_cache"]
    found: object = body
    return found


EXPECTED: Final = """\
pgrst-gate-snapshot: 1
schemas:
- public
relations:
  public.active_scans:
    columns:
      id: integer default?
      status: text default?
  public.heartbeats:
    columns:
      beat_at: timestamp with time zone default
      id: bigint not null default?
      scan_id: integer default?
  public.projects:
    columns:
      id: integer not null default?
      name: text not null default?
  public.scans:
    columns:
      ended_at: timestamp with time zone default?
      id: integer not null default?
      last_activity_at: timestamp with time zone default
      new_name: text default?
      project_id: integer default?
      status: text default?
  public.ungranted:
    columns:
      id: integer not null default?
functions:
- public.overloaded(a integer) -> integer
- public.overloaded(a integer, b integer) -> integer
- public.ping() -> text
- public.transition_scan_to_terminal(scan_id integer, final_status text default) -> text
- public.ungranted_fn() -> integer
- public.update_scan_heartbeat(scan_id integer, progress_msg text) -> void
embeds:
  public.active_scans:
  - heartbeats
  public.heartbeats:
  - active_scans
  - scans
  public.projects:
  - scans
  public.scans:
  - heartbeats
  - projects
"""


@pytest.mark.parametrize("version", SHOWING)
def test_the_cache_of_every_version_is_read(version: str) -> None:
    """Relations, columns, functions and embeds, as the migration of the recording left them."""
    surface = cached.surface(recorded(version), ["public"])
    assert surface is not None
    assert snapshot.write(surface) == EXPECTED


@pytest.mark.parametrize("document", [None, [], {}, {"dbTables": 1}, {"dbTables": [[{}]]}])
def test_a_cache_of_another_shape_is_not_read(document: object) -> None:
    """Its shape is called unstable upstream: then nothing is seen, rather than something wrong."""
    assert cached.surface(document, ["public"]) is None


def test_a_schema_that_is_not_asked_for_is_left_out() -> None:
    """The surface is of the schemas that were named."""
    surface = cached.surface(recorded(SHOWING[0]), ["other"])
    assert surface == Surface(("other",), {}, (), {})
