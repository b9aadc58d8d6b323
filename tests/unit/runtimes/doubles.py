"""Stand-ins for what runtimes reach out to: commands, a process table, a Docker engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from signal import SIGHUP, SIGUSR1, SIGUSR2, Signals

from pgrst_gate.runtimes.docker.engine import Attachment, Container, LogLine
from pgrst_gate.runtimes.docker.services import Membership, Service, Task
from pgrst_gate.runtimes.host.processes import RunningProcess
from pgrst_gate.runtimes.transports.commands import NOT_FOUND, Completed


def mask(*signals: Signals) -> int:
    """Give the signals as the mask in /proc/PID/status."""
    return sum(1 << (signal - 1) for signal in signals)


CATCHES = mask(SIGUSR1, SIGUSR2)


def server(pid: int, *, parent: int = 1, started: str = "100") -> RunningProcess:
    """Give a PostgREST as it shows itself since version 6: SIGUSR1 is caught, SIGHUP is not."""
    return RunningProcess(
        pid, parent, ("postgrest", "pg.conf"), "postgrest", "/bin/postgrest", started, CATCHES
    )


def old_server(pid: int) -> RunningProcess:
    """Give a PostgREST 5.2, which catches SIGHUP as well."""
    return replace(server(pid), caught=CATCHES | mask(SIGHUP))


def process(pid: int, *argv: str, parent: int = 1, caught: int = 0) -> RunningProcess:
    """Give some other process."""
    name = argv[0].rpartition("/")[2]
    return RunningProcess(pid, parent, argv, name, argv[0], "100", caught)


@dataclass
class ScriptedCommands:
    """Answers by the first of ``answers`` whose words are all in the command; keeps what was run.

    An answer that is a list is used up one by one, but for its last.
    """

    answers: dict[str, Completed | list[Completed]]
    ran: list[str] = field(default_factory=list)

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Look the answer up; an unknown program is not found."""
        assert timeout > 0
        command = " ".join(argv)
        self.ran.append(command)
        for words, answer in self.answers.items():
            if set(words.split()) <= set(command.split()):
                if isinstance(answer, list):
                    return answer.pop(0) if len(answer) > 1 else answer[0]
                return answer
        return Completed(NOT_FOUND, stderr=f"{argv[0]}: not found")


@dataclass
class ProcessTable:
    """Processes that can be changed while a test runs; keeps the signals that were sent."""

    running: list[RunningProcess]
    foreign: frozenset[int] = frozenset()
    """Pids of another user's processes."""
    sent: list[tuple[int, int]] = field(default_factory=list)

    def all(self) -> tuple[RunningProcess, ...]:
        """Give what runs now."""
        return tuple(self.running)

    def get(self, pid: int) -> RunningProcess | None:
        """Find it."""
        return next((found for found in self.running if found.pid == pid), None)

    def send(self, pid: int, number: int, verify: Callable[[RunningProcess], None]) -> None:
        """Verify, then note the signal; number 0 is not a signal."""
        found = self.get(pid)
        if found is None:
            raise ProcessLookupError(pid)
        verify(found)
        if pid in self.foreign:
            raise PermissionError(pid)
        if number:
            self.sent.append((pid, number))


OUTSIDE = Membership("inactive")
MANAGER = Membership("active", is_manager=True, node="here")


@dataclass
class FakeServices:
    """A Swarm in memory; an update goes through ``course``, one stage for each look at a service.

    The last stage stays.
    """

    known: list[Service] = field(default_factory=list)
    now: list[Task] = field(default_factory=list)
    is_member: Membership = OUTSIDE
    course: list[tuple[Service | None, list[Task]]] = field(default_factory=list)
    """None where the service is removed."""
    done: list[str] = field(default_factory=list)

    def membership(self) -> Membership:
        """What it is."""
        return self.is_member

    def all(self) -> tuple[Service, ...]:
        """All of them."""
        return tuple(self.known)

    def get(self, name: str) -> Service | None:
        """Find it; while it is updated that takes the next stage."""
        if self.done and self.course:
            service, self.now = self.course.pop(0)
            self.known = [service] if service else []
        return next((one for one in self.known if name in {one.name, one.id}), None)

    def tasks(self, service: Service) -> tuple[Task, ...]:
        """Give all tasks there are."""
        del service
        return tuple(sorted(self.now, key=lambda task: task.created_at, reverse=True))

    def force_update(self, service: Service) -> None:
        """Note it."""
        self.done.append(f"update {service.name}")


@dataclass
class FakeEngine:
    """A Docker engine in memory; keeps what was done to its containers."""

    known: list[Container]
    inside: dict[str, list[RunningProcess]] = field(default_factory=dict)
    """The processes of a container, by its name."""
    lines: list[LogLine] = field(default_factory=list)
    after_restart: Container | None = None
    done: list[str] = field(default_factory=list)
    host: str = "localhost"
    services: FakeServices = field(default_factory=FakeServices)
    bridged: Attachment | None = None
    """Where every container is in the gateway bridge."""

    def containers(self, label: str = "") -> tuple[Container, ...]:
        """List them as the engine filters: by key, or by key and value."""
        key, _, value = label.partition("=")
        return tuple(
            container
            for container in self.known
            if not label or (key in container.labels and value in {"", container.labels[key]})
        )

    def container(self, name: str) -> Container | None:
        """Find it by name, or by the beginning of the id."""
        return next((c for c in self.known if c.name == name or c.id.startswith(name)), None)

    def processes(self, container: Container) -> tuple[RunningProcess, ...]:
        """List the processes in it."""
        return tuple(self.inside.get(container.name, ()))

    def kill(self, container: Container, signal: str) -> None:
        """Note the signal."""
        self.done.append(f"{signal} {container.name}")

    def restart(self, container: Container, *, stop_seconds: int) -> None:
        """Put `after_restart` in its place."""
        self.done.append(f"restart {container.name} ({stop_seconds} s)")
        if self.after_restart:
            self.known = [self.after_restart if c is container else c for c in self.known]

    def log(self, container: Container, *, last: int, since: int = 0) -> tuple[LogLine, ...]:
        """Give the last lines; `since` only saves work, so that it may be ignored."""
        del container, since
        return tuple(self.lines[-last:])

    def gateway_bridge(self, container: Container) -> Attachment | None:
        """Give the one place."""
        del container
        return self.bridged


def container(name: str, **changes: object) -> Container:
    """Give a running PostgREST container."""
    usual = Container(
        id=f"{name}0123456789abcdef",
        name=name,
        image="postgrest/postgrest:v14.14",
        status="running",
        pid=10,
        started_at="2026-11-23T15:00:00Z",
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # the fields of one frozen value


def task(place: str, **changes: object) -> Task:
    """Give a running task on this engine's node, in the container `rest<place>`."""
    usual = Task(
        id=f"task-{place}",
        place=place,
        node="here",
        state="running",
        wanted="running",
        created_at="2026-11-23T15:00:00Z",
        container=f"rest{place}0123456789abcdef",
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # the fields of one frozen value


def pids(processes: Iterable[RunningProcess]) -> list[int]:
    """Give their pids."""
    return [found.pid for found in processes]
