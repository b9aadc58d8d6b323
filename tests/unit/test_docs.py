"""What README and docs say is what the code does: each test holds a part of them to its source."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pgrst_gate.doctor.looks import SUBJECTS
from pgrst_gate.drift import allowed, snapshot
from pgrst_gate.drift.rules import Rule
from pgrst_gate.errors import Cancelled, GateError
from pgrst_gate.given import from_config
from pgrst_gate.inputs import CONFIG, INPUTS, Given, read_inputs
from pgrst_gate.plan import make_plan
from pgrst_gate.report import Conclusion
from pgrst_gate.runtimes import RUNTIMES
from pgrst_gate.verdicts import Cause

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md"))
    if path.name != "CHANGELOG.md"
]
NAMES = {one.name for one in (*INPUTS, CONFIG)}
PARTS = ("What it means.", "How it was told.", "What to do.", "How to prevent it.")


def by_path(path: Path) -> str:
    """A parameter's id: the path in the repository."""
    return str(path.relative_to(ROOT))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language; an empty one for those that name none."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise AssertionError(f"there is no section `{heading}`")
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The rows of the first table of a text, without its header."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    lines = table[0].splitlines()[2:] if table else []
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def anchors(page: Path) -> set[str]:
    """The fragments that headings of a page can be linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def steps(document: object) -> Iterator[dict[str, Any]]:
    """The steps that use the action, wherever they stand in a YAML document."""
    if isinstance(document, dict):
        if re.search("/pgrst-gate(/native)?@", str(document.get("uses", ""))):
            yield document
        for value in document.values():
            yield from steps(value)
    elif isinstance(document, list):
        for value in document:
            yield from steps(value)


EXAMPLES = [
    pytest.param(step["with"], id=f"{by_path(page)}:{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page.read_text(), "yaml"))
    for step in steps(yaml.safe_load(block))
]


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_told_about_in_four_parts(cause: Cause) -> None:
    """Whoever looks a verdict up finds what it means, how it was told, and what to do."""
    told = section((ROOT / "docs/verdicts.md").read_text(), cause)

    assert re.findall(r"^\*\*(.+?)\*\*", told, re.MULTILINE) == list(PARTS)


def test_verdicts_tells_about_causes_only() -> None:
    """No section stays behind when a cause is renamed or dropped."""
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/verdicts.md").read_text(), re.MULTILINE)

    assert headings == [cause.value for cause in Cause]


def test_every_subject_of_the_doctor_has_its_section() -> None:
    """In the order of its report, each with what it means, how it is told and what to type."""
    told = (ROOT / "docs/doctor.md").read_text()

    assert re.findall(r"^## (.+)$", told, re.MULTILINE) == list(SUBJECTS)
    parts = [re.findall(r"^\*\*(.+?)\*\*", section(told, one), re.MULTILINE) for one in SUBJECTS]
    assert parts == [["Meaning.", "How it is told.", "What to do."]] * len(SUBJECTS)


def test_exit_codes_are_those_of_the_errors() -> None:
    """The table of exit codes says of each code what the code says of itself."""
    told = {
        (int(code), verdict.strip("`")) for code, verdict, *_ in rows(section(README, "Exit codes"))
    }

    errors = {(error.exit_code, error.verdict) for error in GateError.__subclasses__()}
    cancelled = {(Cancelled(number).exit_code, Cancelled.verdict) for number in (2, 15)}
    passed = {(0, one) for one in (Conclusion.OPEN, Conclusion.PLANNED, Conclusion.SKIPPED)}
    ended = passed | {(1, Conclusion.CLOSED)}
    assert told == errors | cancelled | ended


def test_the_readme_shows_what_the_campaign_wrote() -> None:
    """Table and command are those of docs/campaign.md, which the campaign writes by itself."""
    written = (ROOT / "docs/campaign.md").read_text()
    command = re.findall(r"<!-- campaign: (.+) -->", README)

    assert command == re.findall(r"^python -m campaign .+$", written, re.MULTILINE)
    assert [*rows(section(README, "How often it is right"))] == [
        *rows(section(written, "Beside the checks people write today"))
    ]


def test_runtimes_are_listed() -> None:
    """The README's first table has every runtime, and each has its section in docs/runtimes.md."""
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/runtimes.md").read_text(), re.MULTILINE)

    first = [row[0].strip("`") for row in rows(README)]
    assert first == headings == [*RUNTIMES, "auto"]


@pytest.mark.parametrize("given", EXAMPLES)
def test_example_is_a_plan_the_gate_accepts(given: dict[str, str]) -> None:
    """A step copied from the docs names inputs that exist, and gives them what they take."""
    assert given.keys() - NAMES == set()

    filled = {
        name: re.sub(r"\$\{\{.*?\}\}", "http://filled.in", str(text))
        for name, text in given.items()
    }
    inputs = read_inputs({name: Given(text, name) for name, text in filled.items()})
    if inputs.mode == "drift":
        assert inputs.before
        assert inputs.after
    else:
        plan = make_plan(inputs)
        assert plan.expectation or plan.inputs.expect_from


def test_config_example_reads() -> None:
    """The config file of the README has keys that exist, and values they take."""
    (example,) = [block for block in blocks(README, "yaml") if block.startswith("# gate.yml")]

    given = from_config(Path("gate.yml"), example)

    assert make_plan(read_inputs({"url": Given("http://a", "url"), **given})).expectation


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_command_lines_name_flags_that_exist(page: Path) -> None:
    """A command line copied from the docs has no flag that the command does not know."""
    lines = "\n".join(blocks(page.read_text(), "")).replace("\\\n", "").splitlines()
    commands = [shlex.split(line) for line in lines if "pgrst-gate run" in line]

    flags = {word for words in commands for word in words if word.startswith("--")}
    assert flags - {f"--{name}" for name in NAMES} - {"--json"} == set()


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_relative_links_resolve(page: Path) -> None:
    """A link leads to a file that exists, and to a heading that is in it."""
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", re.sub(r"`[^`]*`", "", page.read_text()))

    broken = []
    for link in links:
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_tried_commands_are_targets_of_make() -> None:
    """What a newcomer is told to type exists, and its help says what it is."""
    commands = "\n".join(blocks(section(README, "Try it"), "")).split("\n")
    targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)

    typed = [command.removeprefix("make ") for command in commands if command]
    assert typed
    assert set(typed) <= set(targets)


def test_messages_are_the_gates_own() -> None:
    """A message that troubleshooting goes by is in the source, or was recorded from a server."""
    source = "".join(path.read_text() for path in (ROOT / "src/pgrst_gate").rglob("*.py"))
    said = re.sub(r'"\s*\n\s*f?"', "", source)
    said += (ROOT / "tests/contract/recordings/doors-16.2.json").read_text()
    by_message = section(README, "Troubleshooting").partition("By message")[2]

    messages = [text for row in rows(by_message) for text in re.findall(r"`(.+?)`", row[0])]
    parts = [part.strip() for message in messages for part in message.split("…") if part.strip()]
    assert parts
    assert [part for part in parts if part not in said] == []


def test_readme_shows_what_the_demo_prints() -> None:
    """The output in the README is real: its lines are those of the demo, in order, less numbers."""
    demo = subprocess.run(
        [sys.executable, "-m", "pgrst_sandbox.demo"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    printed = [re.sub(r"\d+", "N", line.strip()) for line in demo.stdout.splitlines()]

    for name in ("open", "closed"):
        (shown,) = blocks(README.partition(f"<!-- demo: {name} -->\n")[2].partition("\n\n")[0], "")
        lines = [re.sub(r"\d+", "N", line.strip()) for line in shown.splitlines()]
        unread = iter(printed)
        missing = [line for line in lines if line != "…" and line not in unread]
        assert missing == []


DRIFT = (ROOT / "docs/drift.md").read_text()


def test_drift_lists_every_rule_with_its_impact() -> None:
    """The rules that the docs give reasons for are those that judge, in their order."""
    listed = [(row[0].strip("`"), row[1]) for row in rows(section(DRIFT, "Rules"))]
    assert listed == [(rule.id, rule.impact.value) for rule in Rule]


def test_drift_shows_a_snapshot_and_an_allow_list_that_read() -> None:
    """What is shown can be copied; a snapshot that was written looks just so."""
    (shown,) = blocks(section(DRIFT, "The snapshot"), "yaml")
    assert snapshot.write(snapshot.read(shown, "api.yml")) == shown

    (listed,) = blocks(section(DRIFT, "The allow-list"), "yaml")
    assert [one.change for one in allowed.read(listed, "allowed.yml")] == [
        "column-removed public.scans.note"
    ]
