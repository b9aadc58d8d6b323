"""The docker runtime: which containers it takes, what it does to them and what it says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.runtimes.doubles import FakeEngine, container, process, server

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.docker import Docker
from pgrst_gate.runtimes.docker.engine import Container, LogLine
from pgrst_gate.runtimes.host.processes import RunningProcess
from pgrst_gate.runtimes.interface import Condition, Mark

API = container("api")
SERVICE = "com.docker.compose.service"

SHELL = process(10, "sh", "-c", "postgrest a.conf")
SCRIPT = replace(process(10, "/bin/sh", "/usr/local/bin/postgrest"), comm="postgrest")
INIT = process(10, "/sbin/docker-init", "--", "postgrest")


def docker(wanted: str, *known: Container, inside: list[RunningProcess] | None = None) -> Docker:
    """Give the runtime over an engine in which every container runs these processes."""
    running = [server(10)] if inside is None else inside
    engine = FakeEngine(list(known), {c.name: running for c in known})
    return Docker(wanted, lambda: engine)


def over(engine: FakeEngine) -> Docker:
    """Give the runtime for the container api of this engine."""
    return Docker("api", lambda: engine)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("api", ["api"]),
        ("api0123", ["api"]),
        (f"{SERVICE}=rest", ["one", "two"]),
        (f"label:{SERVICE}=rest", ["one", "two"]),
        (f"label:{SERVICE}", ["one", "two", "db"]),
    ],
)
def test_containers_are_found(wanted: str, expected: list[str]) -> None:
    """A name, the beginning of an id, and a label each find what they mean, all of it."""
    runtime = docker(
        wanted,
        API,
        container("one", labels={SERVICE: "rest"}),
        container("two", labels={SERVICE: "rest"}),
        container("db", labels={SERVICE: "db"}),
    )

    found = runtime.preflight("reload")

    assert [instance.name.split()[1] for instance in found] == expected


def test_of_a_label_the_running_are_taken() -> None:
    """A stopped container of the label is left alone, and the reader is told."""
    runtime = docker(
        f"{SERVICE}=rest",
        container("one", labels={SERVICE: "rest"}),
        container("old", labels={SERVICE: "rest"}, status="exited"),
    )

    (instance,) = runtime.preflight("restart")

    assert instance.name == "container one (one012345678)"
    assert instance.warnings == ("of the same label but not running, left alone: old (exited)",)


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ("rset", "no container is called rset", "running here: rest (example/x), api (postgrest/"),
        ("web", "no container is called web", "running here: proj-web-1 (example/x), api ("),
        ("label:x=y", "no container has the label x=y", "running here: api (postgrest/"),
    ],
)
def test_what_is_not_there_has_neighbours(wanted: str, message: str, hint: str) -> None:
    """A container that is not there is answered with those that may have been meant."""
    runtime = docker(
        wanted,
        container("rest", image="example/x"),
        container("proj-web-1", image="example/x", labels={SERVICE: "web"}),
        container("stopped", status="exited"),
        API,
    )

    with pytest.raises(NotRefreshed, match=message) as refused:
        runtime.preflight("reload")

    assert refused.value.hint.startswith(hint)


def test_nothing_like_it_is_said() -> None:
    """Where no container looks like PostgREST, that is the hint."""
    with pytest.raises(NotRefreshed) as refused:
        docker("api").preflight("reload")

    assert "no running container here looks like PostgREST" in refused.value.hint


@pytest.mark.parametrize(
    ("found", "message", "hint"),
    [
        (
            replace(API, status="exited", exit_code=1),
            r"cannot reload: it ended with exit code 1 and stays down \(restart policy no\)",
            "docker start api, or use `method: restart`",
        ),
        (replace(API, status="created"), "cannot reload: it is created", "docker start api"),
        (replace(API, status="paused"), "cannot reload: it is paused", "docker unpause api"),
        (
            replace(API, status="restarting", exit_code=3, restart_policy="always"),
            r"it keeps ending with exit code 3 \(restart policy always\): boom",
            "docker logs api",
        ),
    ],
    ids=["stopped", "never started", "paused", "crash loop"],
)
def test_what_does_not_run_cannot_reload(found: Container, message: str, hint: str) -> None:
    """Each state in which a container takes no signal is told apart, with its own way out."""
    lines = [LogLine("1", "boom")] if found.status == "restarting" else []
    engine = FakeEngine([found], lines=lines)

    with pytest.raises(NotRefreshed, match=message) as refused:
        over(engine).preflight("reload")

    assert hint in refused.value.hint
    assert engine.done == []


@pytest.mark.parametrize(
    "inside",
    [[server(10)], [INIT, server(11, parent=10)], [server(10), process(11, "sleep", "1")]],
    ids=["main process", "under an init", "with company"],
)
def test_a_signal_goes_to_a_postgrest(inside: list[RunningProcess]) -> None:
    """SIGUSR1 is sent where it reaches PostgREST: the main process, or the child of an init."""
    engine = FakeEngine([API], {"api": inside})
    runtime = over(engine)
    (instance,) = runtime.preflight("reload")

    assert runtime.reload(instance, "SIGUSR1") == "SIGUSR1"
    assert engine.done == ["SIGUSR1 api"]


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ([process(10, "nginx"), process(11, "sleep", "1")], "no PostgREST but `nginx`, `sleep 1`"),
        ([], "runs no PostgREST but nothing"),
        ([SHELL, server(11, parent=10)], "would lose the signal: .* `sh -c postgrest a.conf`"),
        ([SCRIPT, server(11, parent=10)], "would lose the signal: .* `/bin/sh /usr/local"),
        ([INIT, replace(SHELL, pid=11), server(12, parent=11)], "would lose the signal"),
    ],
    ids=["another program", "unknown", "a shell", "a script", "a shell under an init"],
)
def test_a_signal_that_would_be_lost_is_not_sent(
    inside: list[RunningProcess], message: str
) -> None:
    """Where a signal would be lost or end somebody else, it is refused before anything is sent."""
    engine = FakeEngine([API], {"api": inside})

    with pytest.raises(NotRefreshed, match=message):
        over(engine).preflight("reload")

    assert engine.done == []


def test_the_processes_are_looked_at_again_before_the_signal() -> None:
    """What runs in the container at the moment of the signal decides, not at preflight."""
    engine = FakeEngine([API], {"api": [server(10)]})
    runtime = over(engine)
    (instance,) = runtime.preflight("reload")
    engine.inside["api"] = [process(10, "migrate")]

    with pytest.raises(NotRefreshed, match="runs no PostgREST"):
        runtime.reload(instance, "SIGUSR1")

    assert engine.done == []


def test_sighup_does_not_pass_an_init() -> None:
    """Under an init, which makes SIGHUP deadly, it is not sent."""
    engine = FakeEngine([API], {"api": [INIT, server(11, parent=10)]})
    runtime = over(engine)
    (instance,) = runtime.preflight("reload")

    with pytest.raises(NotRefreshed, match="SIGHUP was not sent"):
        runtime.reload(instance, "SIGHUP")

    assert engine.done == []


@pytest.mark.parametrize("action", ["reload", "restart"])
def test_an_unhealthy_container_is_no_obstacle(action: str) -> None:
    """An unhealthy container can be refreshed, which may be what it needs; it is mentioned."""
    runtime = docker("api", replace(API, health="unhealthy"))

    (instance,) = runtime.preflight("restart" if action == "restart" else "reload")

    assert instance.warnings == ("container api (api012345678) is unhealthy",)


@pytest.mark.parametrize(
    ("found", "inside", "warnings"),
    [
        (API, [server(10)], ()),
        (
            replace(API, status="exited"),
            [],
            ("container api (api012345678) is exited: the restart will start it",),
        ),
        (
            replace(API, status="restarting", exit_code=1, restart_policy="always"),
            [],
            ("container api (api012345678) keeps ending with exit code 1 (restart policy always)",),
        ),
        (API, [SHELL], ("no PostgREST process is seen in container api (api012345678)",)),
    ],
    ids=["running", "stopped", "crash loop", "no PostgREST"],
)
def test_a_restart_takes_more_than_a_reload(
    found: Container, inside: list[RunningProcess], warnings: tuple[str, ...]
) -> None:
    """A restart is possible where a reload is not, and says what it will find."""
    (instance,) = docker("api", found, inside=inside).preflight("restart")

    assert instance.warnings == warnings


def test_a_paused_container_cannot_restart() -> None:
    """The engine cannot restart a paused container, which is said before it is tried."""
    with pytest.raises(NotRefreshed, match="cannot be restarted: it is paused"):
        docker("api", replace(API, status="paused")).preflight("restart")


def test_a_restart_is_seen_by_the_start_time() -> None:
    """A restart that the engine has done shows a new start time."""
    after = replace(API, started_at="2026-11-23T16:00:00Z")
    engine = FakeEngine([API], {"api": [server(10)]}, after_restart=after)
    runtime = over(engine)
    (instance,) = runtime.preflight("restart")
    before = runtime.mark(instance)

    assert runtime.restart(instance) == "docker restart"
    assert engine.done == ["restart api (10 s)"]
    assert runtime.mark(instance).started != before.started


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (
            replace(API, status="exited", exit_code=1, started_at="later"),
            r"was restarted and ended with exit code 1 and stays down .*: first / boom",
        ),
        (
            replace(API, status="restarting", exit_code=2, restart_policy="always"),
            "was restarted and keeps ending with exit code 2",
        ),
        (
            replace(API, status="exited", exit_code=127, error="exec: no such file"),
            "exit code 127 and stays down .*: exec: no such file",
        ),
        (API, "was not restarted: its start time is still 2026-11-23T15:00:00Z"),
    ],
    ids=["exited", "crash loop", "did not start", "nothing happened"],
)
def test_a_container_that_does_not_come_back_is_an_error(after: Container, message: str) -> None:
    """A restart that leaves no new running container is not one; exit code and last words tell."""
    lines = [LogLine("1", "first"), LogLine("2", "boom")]
    engine = FakeEngine([API], {"api": [server(10)]}, lines, after)
    runtime = over(engine)
    (instance,) = runtime.preflight("restart")

    with pytest.raises(NotRefreshed, match=message):
        runtime.restart(instance)


def test_the_log_begins_at_the_mark() -> None:
    """Only lines after the mark are given; before the first line, all of them."""
    engine = FakeEngine([API], {"api": [server(10)]})
    runtime = over(engine)
    (instance,) = runtime.preflight("reload")
    empty = runtime.mark(instance)
    engine.lines = [LogLine("2026-11-23T15:00:01.000000001Z", "started")]
    first = runtime.mark(instance)
    engine.lines.append(LogLine("2026-11-23T15:00:01.000000002Z", "loaded"))

    assert runtime.log_since(instance, empty) == ("started", "loaded")
    assert runtime.log_since(instance, first) == ("loaded",)
    assert first == Mark("2026-11-23T15:00:00Z", "2026-11-23T15:00:01.000000001Z")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (API, Condition()),
        (
            replace(API, health="unhealthy"),
            Condition("container api (api012345678) is unhealthy"),
        ),
        (
            replace(API, status="restarting", exit_code=1, restart_policy="always"),
            Condition(
                "container api (api012345678) keeps ending with exit code 1 (restart policy always)"
            ),
        ),
        (
            replace(API, status="exited", exit_code=1),
            Condition(
                "container api (api012345678) ended with exit code 1 and stays down (restart "
                "policy no)",
                hopeless=True,
            ),
        ),
        (
            replace(API, status="paused"),
            Condition("container api (api012345678) is paused", hopeless=True),
        ),
        (None, Condition("container api (api012345678) was removed", hopeless=True)),
    ],
    ids=["well", "unhealthy", "crash loop", "ended", "paused", "removed"],
)
def test_waiting_stops_where_it_cannot_help(now: Container | None, expected: Condition) -> None:
    """What the engine will not start again is hopeless; a crash loop is not."""
    engine = FakeEngine([API], {"api": [server(10)]})
    runtime = over(engine)
    (instance,) = runtime.preflight("reload")
    engine.known = [now] if now else []

    assert runtime.condition(instance) == expected


def test_a_removed_container_cannot_be_reloaded() -> None:
    """A container that was made anew since preflight is not guessed at."""
    engine = FakeEngine([API], {"api": [server(10)]})
    runtime = over(engine)
    (instance,) = runtime.preflight("reload")
    engine.known = []

    with pytest.raises(NotRefreshed, match="was removed"):
        runtime.reload(instance, "SIGUSR1")
