"""Which runtime is picked, and why."""

from __future__ import annotations

import pytest
from tests.unit.runtimes.doubles import (
    FakeEngine,
    ProcessTable,
    ScriptedCommands,
    container,
    process,
    server,
)

from pgrst_gate.errors import NotRefreshed, UsageError
from pgrst_gate.runtimes.auto import Choice, choose
from pgrst_gate.runtimes.commands import Completed
from pgrst_gate.runtimes.engine import Container, Engine
from pgrst_gate.runtimes.interface import Target
from pgrst_gate.runtimes.processes import RunningProcess

NOTHING = Target()
URL = "http://localhost:3000"
ACTIVE = ScriptedCommands(
    {
        "systemctl show": Completed(
            0, "Id=postgrest.service\nLoadState=loaded\nActiveState=active\nSubState=running\n"
        )
    }
)
NO_SYSTEMD = ScriptedCommands({})


def pick(
    target: Target = NOTHING,
    url: str = URL,
    *,
    containers: list[Container] | None = None,
    inside: dict[str, list[RunningProcess]] | None = None,
    commands: ScriptedCommands = NO_SYSTEMD,
    running: list[RunningProcess] | None = None,
) -> Choice:
    """Choose on a machine that has this; no list of containers is no Docker."""

    def connect() -> Engine:
        if containers is None:
            raise NotRefreshed("no Docker engine here")
        return FakeEngine(containers, inside or {})

    return choose(
        target, url, connect=connect, commands=commands, processes=ProcessTable(running or [])
    )


@pytest.mark.parametrize(
    ("target", "name", "why"),
    [
        (Target(container="api"), "docker", "`container` is given"),
        (Target(unit="rest"), "systemd", "`unit` is given"),
        (Target(pid=7), "process", "`pid` is given"),
        (Target(pid_file="/run/x"), "process", "`pid-file` is given"),
        (Target(process_name="rest"), "process", "`process-name` is given"),
        (Target(pid=7, process_name="rest"), "process", "`pid` is given"),
        (Target(database_url="postgresql://db"), "notify", "`database-url` is given"),
        (Target(unit="rest", database_url="postgresql://db"), "systemd", "`unit` is given"),
        (Target(project_ref="p", access_token="sbp_x"), "supabase", "`project-ref` is given"),
        (Target(project_ref="p", database_url="db"), "notify", "`database-url` is given"),
        (Target(project_ref="p"), "none", "`project-ref` is given, but no `access-token`"),
        (Target(access_token="sbp_x", pid=7), "process", "`pid` is given"),
    ],
)
def test_an_input_decides(target: Target, name: str, why: str) -> None:
    """What the inputs name is taken, whatever else is found."""
    chosen = pick(target, containers=[container("x"), container("y")], running=[server(7)])

    assert chosen == Choice(name, why, target)  # type: ignore[arg-type] # a literal from the table


def test_contradictory_inputs_are_refused() -> None:
    """Inputs that name different runtimes are not guessed at."""
    with pytest.raises(UsageError, match="`container`, `unit` name different runtimes"):
        pick(Target(container="api", unit="rest"))


def test_the_only_container_is_picked() -> None:
    """One PostgREST among the running containers is taken before a unit or a process."""
    chosen = pick(
        Target(channel="x"),
        containers=[container("db", image="postgres:17"), container("api")],
        commands=ACTIVE,
        running=[server(7)],
    )

    assert chosen.name == "docker"
    assert chosen.target == Target(container=container("api").id, channel="x")
    assert chosen.why == "container api (api012345678) runs here"


@pytest.mark.parametrize(
    ("image", "inside", "expected"),
    [
        ("registry.example/postgrest:v14", [], "docker"),
        ("example/api", [server(10)], "docker"),
        ("postgrest/docs-builder", [process(10, "nginx")], "none"),
    ],
)
def test_a_container_is_known_by_image_or_processes(
    image: str, inside: list[RunningProcess], expected: str
) -> None:
    """An image of PostgREST's name is one; else what runs in the container tells."""
    chosen = pick(containers=[container("x", image=image)], inside={"x": inside})

    assert chosen.name == expected


def test_of_several_containers_the_urls_port_decides() -> None:
    """The container that publishes the URL's port is taken, whatever its image is called."""
    chosen = pick(
        containers=[
            container("one", ports=frozenset({3001})),
            container("two", ports=frozenset({3000}), image="example/api"),
        ],
        inside={"two": [server(10)]},
    )

    assert chosen.target.container.startswith("two")


def of_stack(name: str, label: str, project: str, **changes: object) -> Container:
    """Give a container that was started together with others."""
    return container(name, labels={label: project}, **changes)


@pytest.mark.parametrize(
    ("label", "gateway", "server", "port"),
    [
        ("com.supabase.cli.project", "supabase_kong_demo", "supabase_rest_demo", 54321),
        ("com.docker.compose.project", "supabase-kong", "supabase-rest", 8000),
        ("com.docker.compose.project", "supabase-envoy", "supabase-rest", 8000),
    ],
)
def test_the_server_behind_the_urls_gateway_is_picked(
    label: str, gateway: str, server: str, port: int
) -> None:
    """Of several, it is the one of the Supabase stack whose gateway publishes the URL's port."""
    image = "public.ecr.aws/supabase/postgrest:v14.12"
    kong = of_stack(gateway, label, "demo", image="kong:2.8.1", ports=frozenset({port}))
    stack = [
        of_stack("supabase_db_demo", label, "demo", image="public.ecr.aws/supabase/postgres:17"),
        kong,
        of_stack(server, label, "demo", image=image),
        of_stack("supabase_rest_other", label, "other", image=image),
        container("api"),
    ]

    chosen = pick(url=f"http://127.0.0.1:{port}/rest/v1", containers=stack)

    assert chosen.target.container == stack[2].id
    assert chosen.why == f"{stack[2]} runs here, behind {kong}, which publishes port {port}"


@pytest.mark.parametrize("name", ["supabase-rest", "supabase_rest_demo"])
def test_the_only_server_of_a_supabase_stack_is_picked(name: str) -> None:
    """What the image is called is enough, whoever starts it."""
    stack = [container("supabase-db", image="supabase/postgres:15.8.1"), container(name)]

    assert (
        pick(url="http://localhost:8000/rest/v1", containers=stack).target.container == stack[1].id
    )


@pytest.mark.parametrize(
    ("containers", "running", "message", "hint"),
    [
        ([container("one"), container("two")], [], "container one .*, container two", "container"),
        (None, [server(7), server(9)], r"process 7 \(postgrest pg.conf\), process 9", "pid"),
    ],
    ids=["containers", "processes"],
)
def test_several_are_not_guessed_at(
    containers: list[Container] | None, running: list[RunningProcess], message: str, hint: str
) -> None:
    """Where several could be meant they are named, with the input that decides."""
    with pytest.raises(NotRefreshed, match=f"several servers are found here: {message}") as refused:
        pick(containers=containers, running=running)

    assert refused.value.hint == f"say which one by `{hint}`"


def test_an_active_unit_is_picked() -> None:
    """Without a container, the active unit postgrest.service is taken."""
    chosen = pick(commands=ACTIVE, running=[server(7)])

    assert chosen.name == "systemd"
    assert chosen.target == Target(unit="postgrest.service")


def test_a_unit_that_is_down_is_not_picked() -> None:
    """A unit that does not run is not what serves the URL."""
    down = Completed(
        0, "Id=postgrest.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n"
    )

    chosen = pick(commands=ScriptedCommands({"systemctl show": down}), running=[server(7)])

    assert chosen.name == "process"


def test_the_only_process_is_picked() -> None:
    """Without container and unit, the only postgrest process is taken, wrappers aside."""
    chosen = pick(running=[process(3, "sh", "postgrest"), server(7, parent=3)], containers=[])

    assert chosen.name == "process"
    assert chosen.target == Target(pid=7)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:3000", "process"),
        ("http://127.0.0.1:3000", "process"),
        ("http://[::1]:3000", "process"),
        ("http://172.17.0.1:3000", "process"),
        ("http://rest:3000", "process"),
        ("http://host.docker.internal:3000", "process"),
        ("https://api.example.com", "none"),
        ("https://abc.supabase.co/rest/v1", "none"),
        ("http://93.184.216.34:3000", "none"),
    ],
)
def test_a_server_elsewhere_is_not_looked_for_here(url: str, expected: str) -> None:
    """A URL of another machine never has a server of this one refreshed."""
    assert pick(url=url, running=[server(7)]).name == expected


def test_nothing_found_is_said() -> None:
    """Where there is nothing to refresh, the gate only verifies, and says so."""
    assert pick() == Choice(
        "none", "no PostgREST container, unit or process was found here", NOTHING
    )
