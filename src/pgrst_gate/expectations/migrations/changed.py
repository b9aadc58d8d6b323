"""Which files differ from a git ref, without git: the image has no such program."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pgrst_gate.errors import UsageError

if TYPE_CHECKING:
    from dulwich.objects import Tree
    from dulwich.repo import Repo


def changed(folder: Path, ref: str, files: Iterable[Path]) -> frozenset[Path]:
    """Those of the files that the commit of the ref does not have, or has otherwise.

    Raises UsageError where the folder is in no repository, or the ref is not in it.
    """
    from dulwich.errors import NotGitRepository
    from dulwich.objects import Blob
    from dulwich.repo import Repo

    try:
        repository = Repo.discover(str(folder))
    except NotGitRepository as error:
        raise UsageError(
            f"`since` is the git ref {ref}, but {folder} is in no git repository",
            hint="check out the repository, or give `since` a JSON file",
        ) from error
    with repository:
        tree = _tree(repository, ref)
        root = Path(repository.path).resolve()
        found = set()
        for path in files:
            content = path.read_bytes()
            before = _blob(repository, tree, path.resolve().relative_to(root).as_posix())
            # A checkout with autocrlf has other line ends than the repository.
            same = {Blob.from_string(one).id for one in (content, content.replace(b"\r\n", b"\n"))}
            if before not in same:
                found.add(path)
        return frozenset(found)


def _tree(repository: Repo, ref: str) -> Tree:
    from dulwich.objects import Tree
    from dulwich.objectspec import parse_commit

    try:
        commit = parse_commit(repository, ref)
        tree = repository[commit.tree]
    except (KeyError, ValueError, AssertionError) as error:
        raise UsageError(
            f"the git ref {ref} is not in this repository",
            hint="a shallow checkout lacks it: set `fetch-depth: 0` at actions/checkout, and name "
            "a branch of the remote as origin/<branch>",
        ) from error
    if not isinstance(tree, Tree):
        raise UsageError(f"the git ref {ref} is no commit", hint="name a branch, a tag or a commit")
    return tree


def _blob(repository: Repo, tree: Tree, path: str) -> bytes | None:
    try:
        _, blob = tree.lookup_path(repository.get_object, path.encode())
    except (KeyError, NotADirectoryError, ValueError):
        return None
    return blob
