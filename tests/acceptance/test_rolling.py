"""Restarts of several instances: the next only when the last serves what is expected."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from tests.acceptance.capabilities import each_line, needs
from tests.acceptance.conftest import Start
from tests.acceptance.world import MIGRATION, World

from pgrst_gate import gate
from pgrst_gate.inputs import Given, read_inputs
from pgrst_gate.journal import Journal
from pgrst_gate.plan import make_plan
from pgrst_gate.report import Report
from pgrst_gate.runtimes.interface import Address, Instance, Mark
from pgrst_gate.runtimes.none import NoRefresh

pytestmark = [needs("plans reads"), each_line("who is restarted when is for the gate to say")]


@dataclass
class Fleet(NoRefresh):
    """Servers that take the schema in when told to restart; one may not, or be out of reach."""

    worlds: Sequence[World]
    broken: int = -1
    hidden: int = -1
    restarted: list[int] = field(default_factory=list)
    served_before: list[list[bool]] = field(default_factory=list)
    """At each restart, which of the servers served the new relation."""

    name = "docker"  # type: ignore[misc]  # one that can restart

    def preflight(self, action: str) -> tuple[Instance, ...]:
        del action
        return tuple(Instance(str(at), f"server {at}") for at in range(len(self.worlds)))

    def addresses(self, instance: Instance) -> tuple[Address, ...]:
        at = int(instance.key)
        return () if at == self.hidden else (Address(instance.name, self.worlds[at].url),)

    def mark(self, instance: Instance) -> Mark:
        return Mark(started=str(self.restarted.count(int(instance.key))))

    def restart(self, instance: Instance) -> str:
        at = int(instance.key)
        answers = [httpx.get(f"{world.url}/heartbeats?limit=0") for world in self.worlds]
        self.served_before.append([answer.status_code == httpx.codes.OK for answer in answers])
        self.restarted.append(at)
        if at != self.broken:
            self.worlds[at].reload()
        return "restart"


def rolled(fleet: Fleet, timeout: str) -> Report:
    """A run that restarts the fleet."""
    texts = {
        "url": fleet.worlds[0].url,
        "method": "restart",
        "expected-tables": "heartbeats",
        "timeout": timeout,
        "settle": "0",
    }
    inputs = read_inputs({name: Given(text, name) for name, text in texts.items()})
    return gate.run(make_plan(inputs), lambda _: (fleet, "as told"), Journal(lambda _: None))


def test_the_next_is_restarted_when_the_last_serves(world: World, start: Start) -> None:
    """So there is always one that serves clients, and in the end all are proven."""
    with start(database=world.database) as second, start(database=world.database) as third:
        world.sql(MIGRATION)
        fleet = Fleet((world, second, third))

        report = rolled(fleet, "20s")

    assert report.exit_code == 0, report.sentence
    assert fleet.restarted == [0, 1, 2]
    assert fleet.served_before == [[False] * 3, [True, False, False], [True, True, False]]
    assert [one.evidence.value for one in report.instances] == ["confirmed"] * 4


def test_one_that_does_not_come_back_spares_the_rest(world: World, start: Start) -> None:
    """The others may be all that still serves; what was not done is told."""
    with start(database=world.database) as second, start(database=world.database) as third:
        world.sql(MIGRATION)
        fleet = Fleet((world, second, third), broken=1)

        report = rolled(fleet, "3s")

    assert report.exit_code == 1
    assert fleet.restarted == [0, 1]
    assert [one.name for one in report.instances if one.not_served] == ["server 1", "server 2"]
    assert any("nothing more is restarted, 1 of 3" in event.text for event in report.events)


def test_an_instance_that_cannot_be_asked_apart_is_told(world: World, start: Start) -> None:
    """`url` may never show it: nobody is to take it for proven."""
    with start(database=world.database) as second, start(database=world.database) as third:
        world.sql(MIGRATION)
        fleet = Fleet((world, second, third), hidden=2)

        report = rolled(fleet, "20s")

    assert report.exit_code == 0, report.sentence
    assert [one.name for one in report.instances] == ["server 0", "server 1", world.url]
    warned = [event.text for event in report.events if event.level == "warning"]
    assert [text.partition(" so ")[0] for text in warned] == [
        "server 2 cannot be asked apart from here,"
    ]
