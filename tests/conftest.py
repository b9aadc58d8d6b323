"""What holds for every test: none leaves signals ignored; in CI, a skip is a failure.

And how tests are shared out among workers, where pytest-xdist has several.
"""

import os
import re
import signal
from collections.abc import Generator, Iterator
from typing import Final, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

MEASURED: Final = "measured"
"""The property of a test whose figures are printed at the end."""

IN_CI = os.environ.get("CI") == "true"

# A slow machine is no fault of a property's; in CI Hypothesis has the same by itself.
settings.register_profile(
    "patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def refuse_skip(report: Report) -> Report:
    """Turn a skip into a failure that says what was skipped and why, if this is CI."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing. {reason}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Refuse the skip of a test, or of what it asked for."""
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse the skip of a whole module."""
    return refuse_skip((yield))


class ByServer(LoadScopeScheduling):
    """One worker for all tests that share a server: of a module, or of one version's stand-in.

    In the order of the tests: those that take longest come first, and the end is of small pieces.
    """

    def _split_scope(self, nodeid: str) -> str:
        found = re.search(r"\[(stand-in [\d.]+)", nodeid)
        return found[1] if found else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByServer:
    """Whatever `--dist` says."""
    config.option.loadscopereorder = False  # it is by number, and the slowest modules have few
    return ByServer(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """A worker for each processor, for all tests; none for those that were picked.

    Their start would take longer than the tests.
    """
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    picked = config.option.keyword or config.option.markexpr or not everything
    return 0 if picked else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured: what a worker prints itself is not seen."""
    for report in terminalreporter.getreports("passed"):
        for name, figures in report.user_properties:
            if name == MEASURED:
                terminalreporter.write_line(f"measured: {figures}")


@pytest.fixture(autouse=True)
def signals_restored() -> Iterator[None]:
    """Restore the handlers of signals after each test.

    The gate ignores further signals once it ends, as a process does that is about to exit; the
    processes that a later test starts would inherit that.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
