"""The command line: flags from the table of inputs, over the environment, over a config file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pgrst_gate import __version__

if TYPE_CHECKING:
    import click

    from pgrst_gate.inputs import Given, Input
    from pgrst_gate.redaction import Secrets
    from pgrst_gate.report import Destinations, Event, Report

_EXPECTS: Final = {
    "expect-from",
    "database-url",
    "migrations",
    "migrations-layout",
    "since",
    "snapshot",
    "schema",
    "admin-url",
}
"""The inputs on which a derived expectation depends."""

_APPLIED: Final = {"database-url", "migrations-layout"}

_ABOUT: Final = """Reload PostgREST's schema cache after a migration, and fail unless the API really
serves the new schema.

Every input can also be given as an environment variable (PGRST_GATE_URL, ...) or in a config file.
Exit codes: 0 the gate is open, 1 it is closed, 2 an input is wrong, 3 the refresh could not be
delivered, 4 the API could not be asked, 130 and 143 cancelled.
"""

_SOURCES: Final = """A source is a snapshot file, git:<ref>:<path of one>, the address of an API
(https://...) or a database (postgresql://...), or migrations:<folder>, which are applied to an
embedded PostgreSQL."""


class _Terminal:
    """Progress on standard error, the report on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def begin(self, secrets: Secrets) -> Callable[[Event], None]:
        from pgrst_gate.reporters import console

        return console.Progress(sys.stderr, secrets, colour=console.wants_colour(sys.stderr))

    def finish(self, report: Report, destinations: Destinations) -> None:
        from pgrst_gate.reporters import console, formats, json_report

        for file in destinations.files:
            try:
                formats.save(report, file)
            except OSError as error:
                sys.stderr.write(
                    f"warning: the report was not written to {file.path}: {error.strerror}\n"
                )
        if self._as_json:
            sys.stdout.write(json_report.render(report))
        else:
            colour = console.wants_colour(sys.stdout)
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            console.write(sys.stdout, console.render(report, width=width, colour=colour))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's own; gives the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # asked in every CI job: without the imports of a real run
        sys.stdout.write(f"pgrst-gate {__version__}\n")
        return 0
    return _run(arguments)


def _run(arguments: list[str]) -> int:
    import click

    try:
        code = _command().main(arguments, "pgrst-gate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    return code if isinstance(code, int) else 0


def _command() -> click.Group:
    import click

    group = click.Group("pgrst-gate", help=_ABOUT)
    group.params.append(
        click.Option(["--version"], is_flag=True, help="Print the version and stop.")
    )
    group.add_command(_run_command())
    group.add_command(_expect_command())
    group.add_command(_applied_command())
    group.add_command(_snapshot_command())
    group.add_command(_diff_command())
    group.add_command(_doctor_command())
    return group


def _options(inputs: Iterable[Input]) -> list[click.Parameter]:
    """A flag for each of the inputs."""
    import click

    return [
        click.Option(
            [f"--{one.name}", one.attribute],
            help=one.about.replace("`", "")
            + (f"  [default: {one.default}]" if one.default else ""),
            metavar="|".join(one.choices) or "TEXT",
            is_flag=one.shape == "flag",
            multiple=one.shape in {"lines", "columns", "headers"},
            default=None,
        )
        for one in inputs
    ]


def _run_command() -> click.Command:
    import click

    from pgrst_gate.inputs import CONFIG, INPUTS

    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print the report as JSON.")
    about = "Refresh, wait, verify: exit 0 only if the API serves what is expected."
    return click.Command(
        "run", params=[*_options((*INPUTS, CONFIG)), as_json], help=about, callback=_gate
    )


def _expect_command() -> click.Command:
    import click

    from pgrst_gate.inputs import INPUTS

    options = _options(one for one in INPUTS if one.name in _EXPECTS)
    about = "Print what `expect-from` derives, as the YAML that `config` takes."
    return click.Command("expect", params=options, help=about, callback=_expect)


def _applied_command() -> click.Command:
    import click

    from pgrst_gate.inputs import INPUTS

    options = _options(one for one in INPUTS if one.name in _APPLIED)
    about = "Print which migrations are applied, before more are: `since` takes the file."
    return click.Command("applied", params=options, help=about, callback=_applied)


def _snapshot_command() -> click.Command:
    import click

    from pgrst_gate.drift.options import SNAPSHOT

    params = [click.Argument(["source"]), *_options(SNAPSHOT)]
    about = "Write the surface of an API as a file to commit, review and compare."
    return click.Command("snapshot", params=params, help=about, epilog=_SOURCES, callback=_snapshot)


def _diff_command() -> click.Command:
    import click

    from pgrst_gate.drift.options import DIFF

    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print the changes as JSON.")
    sources = [click.Argument(["before"]), click.Argument(["after"])]
    about = "Compare two surfaces: exit 1 where a change breaks the API's clients."
    return click.Command(
        "diff",
        params=[*sources, *_options(DIFF), as_json],
        help=about,
        epilog=_SOURCES,
        callback=_diff,
    )


def _doctor_command() -> click.Command:
    import click

    from pgrst_gate.doctor.options import DOCTOR

    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print the looks as JSON.")
    about = "Look at server, database and migrations: exit 1 where something is broken."
    return click.Command(
        "doctor", params=[*_options(DOCTOR), as_json], help=about, callback=_doctor
    )


def _gate(*, as_json: bool, **flags: object) -> int:
    from pgrst_gate.session import or_bug, run

    return or_bug(lambda: run(_given(flags), _Terminal(as_json=as_json)))


def _expect(**flags: object) -> int:
    from pgrst_gate.session import expect, or_bug

    return or_bug(lambda: expect(_given(flags), sys.stdout.write, sys.stderr.write))


def _applied(**flags: object) -> int:
    from pgrst_gate.session import applied, or_bug

    return or_bug(lambda: applied(_given(flags), sys.stdout.write, sys.stderr.write))


def _snapshot(*, source: str, **flags: object) -> int:
    from pgrst_gate.drift.options import SNAPSHOT
    from pgrst_gate.drift.run import run_snapshot
    from pgrst_gate.session import or_bug

    return or_bug(lambda: run_snapshot(source, _given(flags, SNAPSHOT)))


def _diff(*, before: str, after: str, as_json: bool, **flags: object) -> int:
    from pgrst_gate.drift.options import DIFF
    from pgrst_gate.drift.run import run_diff
    from pgrst_gate.session import or_bug

    return or_bug(lambda: run_diff(before, after, _given(flags, DIFF), as_json=as_json))


def _doctor(*, as_json: bool, **flags: object) -> int:
    from pgrst_gate.doctor.options import DOCTOR
    from pgrst_gate.doctor.run import run_doctor
    from pgrst_gate.session import or_bug

    return or_bug(lambda: run_doctor(_given(flags, DOCTOR), as_json=as_json))


def _given(flags: Mapping[str, object], table: Iterable[Input] | None = None) -> dict[str, Given]:
    """The inputs of the environment and, over them, those of the flags; by default all of a run."""
    from pgrst_gate.given import from_environment
    from pgrst_gate.inputs import CONFIG, INPUTS, Given

    inputs = (*INPUTS, CONFIG) if table is None else tuple(table)
    given = from_environment(os.environ, inputs)
    for one in inputs:
        value = flags.get(one.attribute)
        if value in (None, (), False):
            continue
        text = "\n".join(value) if isinstance(value, tuple) else str(value)
        given[one.name] = Given(text, f"--{one.name}")
    return given
