"""Text files of the user's: read with care, and written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from pgrst_gate.errors import UsageError

_CHECK_OUT = "the path is relative to the working directory (in a workflow: check out first)"


def read(path: Path, *, most: int, place: str = "") -> str:
    """The text of a file of at most so many bytes; ``place`` is where it was named.

    Raises `UsageError` when it cannot be read, is longer, or is not UTF-8.
    """
    named = f"{place}: {path}" if place else str(path)
    try:
        with path.open("rb") as file:
            found = file.read(most + 1)
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        said = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{named} cannot be read: {said}", hint=_CHECK_OUT) from error
    return decoded(found, named, most=most)


def decoded(content: bytes, named: str, *, most: int) -> str:
    """The text of some bytes, of at most so many. Raises `UsageError`."""
    if len(content) > most:
        raise UsageError(f"{named} is larger than {most} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{named} is not UTF-8: {error.reason} at byte {error.start}") from error


def write(path: Path, text: str) -> None:
    """Write a file that is complete or not there, or the former one, whenever somebody looks.

    Where this process is root, as in a container action, the file goes to the owner of its
    directory, for later steps run as that user. Raises `OSError` when it cannot be written.
    """
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False
    ) as file:
        try:
            file.write(text)
            file.close()
            _hand_over(Path(file.name))
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _hand_over(path: Path) -> None:
    """Make a temporary file, which is for its maker alone, as readable as any other."""
    path.chmod(0o644)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        with contextlib.suppress(OSError):  # some file systems have no owners, and need none
            os.chown(path, owner.st_uid, owner.st_gid)
