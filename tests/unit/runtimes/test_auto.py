"""Which runtime is picked, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.runtimes.doubles import (
    MANAGER,
    FakeEngine,
    FakeServices,
    ProcessTable,
    ScriptedCommands,
    container,
    process,
    server,
)

from pgrst_gate.errors import NotRefreshed, UsageError
from pgrst_gate.runtimes.auto import Choice, choose
from pgrst_gate.runtimes.docker import compose, swarm
from pgrst_gate.runtimes.docker.engine import Container, Engine, Published
from pgrst_gate.runtimes.docker.services import Service
from pgrst_gate.runtimes.host.processes import RunningProcess
from pgrst_gate.runtimes.interface import Target
from pgrst_gate.runtimes.surroundings import HERE, Place
from pgrst_gate.runtimes.transports.commands import Completed
from pgrst_gate.runtimes.transports.transport import here

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


def pick(  # noqa: PLR0913 -- all that a machine may have
    target: Target = NOTHING,
    url: str = URL,
    *,
    containers: list[Container] | None = None,
    inside: dict[str, list[RunningProcess]] | None = None,
    commands: ScriptedCommands = NO_SYSTEMD,
    running: list[RunningProcess] | None = None,
    services: FakeServices | None = None,
    on: Place = HERE,
) -> Choice:
    """Choose on a machine that has this; no list of containers is no Docker."""

    def connect() -> Engine:
        if containers is None:
            raise NotRefreshed("no Docker engine here")
        return FakeEngine(containers, inside or {}, services=services or FakeServices())

    machine = replace(
        here(), connect=connect, commands=commands, processes=ProcessTable(running or []), place=on
    )
    return choose(target, url, machine)


@pytest.mark.parametrize(
    ("target", "name", "why"),
    [
        (Target(container="api"), "docker", "`container` is given"),
        (Target(project="app", service="rest"), "compose", "`project` is given"),
        (Target(service="rest"), "compose", "`service` is given"),
        (Target(unit="rest"), "systemd", "`unit` is given"),
        (Target(pid=7), "process", "`pid` is given"),
        (Target(pid_file="/run/x"), "process", "`pid-file` is given"),
        (Target(process_name="rest"), "process", "`process-name` is given"),
        (Target(pid=7, process_name="rest"), "process", "`pid` is given"),
        (Target(workload="pods/a=b"), "kubernetes", "`workload` is given"),
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
            container("one", published=(Published(3000, "127.0.0.1", 3001),)),
            container("two", published=(Published(3000, "127.0.0.1", 3000),), image="example/api"),
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
    kong = of_stack(
        gateway, label, "demo", image="kong:2.8.1", published=(Published(8000, "127.0.0.1", port),)
    )
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


def replica(name: str, service: str, *, port: int = 0, one_off: str = "False") -> Container:
    """Give a container of a service of the compose project `app`."""
    labels = {compose.PROJECT: "app", compose.SERVICE: service, compose.ONE_OFF: one_off}
    published = (Published(3000, "127.0.0.1", port),) if port else ()
    return container(name, labels=labels, published=published)


@pytest.mark.parametrize("port", [0, 3000], ids=["behind a proxy", "one of them is at the URL"])
def test_the_replicas_of_a_service_are_one_choice(port: int) -> None:
    """Three containers of one compose service are not several servers: all are taken."""
    chosen = pick(
        containers=[
            container("db", image="postgres:17"),
            replica("app-rest-1", "rest"),
            replica("app-rest-2", "rest", port=port),
            replica("app-rest-3", "rest"),
        ]
    )

    assert chosen == Choice(
        "compose",
        "service rest of compose project app runs here",
        Target(project="app", service="rest"),
    )


def test_what_compose_ran_once_is_a_container() -> None:
    """What `docker compose run` started is no replica of the service."""
    chosen = pick(containers=[replica("app-rest-run", "rest", one_off="True")])

    assert chosen.name == "docker"


def test_tasks_of_a_swarm_are_their_service() -> None:
    """Containers that a Swarm started are taken as the service that they are tasks of."""
    labels = {swarm.SERVICE: "stack_rest"}
    chosen = pick(containers=[container("a.1", labels=labels), container("a.2", labels=labels)])

    assert chosen == Choice(
        "swarm", "service stack_rest of the Swarm runs here", Target(service="stack_rest")
    )


IN_SWARM = FakeServices([Service("s1", "rest", "postgrest/postgrest")], is_member=MANAGER)


@pytest.mark.parametrize(
    ("services", "containers", "name"),
    [
        (IN_SWARM, [], "swarm"),
        (FakeServices(is_member=MANAGER), [], "compose"),
        (FakeServices(IN_SWARM.known), [replica("app-rest-1", "rest")], "compose"),
    ],
    ids=["in the Swarm", "not in the Swarm", "in no Swarm"],
)
def test_a_service_may_be_one_of_a_swarm(
    services: FakeServices, containers: list[Container], name: str
) -> None:
    """A service that is named alone is one of the Swarm if this engine manages one that has it."""
    chosen = pick(Target(service="rest"), containers=containers, services=services)

    assert (chosen.name, chosen.target) == (name, Target(service="rest"))


def test_a_service_of_both_is_not_guessed_at() -> None:
    """A Swarm and a compose project with a service of one name: the reader says which."""
    with pytest.raises(NotRefreshed, match="both have a service rest") as refused:
        pick(
            Target(service="rest"),
            containers=[replica("app-rest-1", "rest")],
            services=IN_SWARM,
        )

    assert "by `runtime`" in refused.value.hint


@pytest.mark.parametrize(
    ("containers", "running", "message", "hint"),
    [
        (
            [replica("app-rest-1", "rest"), replica("app-api-1", "api")],
            [],
            "service rest of compose project app, service api of",
            "service",
        ),
        (
            [replica("app-rest-1", "rest"), container("one")],
            [],
            "service rest of compose project app, container one",
            "container` or `service",
        ),
        ([container("one"), container("two")], [], "container one .*, container two", "container"),
        (None, [server(7), server(9)], r"process 7 \(postgrest pg.conf\), process 9", "pid"),
    ],
    ids=["services", "a service and a container", "containers", "processes"],
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


@pytest.mark.parametrize("url", [URL, "https://api.example.com"])
def test_a_machine_that_is_named_is_looked_at_wherever_the_url_points(url: str) -> None:
    """Who names another machine means it, also behind a public address; and it is told where."""
    staging = Place("staging")

    assert pick(url=url, running=[server(7)], on=staging).why.endswith("runs on staging")
    assert pick(url=url, commands=ACTIVE, on=staging).why.endswith("is active on staging")
    assert pick(url=url, on=staging).why.endswith("was found on staging")
    with pytest.raises(NotRefreshed, match="several servers are found on staging"):
        pick(url=url, running=[server(7), server(8)], on=staging)
