"""What was committed to a git repository, read without git: the image has no such program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgrst_gate.errors import UsageError

if TYPE_CHECKING:
    from dulwich.objects import Blob, Commit
    from dulwich.repo import Repo


@dataclass(frozen=True, slots=True)
class Committed:
    """The files of one commit."""

    root: Path
    """The directory of the repository, without symbolic links."""
    _repository: Repo
    _tree: bytes

    def content(self, path: str) -> bytes | None:
        """The file of this path, from the root of the repository; None if there is none."""
        blob = self._blob(path)
        return None if blob is None else blob.data

    def has(self, path: str, *contents: bytes) -> bool:
        """Whether the file of this path has one of these contents."""
        from dulwich.objects import Blob

        blob = self._blob(path)
        return blob is not None and blob.id in {Blob.from_string(one).id for one in contents}

    def _blob(self, path: str) -> Blob | None:
        from dulwich.errors import NotTreeError
        from dulwich.object_store import tree_lookup_path
        from dulwich.objects import Blob, ObjectID, SubmoduleEncountered

        get = self._repository.__getitem__
        try:
            _, found = tree_lookup_path(get, ObjectID(self._tree), path.encode())
            blob = self._repository[found]
        except (KeyError, NotTreeError, SubmoduleEncountered):
            return None
        return blob if isinstance(blob, Blob) else None


@contextmanager
def committed(ref: str, start: Path, named: str) -> Iterator[Committed]:
    """The commit of a branch, tag or (part of an) id, in the repository that ``start`` is in.

    Of a branch that is not here, that of `origin` is taken, as the checkout of a pull request
    leaves it. Raises `UsageError` that begins with ``named`` when there is no repository or commit.
    """
    try:
        from dulwich.errors import NotGitRepository
        from dulwich.repo import Repo
    except ImportError as error:
        hint = "pip install 'pgrst-gate[migrations]'"
        raise UsageError("what reads git repositories is not installed", hint=hint) from error
    try:
        repository = Repo.discover(str(start))
    except NotGitRepository as error:
        hint = "run it where the repository is checked out"
        raise UsageError(f"{named}: {start} is in no git repository", hint=hint) from error
    with repository:
        tree = _commit(repository, ref, named).tree
        yield Committed(Path(repository.path).resolve(), repository, tree)


def _commit(repository: Repo, ref: str, named: str) -> Commit:
    from dulwich.objectspec import parse_commit

    for name in (ref, f"origin/{ref}"):
        try:
            return parse_commit(repository, name)
        except (KeyError, ValueError, AssertionError):
            continue
    if repository.get_shallow():
        raise UsageError(
            f"{named}: `{ref}` is not in this shallow clone",
            hint="fetch all of the history: `fetch-depth: 0` for actions/checkout",
        )
    raise UsageError(
        f"{named}: there is no branch, tag or commit `{ref}` in this repository",
        hint="is it spelt right, and fetched? `fetch-depth: 0` for actions/checkout fetches all",
    )
