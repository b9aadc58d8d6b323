"""Reports as their readers judge them: by Microsoft's SARIF validator, Jenkins's JUnit schema.

Neither is a package that Python can import. The validator, which has the schema of SARIF 2.1.0 in
it, comes from npm, by the digest below. The schema of Jenkins's xUnit plugin is in the source
distribution of pytest, whose own JUnit reports are tested by it: that of requirements/dev.txt.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import pytest
import xmlschema
from tests.harness import npm
from tests.unit.reporters.reports import HOSTILE_TEXT, REPORTS, saying

from pgrst_gate.reporters.formats import render

MULTITOOL: Final = "@microsoft/sarif-multitool-linux@5.7.0"
MULTITOOL_DIGEST: Final = (
    "sha512-NxUbpq6ISCWoTQ/NfOYEwEDKq1Heka/rMoJ5R5LM"
    "ydcAZQX/X7g5mWHcgxDub+0M07LC96tZ5LZHvF1Qy3gjTA=="
)
LOCK: Final = Path(__file__).parents[2] / "requirements/dev.txt"
ALL: Final = {**REPORTS, "saying": saying(HOSTILE_TEXT)}


@pytest.fixture(scope="module")
def multitool(pytestconfig: pytest.Config) -> Path:
    """The validator, installed once and kept in pytest's cache."""
    folder = pytestconfig.cache.mkdir("sarif-multitool")
    found = folder / "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
    if not found.is_file():
        try:
            npm.install(folder, MULTITOOL, MULTITOOL_DIGEST)
        except npm.NpmMissing as missing:
            pytest.skip(str(missing))
    found.chmod(0o755)
    return found


@pytest.fixture(scope="module")
def junit(pytestconfig: pytest.Config) -> xmlschema.XMLSchema:
    """Jenkins's schema, downloaded once for a version of pytest and kept in its cache."""
    locked = re.findall(r"^pytest==.*\n(?: .*--hash.*\n)+", LOCK.read_text(), re.MULTILINE)[0]
    folder = pytestconfig.cache.mkdir(f"junit-schema-{pytest.__version__}")
    if not (found := [*folder.glob("*.tar.gz")]):
        (folder / "pytest.txt").write_text(locked)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download"]
        options = ["--no-deps", "--no-binary=:all:", "--require-hashes", "--dest", str(folder)]
        wanted = ["--requirement", str(folder / "pytest.txt")]
        subprocess.run([*pip, *options, *wanted], check=True, capture_output=True)
        found = [*folder.glob("*.tar.gz")]
    with tarfile.open(found[0]) as archive:
        name = next(one for one in archive.getnames() if one.endswith("/junit-10.xsd"))
        file = archive.extractfile(name)
        assert file
        return xmlschema.XMLSchema(file.read().decode())


def test_sarif_is_valid(multitool: Path, tmp_path: Path) -> None:
    """By the schema, and by the rules of those who show it; no warning but one."""
    for name, report in ALL.items():
        text = render(report, "sarif", ".github/workflows/deploy.yml")
        (tmp_path / f"{name}.sarif").write_text(text, "utf-8")
    done = subprocess.run(
        [multitool, "validate", *sorted(tmp_path.glob("*.sarif"))],
        env={"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    told = set(re.findall(r"(?:error|warning) ([A-Z]+\d+):", done.stdout))
    assert told <= {"SARIF2005"}, done.stdout  # informationUri: the project has no address yet
    assert (done.returncode, f"{len(ALL)} files scanned" in done.stdout) == (0, True), done.stdout


def test_sarif_that_is_not_valid_is_told(multitool: Path, tmp_path: Path) -> None:
    """The validator sees a field that the schema does not know."""
    text = render(REPORTS["closed"], "sarif", "x.yml").replace("ruleIndex", "ruleNumber")
    (tmp_path / "bad.sarif").write_text(text, "utf-8")
    done = subprocess.run(
        [multitool, "validate", tmp_path / "bad.sarif"],
        env={"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "does not define a property 'ruleNumber'" in done.stdout


@pytest.mark.parametrize("name", ALL)
def test_junit_is_valid(name: str, junit: xmlschema.XMLSchema) -> None:
    """As Jenkins reads it."""
    junit.validate(render(ALL[name], "junit", "x.yml"))


def test_junit_that_is_not_valid_is_told(junit: xmlschema.XMLSchema) -> None:
    """The schema sees an attribute that it does not know."""
    text = render(REPORTS["closed"], "junit", "x.yml").replace("classname", "class")
    assert not junit.is_valid(text)
