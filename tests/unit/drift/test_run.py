"""The commands `snapshot` and `diff`, on files: what they print, write and end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pgrst_gate.cli import main

BEFORE = """\
pgrst-gate-snapshot: 1
schemas: [public]
relations: {public.t: {columns: {id: text, note: text}}}
"""
AFTER = """\
pgrst-gate-snapshot: 1
schemas: [public]
relations: {public.t: {columns: {id: text}}, public.new: {}}
"""
ALLOW = "- change: column-removed public.t.*\n  reason: agreed\n  until: 2999-01-01\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with two snapshots and a list of what may change."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "before.yml").write_text(BEFORE)
    (tmp_path / "after.yml").write_text(AFTER)
    (tmp_path / "allow.yml").write_text(ALLOW)
    return tmp_path


CLOSED = """\
breaking:
  column-removed public.t.note
      text → (gone)

additive:
  relation-added public.new
      (none) → relation of 0 columns

What to do:
Undo what breaks clients, or let it pass for a while by an entry in the file that
`allow` names:

  - change: "column-removed public.t.note"
    reason: why no client minds
    until: the last day on which it may pass, such as 2026-12-31

Once it is meant to be so, make it what is compared with:

  pgrst-gate snapshot after.yml --out before.yml

gate closed by 1 change: 1 breaking, 1 additive, 0 neutral
"""


def test_a_breaking_change_closes_the_gate(capsys: pytest.CaptureFixture[str]) -> None:
    """The worst first, then the rest, what to do, and the conclusion."""
    assert main(["diff", "before.yml", "after.yml"]) == 1
    assert capsys.readouterr().out == CLOSED


@pytest.mark.parametrize(
    ("arguments", "code", "conclusion"),
    [
        ("before.yml before.yml", 0, "gate open: no drift between before.yml and before.yml"),
        ("after.yml before.yml --fail-on none", 0, "gate open: 1 breaking, 1 additive, 0 neutral"),
        ("before.yml after.yml --schema other", 0, "gate open: no drift between"),
        ("before.yml after.yml --allow allow.yml", 0, "gate open: 0 breaking, 1 additive"),
        (
            "before.yml after.yml --allow allow.yml --fail-on any",
            1,
            "gate closed by 1 change: 0 breaking, 1 additive, 0 neutral, 1 allowed",
        ),
    ],
)
def test_the_conclusion_is_the_last_line(
    arguments: str, code: int, conclusion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is what `--fail-on` and the allow-list make of the changes."""
    assert main(["diff", *arguments.split()]) == code
    assert capsys.readouterr().out.splitlines()[-1].startswith(conclusion)


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Every change with its rule, its impact and the entry that allows it."""
    assert main(["diff", "before.yml", "after.yml", "--allow", "allow.yml", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["conclusion"], found["counts"]["additive"]) == ("open", 1)
    assert [(one["subject"], one["allowed"]) for one in found["changes"]] == [
        ("relation-added public.new", None),
        (
            "column-removed public.t.note",
            {"reason": "agreed", "until": "2999-01-01", "place": "allow.yml:1"},
        ),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("diff before.yml nope.yml", 2, "nope.yml cannot be read: No such file"),
        ("diff before.yml allow.yml", 2, "allow.yml:1: not a snapshot"),
        ("diff before.yml after.yml --allow before.yml", 2, "before.yml:1: expected a list"),
        ("diff before.yml after.yml --fail-on all", 2, "--fail-on: `all` is not valid"),
        ("diff before.yml after.yml --admin-url x", 2, "--admin-url: `x` is not valid"),
        ("diff before.yml git:main", 2, "`git:main`: expected git:<ref>:<path>"),
        ("diff before.yml git:main:api.yml", 2, "git:main:api.yml: "),
        ("diff before.yml migrations:nope", 2, "there is no folder nope"),
        ("diff before.yml migrations:.", 2, "no migration of the layout `supabase` is in ."),
        ("diff before.yml http://u:p@localhost", 2, "the address of the API is not valid"),
        ("diff before.yml http://localhost:1", 4, "http://localhost:1 does not answer"),
        ("diff postgres://u:pass-word@localhost:1/d after.yml", 4, "the database cannot be read"),
        ("snapshot nope.yml --out out.yml", 2, "nope.yml cannot be read"),
        ("snapshot before.yml --out no/out.yml", 2, "no/out.yml cannot be written"),
    ],
)
def test_what_cannot_be_read_is_no_verdict(
    arguments: str, code: int, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clear error, nothing on standard output, no file written, no secret shown."""
    files = {*here.iterdir()}
    assert main(arguments.split()) == code

    captured = capsys.readouterr()
    assert captured.err.startswith(message)
    assert (captured.out, {*here.iterdir()}) == ("", files)
    assert "pass-word" not in captured.err


def test_a_snapshot_is_written_whole(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To a file, or to standard output; a snapshot of a snapshot is its normal form."""
    assert main(["snapshot", "before.yml", "--out", "out.yml"]) == 0
    assert main(["snapshot", "out.yml"]) == 0

    text = (here / "out.yml").read_text()
    assert capsys.readouterr().out == text
    assert text.startswith("pgrst-gate-snapshot: 1\nschemas:\n- public\nrelations:\n  public.t:")


def test_names_cannot_command_a_runner(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that holds a workflow command is shown, and commands nothing."""
    name = '"public.\\"a\\n::error::b ##[group]c\\""'
    hostile = f"pgrst-gate-snapshot: 1\nschemas: [public]\nrelations: {{{name}: {{}}}}\n"
    (here / "hostile.yml").write_text(hostile)

    main(["diff", "before.yml", "hostile.yml"])
    main(["diff", "before.yml", "hostile.yml", "--json"])

    out = capsys.readouterr().out
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert "##[" not in out
