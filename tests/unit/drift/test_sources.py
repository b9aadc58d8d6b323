"""Sources of surfaces that are files."""

from pathlib import Path

import pytest
from dulwich import porcelain

from pgrst_gate.drift.sources import Access, read_source
from pgrst_gate.errors import UsageError


@pytest.mark.parametrize("path", ["other.snapshot.yml", "db", "api.snapshot.yml/x"])
def test_a_path_that_was_not_committed_is_told(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the source as it was given, and the hint how its path is meant."""
    monkeypatch.chdir(tmp_path)
    with porcelain.init(".") as made:
        (tmp_path / "db").mkdir()
        for name in ("api.snapshot.yml", "db/seed.sql"):
            (tmp_path / name).write_text("x")
            porcelain.add(made, [str(tmp_path / name)])
        porcelain.commit(made, b"x", author=b"a <a@b>", committer=b"a <a@b>")

    with pytest.raises(UsageError, match=f"git:HEAD:{path}: there is no such file") as raised:
        read_source(f"git:HEAD:{path}", Access())

    assert "repository's root" in raised.value.hint
