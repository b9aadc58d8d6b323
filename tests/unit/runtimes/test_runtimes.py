"""What holds for all runtimes."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from pgrst_gate.errors import NotRefreshed, UsageError
from pgrst_gate.runtimes import RUNTIMES
from pgrst_gate.runtimes.interface import Condition, Instance, Mark, RuntimeName, Target
from pgrst_gate.runtimes.none import NoRefresh
from pgrst_gate.runtimes.transports.transport import here

WHOLE = Target(
    container="api",
    service="rest",
    unit="rest",
    pid=7,
    database_url="postgresql://db",
    project_ref="abcdefghijklmnopqrst",
    access_token="sbp_x",
    supabase_api_url="http://127.0.0.1:1",
    workload="deployment/rest",
)


def test_every_name_has_a_runtime() -> None:
    """Each runtime that can be named can be made, and bears its name."""
    names = get_args(RuntimeName)
    made = {name: RUNTIMES[name](WHOLE, here()) for name in names}

    assert {name: runtime.name for name, runtime in made.items()} == {name: name for name in names}
    for runtime in made.values():
        runtime.close()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("docker", "container"),
        ("compose", "service"),
        ("swarm", "service"),
        ("systemd", "unit"),
        ("kubernetes", "workload"),
        ("notify", "database-url"),
        ("supabase", "project-ref"),
    ],
)
def test_a_runtime_without_its_target_is_refused(name: RuntimeName, key: str) -> None:
    """A runtime that is named but not told where the server is says which input it needs."""
    with pytest.raises(UsageError, match=f"`runtime: {name}` needs `{key}`"):
        RUNTIMES[name](Target(), here())


def test_libraries_are_loaded_only_by_those_who_need_them() -> None:
    """To know the runtimes costs no SDK, no psycopg and no HTTP client."""
    code = (
        "import sys, pgrst_gate.runtimes.auto; "
        "names = ('docker', 'psycopg', 'requests', 'httpx', 'httpx2', 'lightkube'); "
        "print([name for name in names if name in sys.modules])"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


def test_none_sends_nothing() -> None:
    """The runtime that refreshes nothing has no instance, and would refuse to act on one."""
    runtime = NoRefresh()
    instance = Instance("x", "server x")

    assert runtime.preflight("reload") == ()
    assert runtime.mark(instance) == Mark()
    assert runtime.log_since(instance, Mark()) == ()
    assert runtime.condition(instance) == Condition()
    with pytest.raises(NotRefreshed, match="sends nothing, so no SIGUSR1 to server x"):
        runtime.reload(instance, "SIGUSR1")
    with pytest.raises(NotRefreshed, match="sends nothing, so no restart to server x"):
        runtime.restart(instance)
