"""The built action as a step: what people see, what later steps get, what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.harness.containers import OWNER_PASSWORD, token
from tests.harness.images import ROOT
from tests.harness.runner import Job
from tests.harness.scans import BEFORE, EXPECTED, EXPECTED_ITEMS, MIGRATION

from pgrst_gate import __version__
from pgrst_sandbox.ports import free_port

if TYPE_CHECKING:
    from tests.harness.containers import Database, Postgrest
    from tests.harness.engine import Engine
    from tests.harness.runner import Step
    from tests.integration.conftest import RunGate, StartPostgrest

pytestmark = pytest.mark.docker

SLOW_RELOAD = {"PGRST_INTERNAL_SCHEMA_CACHE_QUERY_SLEEP": "3000"}
"""Milliseconds of each load: long enough to be cancelled in the middle of one."""


@pytest.fixture
def stale_api(database: Database, start_postgrest: StartPostgrest) -> Postgrest:
    """A PostgREST that has not heard of the migration."""
    database.execute(BEFORE)
    api = start_postgrest(database)
    database.execute(MIGRATION)
    return api


def test_a_stale_cache_closes_the_gate(
    stale_api: Postgrest, run_gate: RunGate, network: str
) -> None:
    """Not refreshed is not served: the step fails, and says so wherever people look."""
    inputs = EXPECTED | {"url": stale_api.network_url, "runtime": "none", "timeout": "1s"}

    step = run_gate(inputs, network=network)

    assert (step.exit_code, step.conclusion) == (1, "failure"), step.text
    assert step.outputs["verdict"] == "closed"
    assert step.outputs["not-served"] == str(EXPECTED_ITEMS)
    assert any("stale" in message for message in step.messages("error"))
    assert "stale" in step.summary
    assert not step.left_running


@pytest.mark.parametrize("method", ["reload", "restart"])
@pytest.mark.parametrize("job_network", ["services", "bridge"])
def test_a_refresh_opens_the_gate(
    stale_api: Postgrest, run_gate: RunGate, network: str, method: str, job_network: str
) -> None:
    """A signal or a restart through the Docker socket, seen to work: the step succeeds.

    In a job with services the API is reached by its name. On the default bridge it is on the
    machine, which `localhost` in the URL means: the gate finds it there and says that it looked.
    """
    started_at = stale_api.started_at
    by_name = job_network == "services"
    url = stale_api.network_url if by_name else stale_api.url
    inputs = {"url": url, "runtime": "docker", "container": stale_api.name, "method": method}

    step = run_gate(EXPECTED | inputs, network=network if by_name else None)

    assert (step.exit_code, step.conclusion) == (0, "success"), step.text
    assert step.outputs["verdict"] == "open"
    assert step.outputs["evidence"] == "confirmed"
    assert step.outputs["refreshed-by"] == f"docker {method}"
    assert step.outputs["served"] == str(EXPECTED_ITEMS)
    assert step.outputs["postgrest-version"] == "14.14"
    assert (stale_api.started_at != started_at) == (method == "restart")
    assert any(url in message for message in step.messages("warning")) == (not by_name)


@pytest.mark.parametrize("version", ["14.14", "16.2"])
def test_a_notification_opens_the_gate(
    database: Database,
    start_postgrest: StartPostgrest,
    run_gate: RunGate,
    network: str,
    version: str,
) -> None:
    """Without the server's container in reach: NOTIFY, and the admin server counts the load."""
    database.execute(BEFORE)
    api = start_postgrest(database, version=version)
    database.execute(MIGRATION)
    inputs = {"url": api.network_url, "admin-url": api.network_admin_url, "runtime": "notify"}

    step = run_gate(EXPECTED | inputs | {"database-url": database.network_url}, network=network)

    assert (step.exit_code, step.outputs["verdict"]) == (0, "open"), step.text
    assert step.outputs["evidence"] == "confirmed"
    assert step.outputs["refreshed-by"] == "notify reload"
    assert step.outputs["postgrest-version"] == version


@pytest.mark.parametrize(
    ("wrong", "exit_code", "verdict"),
    [
        ({"expected-tables": "never_migrated"}, 1, "closed"),
        ({"timeout": "soon"}, 2, "usage-error"),
        ({"container": "no-such-container"}, 3, "not-refreshed"),
        ({"url": "http://no-such-host:3000", "timeout": "1s"}, 4, "not-observed"),
    ],
    ids=["closed", "usage", "not refreshed", "not observed"],
)
def test_every_end_tells_later_steps(
    stale_api: Postgrest,
    docker_engine: Engine,
    gate_image: str,
    network: str,
    wrong: dict[str, str],
    exit_code: int,
    verdict: str,
) -> None:
    """Outputs, summary and the report's file are there however the run ends, for `if: always()`."""
    inputs = {"url": stale_api.network_url, "runtime": "docker", "container": stale_api.name}

    with Job(label=docker_engine.label, network=network) as job:
        step = job.run(ROOT, image=gate_image, inputs=EXPECTED | inputs | wrong)
        report = json.loads((job.workspace / step.outputs["report"]).read_text())

    assert (step.exit_code, step.outputs["verdict"]) == (exit_code, verdict), step.text
    assert report["exit_code"] == exit_code
    assert len(step.messages("error")) > 0
    assert step.summary


def test_the_report_belongs_to_the_owner_of_the_workspace(
    stale_api: Postgrest, docker_engine: Engine, gate_image: str, network: str
) -> None:
    """The container is root, later steps are not: they must be able to move the report away."""
    inputs = EXPECTED | {"url": stale_api.network_url, "runtime": "none", "timeout": "1s"}

    with Job(label=docker_engine.label, network=network) as job:
        if os.geteuid() == 0:
            os.chown(job.workspace, 4711, 4711)
        step = job.run(ROOT, image=gate_image, inputs=inputs)
        owners = {path.stat().st_uid for path in (job.workspace, *job.workspace.iterdir())}

    assert step.outputs["report"]
    assert len(owners) == 1


def test_a_cancel_in_the_middle_of_a_wait_says_what_was_done(
    database: Database, start_postgrest: StartPostgrest, run_gate: RunGate, network: str
) -> None:
    """Who cancels a deploy must learn at once that the server was told to reload."""
    database.execute(BEFORE)
    api = start_postgrest(database, environment=SLOW_RELOAD)
    database.execute(MIGRATION)
    inputs = {"url": api.network_url, "runtime": "docker", "container": api.name}

    step = run_gate(EXPECTED | inputs, network=network, cancel_on="waiting: ")

    assert (step.exit_code, step.conclusion) == (130, "cancelled"), step.text
    assert_cancelled_at_once(step)
    assert step.outputs["refreshed-by"] == "docker reload"
    assert any("SIGUSR1" in message for message in step.messages("warning"))
    assert "SIGUSR1" in step.summary


def test_a_cancel_before_the_refresh_says_that_nothing_was_sent(
    stale_api: Postgrest, run_gate: RunGate, network: str
) -> None:
    """Cancelled while the API does not answer: the server was left alone, and the step says so."""
    silent = f"http://{stale_api.name}:3999"
    inputs = {"url": silent, "runtime": "docker", "container": stale_api.name}
    started_at, log = stale_api.started_at, stale_api.log()

    step = run_gate(EXPECTED | inputs, network=network, cancel_on="does not answer")

    assert_cancelled_at_once(step)
    assert step.outputs["refreshed-by"] == "none"
    assert any("nothing was sent" in message for message in step.messages("warning"))
    assert (stale_api.started_at, stale_api.log()) == (started_at, log)


def assert_cancelled_at_once(step: Step) -> None:
    """The runner gives 10 s; a gate that took them would hold up every cancelled deploy."""
    assert step.outputs["verdict"] == "cancelled", step.text
    assert step.cancel_seconds is not None
    assert step.cancel_seconds < 2
    assert not step.left_running


def test_localhost_without_a_listener_explains_itself(
    stale_api: Postgrest, run_gate: RunGate
) -> None:
    """Nothing listens there, inside or outside: say why, and what to write instead."""
    url = f"http://localhost:{free_port()}"
    inputs = {"url": url, "runtime": "docker", "container": stale_api.name, "timeout": "1s"}

    step = run_gate(EXPECTED | inputs)

    assert (step.exit_code, step.outputs["verdict"]) == (4, "not-observed"), step.text
    (message,) = step.messages("error")
    assert "`localhost` is the container itself" in message
    assert "service's name" in message


HOSTILE = """\
look
::set-output name=verdict::open
::error title=forged::forged
  ::add-mask::e\r::set-env name=PATH::/tmp
and ##[add-path]/tmp
::stop-commands::never-ends
"""
HOSTILE_SERVER = f"""
import http.server, json
text = {HOSTILE!r}
class Hostile(http.server.BaseHTTPRequestHandler):
    server_version, sys_version = "postgrest/14.14", ""
    def answer(self):
        # It names what it was asked for, as a PostgREST does, or it would not be taken for one.
        said = text + self.path
        body = {{"code": "PGRST205", "message": said, "details": said, "hint": said}}
        print(text, flush=True)
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    do_GET = do_POST = do_OPTIONS = do_HEAD = answer
http.server.ThreadingHTTPServer(("", 3000), Hostile).serve_forever()
"""


def test_text_from_a_server_is_never_a_command(
    docker_engine: Engine, sandbox_image: str, run_gate: RunGate, network: str
) -> None:
    """Whatever a server answers is shown as its words: it sets no output, adds no path, no mask."""
    name = docker_engine.name("hostile")
    docker_engine.start(
        sandbox_image,
        *("/opt/venv/bin/python", "-c", HOSTILE_SERVER),
        name=name,
        options=[f"--network={network}"],
    )
    inputs = {"url": f"http://{name}:3000", "runtime": "none", "timeout": "1s"}

    step = run_gate(EXPECTED | inputs, network=network)

    assert "set-output name=verdict" in step.text
    assert {command.name for command in step.commands} == {"stop-commands", "error"}
    assert all(shown.properties["title"].startswith("pgrst-gate") for shown in step.annotations)
    assert step.outputs["verdict"] != "open"
    assert step.exit_code == 1


def test_secrets_are_masked_before_anything_is_said(
    stale_api: Postgrest, database: Database, docker_engine: Engine, gate_image: str, network: str
) -> None:
    """Keys, tokens and passwords are masked first, and are in no file that the step leaves."""
    wrong_url = database.network_url.replace(OWNER_PASSWORD, "wrong-password")
    secrets = {"token": token("anon"), "api-key": "sb_secret_of_a_test", "database-url": wrong_url}
    inputs = EXPECTED | secrets | {"url": stale_api.network_url, "runtime": "notify"}

    with Job(label=docker_engine.label, network=network) as job:
        step = job.run(ROOT, image=gate_image, inputs=inputs)
        report = (job.workspace / step.outputs["report"]).read_text()

    hidden = [command.data for command in step.commands if command.name == "add-mask"]
    assert step.exit_code == 3, step.text
    assert {secrets["token"], secrets["api-key"], "wrong-password"} <= set(hidden)
    assert [command.data for command in step.commands[: len(hidden)]] == hidden
    assert not any(secret in report for secret in hidden)


def test_the_image_has_the_command(gate_image: str) -> None:
    """As CI systems want it that run a shell in the job's image."""
    ran = ["docker", "run", "--rm", "--entrypoint=sh", gate_image, "-c", "pgrst-gate --version"]

    told = subprocess.run(ran, capture_output=True, text=True, check=False)

    assert told.stdout == f"pgrst-gate {__version__}\n", told.stderr
