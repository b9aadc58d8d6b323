"""A file as it was committed: read from the repository itself, for where no git is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgrst_gate.errors import UsageError

if TYPE_CHECKING:
    from dulwich.objects import Commit
    from dulwich.repo import Repo


def read_committed(ref: str, path: str, start: Path) -> bytes:
    """The file of this path, from the root of the repository, in a commit.

    ``ref`` is a branch, tag or commit. Of a branch that is not here, that of `origin` is taken, as
    the checkout of a pull request leaves it. ``start`` is a directory in the repository. Raises
    `UsageError` when there is no repository, commit or file.
    """
    try:
        from dulwich.errors import NotGitRepository, NotTreeError
        from dulwich.object_store import tree_lookup_path
        from dulwich.objects import Blob, SubmoduleEncountered
        from dulwich.repo import Repo
    except ImportError as error:
        hint = "pip install 'pgrst-gate[migrations]'"
        raise UsageError("what reads git repositories is not installed", hint=hint) from error
    named = f"git:{ref}:{path}"
    try:
        repository = Repo.discover(str(start))
    except NotGitRepository as error:
        hint = "run it where the repository is checked out"
        raise UsageError(f"{named}: {start} is in no repository", hint=hint) from error
    with repository:
        root = _commit(repository, ref, named).tree
        try:
            _, found = tree_lookup_path(repository.__getitem__, root, path.encode())
            blob = repository[found]
        except (KeyError, NotTreeError, SubmoduleEncountered):
            blob = None
    if not isinstance(blob, Blob):
        raise UsageError(
            f"{named}: there is no such file in that commit",
            hint="the path begins at the repository's root; is the file committed there?",
        )
    return blob.data


def _commit(repository: Repo, ref: str, named: str) -> Commit:
    from dulwich.objectspec import parse_commit

    for name in (ref, f"origin/{ref}"):
        try:
            return parse_commit(repository, name)
        except (KeyError, ValueError):
            continue
    if repository.get_shallow():
        raise UsageError(
            f"{named}: `{ref}` is not in this shallow clone",
            hint="fetch all of the history: `fetch-depth: 0` for actions/checkout",
        )
    raise UsageError(
        f"{named}: there is no branch, tag or commit `{ref}` in this repository",
        hint="is it spelt right, and fetched?",
    )
