"""Which files are new, by a git ref or by a list."""

import json
from pathlib import Path
from typing import Any

import pytest
from dulwich import porcelain
from dulwich.repo import Repo

from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.migrations import Layout, Reading, read_migrations

AUTHOR = b"A <a@example.org>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three migrations in the layout of Supabase."""
    made = tmp_path / "supabase" / "migrations"
    made.mkdir(parents=True)
    for number in (1, 2, 3):
        (made / f"{number}_made.sql").write_text(f"create table t{number} ();")
    return made


@pytest.fixture
def repository(tmp_path: Path, folder: Path) -> Path:
    """A repository whose main branch has the first two; the third is not committed."""
    porcelain.init(str(tmp_path))
    paths = [str(folder / f"{number}_made.sql") for number in (1, 2)]
    porcelain.add(str(tmp_path), paths=paths)
    porcelain.commit(str(tmp_path), message=b"x", author=AUTHOR, committer=AUTHOR)
    porcelain.branch_create(str(tmp_path), "base")
    return tmp_path


def new(folder: Path, since: str, layout: Layout = "supabase") -> list[str]:
    """The names of the files that are new."""
    return [path.name for path in read_migrations(folder, layout, since).files]


def listed(tmp_path: Path, document: Any) -> str:  # noqa: ANN401 - any JSON
    """A JSON file with this document."""
    path = tmp_path / "list.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_all_are_new_without_since(folder: Path) -> None:
    """Nothing given, nothing left out."""
    assert new(folder, "") == ["1_made.sql", "2_made.sql", "3_made.sql"]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("ref", ["base", "refs/heads/base", "HEAD"])
def test_files_that_differ_from_the_ref_are_new(folder: Path, ref: str) -> None:
    """An added file and a changed one; line ends of a checkout do not make a change."""
    (folder / "1_made.sql").write_text("create table other ();")
    (folder / "2_made.sql").write_bytes(b"create table t2 ();")

    assert new(folder, ref) == ["1_made.sql", "3_made.sql"]


def test_commits_and_remote_branches_are_refs(repository: Path, folder: Path) -> None:
    """A full or shortened commit id, and a branch of a remote as CI has it."""
    with Repo(str(repository)) as opened:
        sha = opened.head().decode()
    remote = repository / ".git" / "refs" / "remotes" / "origin"
    remote.mkdir(parents=True)
    (remote / "main").write_text(sha + "\n")

    assert (
        new(folder, sha)
        == new(folder, sha[:9])
        == new(folder, "origin/main")
        == new(folder, "main")
        == ["3_made.sql"]
    )


def test_unknown_ref_is_refused(repository: Path, folder: Path) -> None:
    """A shallow checkout is the usual reason, and the hint says so."""
    del repository
    with pytest.raises(
        UsageError, match="`since: origin/other`: there is no branch, tag or commit"
    ) as refused:
        new(folder, "origin/other")

    assert "fetch-depth: 0" in refused.value.hint


def test_ref_without_a_repository_is_refused(folder: Path) -> None:
    """A folder outside of git has no history to compare with."""
    with pytest.raises(UsageError, match="in no git repository"):
        new(folder, "origin/main")


@pytest.mark.parametrize(
    ("document", "files"),
    [
        (
            {"upToDate": False, "migrations": ["2_made.sql", "3_made.sql"]},
            ["2_made.sql", "3_made.sql"],
        ),
        (
            {
                "migrations": [
                    {"local": "1", "remote": "1", "time": "1"},
                    {"local": "2", "remote": "", "time": "2"},
                    {"local": "3", "remote": None, "time": "3"},
                    {"local": "", "remote": "9", "time": "9"},
                ]
            },
            ["2_made.sql", "3_made.sql"],
        ),
        ({"applied": ["1", "2"]}, ["3_made.sql"]),
        ({"applied": ["1_made.sql", "2_made"]}, ["3_made.sql"]),
        ({"applied": []}, ["1_made.sql", "2_made.sql", "3_made.sql"]),
    ],
)  # fmt: skip
def test_list_tells_the_new_ones(
    document: dict[str, Any], files: list[str], folder: Path, tmp_path: Path
) -> None:
    """The outputs of the Supabase CLI and a list of what was applied."""
    assert new(folder, listed(tmp_path, document)) == files


def test_push_that_applied_nothing_brought_nothing_new(folder: Path, tmp_path: Path) -> None:
    """A repeated run applies nothing: what then is expected is for the caller to say."""
    document = {"upToDate": True, "migrations": []}

    reading = read_migrations(folder, "supabase", listed(tmp_path, document))

    assert reading == Reading({}, {}, (), ())


def test_single_version_of_a_history_stands_for_all_up_to_it(tmp_path: Path) -> None:
    """The table of golang-migrate holds the last version alone."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for number in (1, 2, 10):
        (folder / f"{number}_x.up.sql").write_text("select 1")

    assert new(folder, listed(tmp_path, {"applied": ["2"]}), "golang-migrate") == ["10_x.up.sql"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"migrations": ["4_gone.sql"]}, "names 4_gone.sql, which is not in the folder"),
        ({"something": "else"}, "JSON of an unknown form"),
        ({"migrations": [{"name": "x"}]}, "JSON of an unknown form"),
        ({"applied": [1]}, "JSON of an unknown form"),
        ([], "JSON of an unknown form"),
    ],
)
def test_list_of_another_form_is_refused(
    document: Any,  # noqa: ANN401 - any JSON
    message: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    """No guess is made at what a file means."""
    with pytest.raises(UsageError, match=message) as refused:
        new(folder, listed(tmp_path, document))

    assert refused.value.hint


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), (None, "there is no file")])
def test_list_that_cannot_be_read_is_refused(
    text: str | None, message: str, folder: Path, tmp_path: Path
) -> None:
    """A broken or missing file is an error of its own, not a git ref."""
    path = tmp_path / "list.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(UsageError, match=message):
        new(folder, str(path))


def test_new_files_are_read_on_top_of_the_others(folder: Path, tmp_path: Path) -> None:
    """What an old file made is known when a new one changes it."""
    (folder / "2_made.sql").write_text("alter table t3 rename to t4;")

    reading = read_migrations(folder, "supabase", listed(tmp_path, {"applied": ["1", "3"]}))

    assert list(map(str, reading.present)) == ["public.t4"]
    assert list(map(str, reading.absent)) == ["public.t3"]
