"""The wheel, installed as people do, and every pipeline of docs/other-ci.md run on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
import yaml

from pgrst_gate import __version__
from pgrst_sandbox.postgres import Postgres, postgres
from pgrst_sandbox.process import Server, run

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/other-ci.md").read_text()
COMPONENT: Final = (ROOT / "templates/pgrst-gate.yml").read_text()
FROM_GITHUB: Final = "git+https://github.com/OWNER/pgrst-gate@v0.1.0"


@dataclass(frozen=True)
class Pipeline:
    """What a pipeline tells its job: variables and lines for a shell."""

    variables: Mapping[str, str]
    script: tuple[str, ...]


def blocks(language: str) -> list[str]:
    """The page's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


INCLUDED, GITLAB, CIRCLECI = blocks("yaml")
(JENKINS,) = blocks("groovy")


def component(given: Mapping[str, str]) -> str:
    """The component's job as GitLab makes it: its text with the inputs filled in, then read."""
    spec, job = yaml.safe_load_all(COMPONENT)
    inputs = {name: about["default"] for name, about in spec["spec"]["inputs"].items()}
    assert given.keys() <= inputs.keys()
    text = COMPONENT.partition("\n---\n")[2]
    for name, value in {**inputs, **given}.items():
        text = text.replace(f"$[[ inputs.{name} ]]", value)
    assert job
    assert "$[[" not in text
    return text


def gitlab(text: str) -> Pipeline:
    """The only job of a GitLab pipeline."""
    (job,) = yaml.safe_load(text).values()
    return Pipeline(job["variables"], tuple(job["script"]))


def circleci(text: str) -> Pipeline:
    """The only job of a CircleCI pipeline."""
    (job,) = yaml.safe_load(text)["jobs"].values()
    script = tuple(step["run"] for step in job["steps"] if "run" in step)
    return Pipeline(job["environment"], script)


def jenkins(text: str) -> Pipeline:
    """A declarative Jenkins pipeline, but for the line that installs the gate."""
    variables = dict(re.findall(r"^ +(\w+) = '(.*)'$", text, re.MULTILINE))
    _, *script = re.findall(r"^ +sh '(.*)'$", text, re.MULTILINE)
    return Pipeline(variables, tuple(script))


INPUTS: Final[dict[str, str]] = yaml.safe_load(INCLUDED)["include"][0]["inputs"]
PIPELINES: Final = {
    "component": gitlab(component(INPUTS)),
    "gitlab": gitlab(GITLAB),
    "circleci": circleci(CIRCLECI),
    "jenkins": jenkins(JENKINS),
}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("gitlab-ci", INCLUDED),
        ("gitlab-ci", GITLAB),
        ("gitlab-ci", COMPONENT.partition("\n---\n")[0]),
        ("gitlab-ci", component(INPUTS)),
        ("circle-ci", CIRCLECI),
    ],
    ids=["include", "gitlab", "spec", "component", "circleci"],
)
def test_a_pipeline_is_what_the_published_schema_asks_for(
    tmp_path: Path, schema: str, text: str
) -> None:
    """By the schemas that come with check-jsonschema."""
    path = tmp_path / "pipeline.yml"
    path.write_text(text)
    checker = Path(sys.executable).with_name("check-jsonschema")

    checked = subprocess.run(
        [checker, "--builtin-schema", f"vendor.{schema}", path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the gate in `.gate`: the wheel, installed by the line for Jenkins."""
    folder = tmp_path_factory.mktemp("workspace")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    line = re.findall(r"^ +sh '(.*)'$", JENKINS, re.MULTILINE)[0]
    assert line.endswith(FROM_GITHUB)
    shell(line.replace(FROM_GITHUB, f"--no-compile {wheel}"), folder, {})
    return folder


def shell(
    line: str, folder: Path, variables: Mapping[str, str], *, expected: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a line as the CIs do, by a shell that stops at the first failure."""
    own = Path(sys.executable).parent
    plain = {name: text for name, text in os.environ.items() if not name.startswith("PGRST_")}
    ended = subprocess.run(
        ["/bin/sh", "-e", "-c", line],
        cwd=folder,
        env=plain | {"PATH": f"{folder}/.gate/bin:{own}:{os.environ['PATH']}"} | dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == expected, ended.stdout + ended.stderr
    return ended


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """A PostgreSQL with the role of everybody."""
    with postgres() as started:
        started.execute("create role anon nologin", dbname="postgres")
        yield started


@pytest.fixture
def stale(database: Postgres) -> Iterator[tuple[Server, str]]:
    """A PostgREST that has not heard of its new tables, and the address of its database."""
    reset = "drop table if exists heartbeats, scans; create table scans (id int)"
    database.execute(reset, dbname="postgres")
    with run(dsn=database.dsn()) as server:
        database.execute(
            "create table heartbeats (id int);"
            "alter table scans add ended_at timestamptz, add last_activity_at timestamptz;"
            "grant select on heartbeats, scans to anon",
            dbname="postgres",
        )
        yield server, database.dsn()


def test_what_is_installed_is_the_command(folder: Path) -> None:
    """From the wheel's own dependencies; nothing of the tests or of the stand-in comes along."""
    told = shell("pgrst-gate --version", folder, {})
    found = shell("python -c 'import pgrst_gate; print(pgrst_gate.__file__)'", folder, {})
    alone = shell("python -c 'import pgrst_sandbox' 2>&1 || echo no", folder, {})

    assert told.stdout == f"pgrst-gate {__version__}\n"
    assert found.stdout.startswith(f"{folder}/.gate/")
    assert alone.stdout.splitlines()[-1] == "no"


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_of_the_docs_gates(folder: Path, stale: tuple[Server, str], name: str) -> None:
    """Its lines fail on the stale cache, pass after NOTIFY, and leave the reports they promise."""
    server, database_url = stale
    pipeline = PIPELINES[name]
    given = {**pipeline.variables, "PGRST_GATE_URL": server.url, "PGRST_GATE_API_KEY": ""}
    *before, gate = pipeline.script
    for line in before:
        shell(line, folder, given)

    nothing = {"PGRST_GATE_RUNTIME": "none", "PGRST_GATE_TIMEOUT": "500ms"}
    secret = {"PGRST_GATE_DATABASE_URL": database_url}
    closed = shell(gate, folder, given | {"PGRST_GATE_DATABASE_URL": ""} | nothing, expected=1)
    closed_reports = reports(folder, given["PGRST_GATE_REPORT"])
    opened = shell(gate, folder, given | secret)

    assert "gate closed" in closed.stdout
    assert "stale" in closed.stdout
    assert "gate open" in opened.stdout
    assert "NOTIFY" in opened.stderr
    assert closed_reports["json"]["conclusion"] == "closed"
    assert closed_reports["junit"].get("failures") != "0"
    assert reports(folder, given["PGRST_GATE_REPORT"])["json"]["conclusion"] == "open"
    if "gitlab" in closed_reports:
        assert closed_reports["gitlab"]


def reports(folder: Path, asked: str) -> dict[str, Any]:
    """The reports that were asked for, read and removed."""
    readers: dict[str, Callable[[str], Any]] = {
        "json": json.loads,
        "gitlab": json.loads,
        "junit": ET.fromstring,
    }
    found = {}
    for part in asked.split(","):
        form, _, path = part.strip().partition("=")
        found[form] = readers[form]((folder / path).read_text())
        (folder / path).unlink()
    return found


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (component(INPUTS), ("junit", "codequality")),
        (GITLAB, ("junit", "codequality")),
    ],
    ids=["component", "gitlab"],
)
def test_gitlab_is_shown_the_files_that_the_gate_writes(text: str, paths: tuple[str, str]) -> None:
    """The paths of the artifacts are those of the reports."""
    (job,) = yaml.safe_load(text).values()
    written = dict(
        part.strip().split("=") for part in job["variables"]["PGRST_GATE_REPORT"].split(",")
    )

    shown = job["artifacts"]["reports"]
    assert [shown[name] for name in paths] == [written["junit"], written["gitlab"]]
    assert job["artifacts"]["paths"] == [written["json"]]
    assert job["artifacts"]["when"] == "always"


def test_no_secret_is_an_input_of_the_component() -> None:
    """Whoever may see a pipeline may see its inputs."""
    spec, _ = yaml.safe_load_all(COMPONENT)

    names = spec["spec"]["inputs"].keys()
    assert {"api-key", "token", "database-url", "jwt-secret", "headers", "report"} & names == set()
    assert {"url", "expected-tables", "config", "runtime"} <= names
