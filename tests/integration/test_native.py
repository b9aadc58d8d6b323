"""A workflow with `uses: ./native` by act, on this machine itself: a server process of the host."""

from __future__ import annotations

import secrets
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from tests.harness.act import run_workflow
from tests.harness.images import ROOT
from tests.harness.scans import BEFORE, EXPECTED_ITEMS, MIGRATION

from pgrst_sandbox.postgres import postgres
from pgrst_sandbox.process import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.act

THE_ACTION = ("native/action.yml", "native/gate.sh", "entrypoint.py", "requirements/runtime.txt")
STAND_IN = "import runpy\n\nrunpy.run_module('pgrst_sandbox', run_name='__main__')\n"
WORKFLOW = """\
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - name: Not reloaded
        id: stale
        continue-on-error: true
        uses: ./native
        with:
          url: ${{ vars.API_URL }}
          runtime: none
          expected-columns: |
            scans: ended_at timestamptz, last_activity_at
          expected-tables: heartbeats
          expected-functions: update_scan_heartbeat(scan_id, progress_msg)
          expected-relationships: scans -> projects
          timeout: 1s
      - name: Reloaded
        id: fresh
        uses: ./native
        with:
          process-name: ${{ vars.PROCESS }}
          url: ${{ vars.API_URL }}
          expected-columns: |
            scans: ended_at timestamptz, last_activity_at
          expected-tables: heartbeats
          expected-functions: update_scan_heartbeat(scan_id, progress_msg)
          expected-relationships: scans -> projects
      - name: Deploy
        run: |
          echo "${{ steps.stale.outcome }}: ${{ steps.stale.outputs.verdict }}, then" \\
              "${{ steps.fresh.outputs.verdict }} by ${{ steps.fresh.outputs.refreshed-by }}," \\
              "${{ steps.fresh.outputs.served }} items served"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that holds the action, as the runner would fetch it."""
    folder = tmp_path / "checkout"
    ours = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/pgrst_gate", folder / "src/pgrst_gate", ignore=ours)
    for name in THE_ACTION:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_a_process_of_the_runner_is_gated(checkout: Path, tmp_path: Path) -> None:
    """Closed before the reload and open after it, with outputs for later steps; one set-up."""
    program = tmp_path / f"postgrest-{10000 + secrets.randbelow(90000)}"
    program.write_text(f"#!{sys.executable}\n{STAND_IN}")
    program.chmod(0o755)
    with postgres() as database:
        database.execute("create role anon nologin", dbname="postgres")
        database.execute(BEFORE, dbname="postgres")
        with run(dsn=database.dsn(), command=[str(program)]) as server:
            database.execute(MIGRATION, dbname="postgres")

            workflow = run_workflow(
                checkout,
                WORKFLOW,
                name="native",
                image="-self-hosted",
                variables={"API_URL": server.url, "PROCESS": program.name},
                secrets={},
            )

            assert server.process.poll() is None

    assert workflow.status == 0, workflow.log
    assert f"closed, then open by process reload, {EXPECTED_ITEMS} items served" in workflow.log
    assert "failure: closed" in workflow.log
    assert workflow.log.count("Setting up pgrst-gate") == 1
