"""Files as they were committed, read without git."""

from __future__ import annotations

from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from pgrst_gate.commits import committed
from pgrst_gate.errors import UsageError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a file in a folder; the first is tagged, the second only origin's `main`."""
    with porcelain.init(str(tmp_path)) as made:
        made.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(b"refs/heads/work"))
        (tmp_path / "db").mkdir()
        for text in ("one", "two"):
            (tmp_path / "db/api.yml").write_text(text)
            porcelain.add(made, [str(tmp_path / "db/api.yml")])
            commit = porcelain.commit(made, text.encode(), author=b"a <a@b>", committer=b"a <a@b>")
            name = b"refs/remotes/origin/main" if text == "two" else b"refs/tags/v1"
            made.refs[Ref(name)] = ObjectID(commit)
    return tmp_path


def read_committed(ref: str, path: str, start: Path) -> bytes | None:
    """The file, as a source `git:<ref>:<path>` asks for it."""
    with committed(ref, start, f"git:{ref}:{path}") as commit:
        return commit.content(path)


@pytest.mark.parametrize(
    ("ref", "content"),
    [("v1", b"one"), ("work", b"two"), ("main", b"two"), ("origin/main", b"two"), ("HEAD", b"two")],
)
def test_a_ref_is_what_git_takes_for_one(repository: Path, ref: str, content: bytes) -> None:
    """Tags and branches, and of a branch that is not here that of origin."""
    (repository / "db/api.yml").write_text("not committed")
    assert read_committed(ref, "db/api.yml", repository / "db") == content


def test_a_commit_may_be_named_by_a_part_of_its_id(repository: Path) -> None:
    """As people copy it from a page."""
    with Repo(str(repository)) as found:
        short = found.head().decode()[:9]
    assert read_committed(short, "db/api.yml", repository) == b"two"


@pytest.mark.parametrize("path", ["db/other.yml", "db", "db/api.yml/x"])
def test_what_is_no_file_has_no_content(repository: Path, path: str) -> None:
    """Neither a folder nor a path through a file is one."""
    assert read_committed("v1", path, repository) is None


def test_a_commit_that_is_missing_is_told(repository: Path) -> None:
    """It has another remedy than a file that is missing."""
    message = "git:nope:db/api.yml: there is no branch, tag or commit"
    with pytest.raises(UsageError, match=message) as raised:
        read_committed("nope", "db/api.yml", repository)
    assert "fetched" in raised.value.hint


def test_a_shallow_clone_says_how_to_get_the_rest(repository: Path) -> None:
    """The default of actions/checkout is the usual reason."""
    with Repo(str(repository)) as found:
        (repository / ".git/shallow").write_bytes(found.head() + b"\n")
    with pytest.raises(UsageError, match="shallow") as raised:
        read_committed("nope", "db/api.yml", repository)
    assert "fetch-depth: 0" in raised.value.hint


def test_without_a_repository_there_is_nothing_committed(tmp_path: Path) -> None:
    """The error names the directory."""
    with pytest.raises(UsageError, match="is in no git repository"):
        read_committed("v1", "api.yml", tmp_path)
