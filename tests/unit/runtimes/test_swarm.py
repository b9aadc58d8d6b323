"""The swarm runtime: its tasks, its updates, and what it says when they fail."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.runtimes.doubles import (
    MANAGER,
    OUTSIDE,
    FakeEngine,
    FakeServices,
    container,
    process,
    server,
    task,
)

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker import updates
from pgrst_gate.runtimes.docker.engine import Attachment, LogLine
from pgrst_gate.runtimes.docker.services import Membership, Service, Task, Update
from pgrst_gate.runtimes.docker.swarm import Swarm
from pgrst_gate.runtimes.interface import Action, Address, Condition, Instance, Mark

REST = Service("s1", "app_rest", "postgrest/postgrest:v14.14@sha256:0")
THREE = [task("1"), task("2"), task("3")]
NEW = [
    replace(one, id=f"new-{one.place}", created_at="2026-11-23T16:00:00Z", container=f"new{n}")
    for n, one in enumerate(THREE, 1)
]
OLD = [replace(one, state="shutdown", wanted="shutdown") for one in THREE]
WORKER = Membership("active", node="here", managers=("10.0.0.1:2377", "10.0.0.2:2377"))


def during(state: str, message: str = "") -> Service:
    """Give the service in an update that began just now."""
    return replace(REST, update=Update(state, "2026-11-23T16:00:00Z", message))


def swarm(
    *tasks: Task,
    wanted: str = "app_rest",
    known: list[Service] | None = None,
    membership: Membership = MANAGER,
    course: Sequence[tuple[Service | None, list[Task]]] = (),
) -> tuple[Swarm, FakeEngine]:
    """Give the runtime over a Swarm with these tasks, of which each container runs a PostgREST."""
    services = FakeServices(
        [REST] if known is None else known, list(tasks), membership, list(course)
    )
    names = ["rest1", "rest2", "rest3", "new1", "new2", "new3"]
    engine = FakeEngine(
        [container(name) for name in names],
        {name: [server(10)] for name in names},
        services=services,
    )
    return Swarm(wanted, lambda: engine), engine


def nothing_done(engine: FakeEngine) -> bool:
    """Whether neither a container nor a service was touched."""
    return not engine.done and not engine.services.done


@pytest.mark.parametrize(
    ("membership", "message", "hint"),
    [
        (OUTSIDE, "this Docker engine is in no Swarm", "runtime: compose"),
        (WORKER, "no manager of its Swarm .its node is active.", "10.0.0.1:2377, 10.0.0.2:2377"),
        (Membership("locked"), "no manager of its Swarm .its node is locked.", "DOCKER_HOST"),
    ],
    ids=["no Swarm", "a worker", "a locked manager"],
)
@pytest.mark.parametrize("action", ["reload", "restart"])
def test_only_a_manager_is_asked(
    membership: Membership, message: str, hint: str, action: Action
) -> None:
    """Where the engine manages no Swarm, that is said, with whom to ask instead."""
    runtime, engine = swarm(*THREE, membership=membership)

    with pytest.raises(NotRefreshed, match=message) as refused:
        runtime.preflight(action)

    assert hint in refused.value.hint
    assert nothing_done(engine)


@pytest.mark.parametrize(
    ("wanted", "known", "hint"),
    [
        ("rest", [replace(REST, id="s2", name="web", image="nginx"), REST], "there is app_rest"),
        ("app_rset", [REST], "there is app_rest"),
        ("rest", [], "it has none: `docker service ls`"),
    ],
    ids=["without its stack", "a typo", "none at all"],
)
def test_a_service_that_is_not_there_has_neighbours(
    wanted: str, known: list[Service], hint: str
) -> None:
    """A name that no service has is answered with those that may have been meant."""
    runtime, engine = swarm(wanted=wanted, known=known)

    with pytest.raises(NotRefreshed, match=f"this Swarm has no service {wanted}") as refused:
        runtime.preflight("restart")

    assert refused.value.hint.startswith(hint)
    assert nothing_done(engine)


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([], "it has none at all"),
        (
            [task("1", state="pending", error="no suitable node"), replace(OLD[0], id="old")],
            "task app_rest.1 pending: no suitable node",
        ),
    ],
    ids=["scaled to none", "nowhere to go"],
)
def test_a_service_without_a_running_task_is_refused(tasks: list[Task], told: str) -> None:
    """With nothing to refresh nothing is sent; what keeps the tasks from running is told."""
    runtime, engine = swarm(*tasks)

    with pytest.raises(NotRefreshed, match=f"has no running task: {told}") as refused:
        runtime.preflight("restart")

    assert refused.value.hint.startswith("docker service ps --no-trunc app_rest")
    assert nothing_done(engine)


def test_each_task_gets_its_signal() -> None:
    """Every running task is an instance, by its number, and its own container is signalled."""
    runtime, engine = swarm(task("10", container="rest3"), task("2"), *OLD)

    instances = runtime.preflight("reload")
    for instance in instances:
        runtime.reload(instance, "SIGUSR1")

    assert [one.name for one in instances] == ["task app_rest.2", "task app_rest.10"]
    assert engine.done == ["SIGUSR1 rest2", "SIGUSR1 rest3"]


def test_tasks_on_other_nodes_can_only_be_restarted() -> None:
    """This engine cannot signal another node's containers: then none is, and the ways out named."""
    runtime, engine = swarm(task("1"), task("2", node="there"))

    with pytest.raises(NotRefreshed, match=r"task app_rest.2 \(node there\): on other") as refused:
        runtime.preflight("reload")

    assert "`method: restart`" in refused.value.hint
    assert "`runtime: notify`" in refused.value.hint
    assert nothing_done(engine)
    assert len(runtime.preflight("restart")) == 2


def test_a_task_that_is_no_postgrest_gets_no_signal() -> None:
    """What a container runs is looked at, as for any other."""
    runtime, engine = swarm(task("1"))
    engine.inside["rest1"] = [process(10, "nginx")]

    with pytest.raises(NotRefreshed, match="runs no PostgREST but `nginx`"):
        runtime.preflight("reload")

    assert nothing_done(engine)


def test_a_task_that_just_ended_gets_no_signal() -> None:
    """Between preflight and signal a task may have moved; it is not guessed at."""
    runtime, engine = swarm(task("1"), task("2"))
    first, _ = runtime.preflight("reload")
    engine.services.now = [task("1", state="failed"), task("2")]

    with pytest.raises(NotRefreshed, match="has no container on this Docker engine now"):
        runtime.reload(first, "SIGUSR1")

    assert engine.done == []
    assert runtime.mark(first) == Mark()


@pytest.mark.parametrize(
    ("update", "tasks", "warnings"),
    [
        (Update(), THREE, ()),
        (Update("completed", "x", "update completed"), THREE, ()),
        (Update("updating", "x"), THREE, ("service app_rest is being updated",)),
        (
            Update("paused", "x", "update paused due to failure of t"),
            THREE,
            ("service app_rest had its last update paused: update paused due to failure of t",),
        ),
        (
            Update(),
            [task("1"), task("2", state="preparing")],
            ("of the same service but not running: task app_rest.2 (preparing)",),
        ),
    ],
    ids=["well", "updated", "updating", "paused", "not all run"],
)
def test_what_is_unfinished_is_mentioned(
    update: Update, tasks: list[Task], warnings: tuple[str, ...]
) -> None:
    """An update that goes on or was stopped, and tasks that do not run, are told, no more."""
    runtime, _ = swarm(*tasks, known=[replace(REST, update=update)])

    assert runtime.preflight("reload")[0].warnings == warnings


def test_one_update_replaces_all_tasks() -> None:
    """The first instance's turn updates the service and waits for its end; the others' is over."""
    course = [
        (REST, THREE),
        (during("updating"), [*OLD[:1], *NEW[:1], *THREE[1:]]),
        (during("completed"), [*OLD, *NEW]),
    ]
    runtime, engine = swarm(*THREE, course=course)
    instances = runtime.preflight("restart")
    before = [runtime.mark(instance).started for instance in instances]

    sent = [runtime.restart(instance) for instance in instances]

    assert sent == [
        "docker service update --force",
        *["the same docker service update --force"] * 2,
    ]
    assert engine.services.done == ["update app_rest"]
    assert [runtime.mark(instance).started for instance in instances] == ["new-1", "new-2", "new-3"]
    assert before == ["task-1", "task-2", "task-3"]


def test_an_update_that_only_says_that_it_is_complete_is_not() -> None:
    """Every task that ran must have a running successor: that of before is no proof of now."""
    course: list[tuple[Service | None, list[Task]]] = [
        (during("completed"), [*OLD, *NEW[:2], replace(NEW[2], state="starting")]),
        (during("completed"), [*OLD, *NEW]),
    ]
    runtime, engine = swarm(*THREE, known=[replace(REST, update=Update("completed", "long ago"))])
    instances = runtime.preflight("restart")
    engine.services.course = course

    runtime.restart(instances[0])

    assert engine.services.course == []


FAILED = replace(NEW[1], state="failed", wanted="shutdown", error="task: non-zero exit (3)")


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (
            ["updating", "paused"],
            r"was paused \(due to failure\): task app_rest\.2 failed: .*: out / of / luck",
        ),
        (
            ["rollback_started", "rollback_completed"],
            r"was rolled back \(due to failure\): task app",
        ),
        (["rollback_started", "rollback_paused"], "was being rolled back, and that was paused"),
    ],
)
def test_a_failed_update_is_followed_to_its_end(states: list[str], message: str) -> None:
    """Pause and rollback are no restart: the failing task's error and last words are told."""
    course = [(during(state, "due to failure"), [*THREE, FAILED]) for state in states]
    runtime, engine = swarm(*THREE, course=course)
    engine.lines = [LogLine(str(n), text) for n, text in enumerate(["old", "out", "of", "luck"])]
    (first, *_) = runtime.preflight("restart")

    with pytest.raises(NotRefreshed, match=message) as refused:
        runtime.restart(first)

    assert refused.value.hint == "docker service ps --no-trunc app_rest"
    assert engine.services.course == []


def test_an_update_that_gets_no_further_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that finds no node would be waited for for ever; it is named."""
    monkeypatch.setattr(updates, "STALLED_SECONDS", 0.1)
    waiting = replace(NEW[0], state="pending", error="no suitable node", container="")
    runtime, _ = swarm(*THREE, course=[(during("updating"), [*THREE, waiting])])
    (first, *_) = runtime.preflight("restart")

    with pytest.raises(
        NotRefreshed, match=r"further for 0\.1 s: task app_rest\.1 pending: no suit"
    ):
        runtime.restart(first)


def test_a_service_that_is_removed_during_its_update_is_told() -> None:
    """Nobody waits for the end of an update of what is gone."""
    runtime, _ = swarm(*THREE, course=[(during("updating"), THREE), (None, [])])
    (first, *_) = runtime.preflight("restart")

    with pytest.raises(NotRefreshed, match="service app_rest was removed during its update"):
        runtime.restart(first)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task("1")], Condition()),
        ([task("1", node="there", container="")], Condition()),
        (
            [task("1", state="failed", wanted="shutdown", error="exit (1)"), task("2")],
            Condition("task app_rest.1 is failed: exit (1)"),
        ),
        ([task("2")], Condition("task app_rest.1 is gone: was the service scaled down?")),
    ],
    ids=["well", "well on another node", "failed", "scaled down"],
)
def test_a_task_that_ended_is_waited_for(tasks: list[Task], expected: Condition) -> None:
    """The Swarm starts another in its place, so it is not hopeless."""
    runtime, _ = swarm(*tasks)

    assert runtime.condition(Instance("1", "task app_rest.1")) == expected


def test_a_removed_service_is_hopeless() -> None:
    """Nobody waits for a service that is gone."""
    runtime, _ = swarm(known=[])

    found = runtime.condition(Instance("1", "task app_rest.1"))

    assert found == Condition("service app_rest was removed", hopeless=True)


def test_the_log_is_that_of_the_tasks_container() -> None:
    """It is read from the mark on; of a task on another node there is none to read."""
    runtime, engine = swarm(task("1"), task("2", node="there", container="far"))
    here, there = runtime.preflight("restart")
    marks = [runtime.mark(here), runtime.mark(there)]
    engine.lines = [LogLine("2026-11-23T15:00:01Z", "loaded")]

    assert runtime.log_since(here, marks[0]) == ("loaded",)
    assert runtime.log_since(there, marks[1]) == ()
    assert marks[1] == Mark("task-2")


def test_a_task_keeps_its_name_over_an_update() -> None:
    """Its address is that of its container now, also while that does not listen yet."""
    bridge = Attachment("docker_gwbridge", "n", "127.0.0.1", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        runtime, engine = swarm(task("1"))
        environment = {"PGRST_SERVER_PORT": str(port)}
        engine.known = [
            container("rest1", environment=environment, attachments=(bridge,)),
            container(
                "new1",
                environment=environment,
                attachments=(replace(bridge, address="127.0.0.2"),),
            ),
        ]
        (instance,) = runtime.preflight("restart")
        before = runtime.addresses(instance)
    engine.services.now = NEW[:1]

    assert before == (Address("task app_rest.1", f"http://127.0.0.1:{port}"),)
    assert runtime.addresses(instance) == (Address("task app_rest.1", f"http://127.0.0.2:{port}"),)
