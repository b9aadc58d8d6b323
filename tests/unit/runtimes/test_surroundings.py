"""What tells a process which container it is in."""

from pathlib import Path

import pytest

from pgrst_gate.runtimes import surroundings

ID = "7b1c5dab6548432854f1733a45e8f9985f8c38f270a8daef166da5a340e1e856"


@pytest.mark.parametrize(
    ("mounts", "own"),
    [
        (f"99 81 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 x rw", ID),
        (f"1 2 0:1 /overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs x rw", ID),
        (f"1 2 0:1 /var/lib/docker/containers/{ID}/hosts /etc/hosts rw - ext4 x rw", ""),
        ("26 29 0:24 / /proc rw,nosuid - proc proc rw", ""),
        (None, ""),
    ],
    ids=["docker", "podman", "another mount", "no container", "no Linux"],
)
def test_the_own_container_is_known_by_its_mounts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mounts: str | None, own: str
) -> None:
    """The engine mounts /etc/hostname from where it keeps the container."""
    monkeypatch.setattr(surroundings, "_MOUNTS", tmp_path / "mountinfo")
    if mounts is not None:
        (tmp_path / "mountinfo").write_text(f"1 0 8:1 / / rw - ext4 y rw\n{mounts}\n")

    assert surroundings.own_container() == own
