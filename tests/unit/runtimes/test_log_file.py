"""The log of a plain process: read from where it stood, by the commands that every machine has."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.runtimes.doubles import ProcessTable, server

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes import surroundings
from pgrst_gate.runtimes.host.process import Process


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with a load that ended before the run, and the beginning of a line."""
    path = tmp_path / "its log"
    path.write_text("Schema cache loaded in 7 milliseconds\nhalf of ")
    return path


def running(log: Path, *pids: int) -> Process:
    """The runtime over these processes."""
    return Process(log_file=str(log), processes=ProcessTable([server(pid) for pid in pids]))


def test_only_what_was_written_since_is_read(log: Path) -> None:
    """By the byte, so that no earlier line comes again; what is no UTF-8 harms nothing."""
    runtime = running(log, 7)
    (instance,) = runtime.preflight("reload")

    mark = runtime.mark(instance)
    nothing = runtime.log_since(instance, mark)
    with log.open("ab") as file:
        file.write(b"a line\nSchema cache loaded \xff\n")

    assert nothing == ()
    assert runtime.log_since(instance, mark) == ("a line", "Schema cache loaded \ufffd")


def test_a_log_that_was_put_aside_is_read_from_its_beginning(log: Path) -> None:
    """The new file is shorter than the old one was, and all of it is new."""
    runtime = running(log, 7)
    (instance,) = runtime.preflight("reload")

    mark = runtime.mark(instance)
    log.write_text("Starting PostgREST\n")

    assert runtime.log_since(instance, mark) == ("Starting PostgREST",)


def test_without_a_log_none_is_read() -> None:
    """Where a plain process writes is not known."""
    runtime = Process(processes=ProcessTable([server(7)]))
    (instance,) = runtime.preflight("reload")

    mark = runtime.mark(instance)

    assert mark.log_position == ""
    assert runtime.log_since(instance, mark) == ()


@pytest.mark.parametrize("contained", [False, True])
def test_a_log_that_cannot_be_read_is_told_before_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, contained: bool
) -> None:
    """With the reason, which in a container is mostly the container."""
    monkeypatch.setattr(surroundings, "in_container", lambda: contained)
    table = ProcessTable([server(7)])

    with pytest.raises(NotRefreshed, match=r"log file .*none cannot be read: .*No such file") as no:
        Process(log_file=str(tmp_path / "none"), processes=table).preflight("reload")

    assert ("container" in no.value.hint) is contained
    assert table.sent == []


def test_a_log_is_of_one_process(log: Path) -> None:
    """One line would speak for two servers."""
    with pytest.raises(NotRefreshed, match="`log-file` is the log of one process, and 2 are"):
        running(log, 7, 9).preflight("reload")
