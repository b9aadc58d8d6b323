"""A workflow as people write it, run by act: push migrations by the real CLI, gate, deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.harness.act import run_workflow
from tests.harness.images import ROOT
from tests.harness.scans import BEFORE, MIGRATION
from tests.harness.supabase import write_project

from pgrst_gate.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.act import Workflow
    from tests.harness.containers import Database
    from tests.harness.engine import Engine
    from tests.harness.images import Images
    from tests.harness.supabase import Supabase
    from tests.integration.conftest import StartPostgrest

    Deploy = Callable[[str], Workflow]

pytestmark = pytest.mark.act

WORKFLOW = """\
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - name: Push
        run: supabase db push --remote="$DATABASE_URL" --yes --output-format json
        env:
          DATABASE_URL: ${{ secrets.DATABASE_URL }}
      - name: Gate
        id: gate
        uses: ./
        with:
          url: ${{ vars.API_URL }}
          runtime: ${{ vars.RUNTIME }}
          database-url: ${{ secrets.DATABASE_URL }}
          expected-columns: |
            scans: ended_at timestamptz, last_activity_at
          expected-functions: update_scan_heartbeat(scan_id, progress_msg)
          timeout: 2s
      - name: Deploy
        run: echo "deployed with ${{ steps.gate.outputs.served }} items served"
      - name: Roll back
        if: failure()
        run: echo "${{ steps.gate.outputs.verdict }} for ${{ steps.gate.outputs.not-served }} items"
"""


@pytest.fixture
def checkout(tmp_path: Path, gate_image: str) -> Path:
    """A repository with migrations and the action, whose image is the one built already."""
    folder = tmp_path / "checkout"
    write_project(folder, {"20260101000000_scans": BEFORE, "20260102000000_more": MIGRATION})
    built, image = "image: Dockerfile\n", f"image: docker://{gate_image}\n"
    action = (ROOT / "action.yml").read_text()
    assert built in action
    (folder / "action.yml").write_text(action.replace(built, image))
    return folder


@pytest.fixture
def deploy(
    checkout: Path,
    docker_engine: Engine,
    images: Images,
    database: Database,
    start_postgrest: StartPostgrest,
    supabase: Supabase,
) -> Deploy:
    """Runs the workflow with a runtime, against a PostgREST that was up before the push."""
    api = start_postgrest(database)

    def run(runtime: str) -> Workflow:
        return run_workflow(
            checkout,
            WORKFLOW,
            name=docker_engine.name("act"),
            image=images.debian,
            variables={"API_URL": api.url, "RUNTIME": runtime},
            secrets={"DATABASE_URL": database.url},
            container_options=[
                f"--label={docker_engine.label}",
                f"--volume={supabase.binary}:/usr/local/bin/supabase:ro",
            ],
        )

    return run


def test_the_gate_after_a_push_stops_the_deploy(deploy: Deploy) -> None:
    """Pushed and not refreshed: the gate is closed, the job fails, nothing is deployed."""
    workflow = deploy("none")

    assert workflow.status == 1, workflow.log
    assert '"migrations":["20260101000000_scans.sql","20260102000000_more.sql"]' in workflow.log
    assert "closed for 3 items" in workflow.log
    assert "deployed with" not in workflow.log


def test_the_gate_after_a_push_lets_the_deploy_go_on(deploy: Deploy) -> None:
    """Pushed, refreshed by NOTIFY and seen to be served: the next step runs, and knows of it."""
    workflow = deploy("notify")

    assert workflow.status == 0, workflow.log
    assert "deployed with 3 items served" in workflow.log
    assert "closed for" not in workflow.log


DRIFT = """\
jobs:
  drift:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - name: Drift
        id: drift
        uses: ./
        with:
          mode: drift
          before: git:HEAD:api.snapshot.yml
          after: ${{ secrets.DATABASE_URL }}
          override-label: api-change
      - name: Merge
        run: echo "merged with ${{ steps.drift.outputs.breaking }} breaking changes"
"""


def test_a_breaking_change_blocks_the_pull_request_until_it_is_labelled(
    checkout: Path, docker_engine: Engine, images: Images, database: Database
) -> None:
    """Of the same commit: the job fails, and passes once a reviewer has set the label."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(BEFORE)
        assert main(["snapshot", database.url, "--out", str(checkout / "api.snapshot.yml")]) == 0
        connection.execute("alter table scans rename column id to scan_id")

    def run(*labels: str) -> Workflow:
        home = {"full_name": "acme/app"}
        about = {"number": 7, "head": {"repo": home, "ref": "x"}, "base": {"repo": home}}
        return run_workflow(
            checkout,
            DRIFT,
            name=docker_engine.name("drift"),
            image=images.debian,
            variables={},
            secrets={"DATABASE_URL": database.url},
            container_options=[f"--label={docker_engine.label}"],
            pull_request=about | {"labels": [{"name": label} for label in labels]},
        )

    blocked, labelled = run(), run("api-change")

    assert blocked.status == 1, blocked.log
    assert "column-removed public.scans.id" in blocked.log
    assert "merged with" not in blocked.log
    assert labelled.status == 0, labelled.log
    assert "gate open by the label `api-change`" in labelled.log
    assert "merged with 2 breaking changes" in labelled.log
