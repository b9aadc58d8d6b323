"""The harness reads a step's output as the runner does, so that it can catch the product out."""

from __future__ import annotations

import io

import pytest
from tests.harness.masks import Masks
from tests.harness.step_log import StepLog


def log_of(*lines: str) -> StepLog:
    """Read these lines."""
    log = StepLog(Masks(), on_line=lambda _: None)
    log.read(io.BytesIO("".join(f"{line}\n" for line in lines).encode()))
    return log


def test_plain_lines_are_the_log() -> None:
    """What is no command is in the log as it was printed."""
    log = log_of("one", "  ::two::not a command", "")

    assert log.lines == ["one", "  ::two::not a command", ""]
    assert log.commands == []


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end_ends_a_line(end: bytes) -> None:
    """A command behind a carriage return is a command: text from a server may hold one."""
    log = StepLog(Masks(), on_line=lambda _: None)

    log.read(io.BytesIO(b"harmless" + end + b"::error::forged" + end))

    assert [shown.message for shown in log.annotations] == ["forged"]


def test_annotations_have_their_properties_and_a_line_in_the_log() -> None:
    """An annotation is on the run's page, with its title, and in the log."""
    log = log_of("::error title=Gate closed,file=a.sql::scans.ended_at%0Ais stale")

    (shown,) = log.annotations
    assert shown.properties == {"title": "Gate closed", "file": "a.sql"}
    assert shown.message == "scans.ended_at\nis stale"
    assert log.lines == ["##[error]scans.ended_at\nis stale"]


def test_the_eleventh_annotation_of_a_level_is_dropped() -> None:
    """GitHub shows ten of each level and step; the log has them all."""
    log = log_of(*[f"::error::{number}" for number in range(11)], "::warning::other level")

    assert [shown.message for shown in log.annotations][-2:] == ["9", "other level"]
    assert log.dropped_annotations == 1
    assert "##[error]10" in log.lines


def test_a_mask_hides_from_then_on() -> None:
    """A secret that is printed before it is masked stays in the log."""
    log = log_of("early hunter2", "::add-mask::hunter2", "late hunter2", "::error::hunter2")

    assert log.lines == ["early hunter2", "late ***", "##[error]***"]
    assert log.annotations[0].message == "***"


def test_nothing_is_a_command_until_the_token() -> None:
    """Between stop-commands and its token even a mask is plain text; afterwards commands count."""
    log = log_of(
        "::stop-commands::a-random-token",
        "::error::from a server",
        "##[add-mask]from a server",
        "::A-Random-Token::",
        "::notice::ours",
    )

    assert [command.name for command in log.commands] == ["stop-commands", "notice"]
    assert log.lines[1] == "::error::from a server"


@pytest.mark.parametrize("token", ["", "pause-logging", "error", "Set-Output"])
def test_a_token_that_is_no_token_fails_the_step(token: str) -> None:
    """Such a token would end the guard by what the guarded text says."""
    log = log_of(f"::stop-commands::{token}", "::notice::still a command")

    assert log.failed
    assert log.commands[-1].name == "notice"


@pytest.mark.parametrize("line", ["::set-env name=PATH::/tmp", "text ##[add-path]/tmp"])
def test_disabled_commands_fail_the_step(line: str) -> None:
    """The runner fails a step that prints one, whatever its exit code."""
    assert log_of(line).failed


def test_an_old_output_counts_and_warns() -> None:
    """`set-output` still sets an output: a server's text must not get that far."""
    log = log_of("::set-output name=verdict::open")

    assert log.outputs == {"verdict": "open"}
    assert [shown.level for shown in log.annotations] == ["warning"]
