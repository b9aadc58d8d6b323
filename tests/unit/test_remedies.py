"""What to type."""

import pytest

from pgrst_gate.remedies import label_of, reach, remedy
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Cause, Verdict

SCANS = Relation("public", "scans")
ITEMS = (
    SCANS,
    Column(SCANS, "Odd Col"),
    Function("public", "f", (Argument("a", "int"), Argument("b"))),
    Relationship(SCANS, "projects"),
)


@pytest.mark.parametrize("item", ITEMS, ids=str)
@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.RLS_HIDDEN])
def test_every_closed_item_has_something_to_type(item: Item, cause: Cause) -> None:
    """And what is as expected has nothing."""
    verdict = Verdict(item, expected_present=True, cause=cause)

    assert bool(remedy(verdict)) is not verdict.ok


EVERY = "docker kill -s SIGUSR1 $(docker ps -q --filter label={})"


@pytest.mark.parametrize(
    ("container", "command"),
    [
        ("", "docker kill -s SIGUSR1 <container>"),
        ("my api", "docker kill -s SIGUSR1 'my api'"),
        ("a.b=c", EVERY.format("a.b=c")),
        ("label:a.b", EVERY.format("a.b")),
        (label_of("compose", "rest"), EVERY.format("com.docker.compose.service=rest")),
        (label_of("swarm", "app_rest"), EVERY.format("com.docker.swarm.service.name=app_rest")),
        (label_of("docker", "rest"), "docker kill -s SIGUSR1 <container>"),
    ],
    ids=["unknown", "name", "label", "label's key", "compose", "swarm", "another runtime"],
)
def test_containers_are_named_as_docker_takes_them(container: str, command: str) -> None:
    """A label stands for all that have it, and so does a service for its containers."""
    assert reach("pgrst", container, "", None).signal == command


@pytest.mark.parametrize(
    ("item", "statement"),
    [
        (ITEMS[0], "grant select on public.scans to <role of this key>;"),
        (ITEMS[1], 'grant select ("Odd Col") on public.scans to <role of this key>;'),
        (ITEMS[2], "grant execute on function public.f(int, <type of b>) to <role of this key>;"),
        (ITEMS[3], "grant select on public.scans, public.projects to <role of this key>;"),
    ],
    ids=str,
)
def test_a_missing_grant_is_spelled_out(item: Item, statement: str) -> None:
    """For this item, quoted as SQL needs it."""
    assert remedy(Verdict(item, expected_present=True, cause=Cause.NOT_GRANTED)) == statement


@pytest.mark.parametrize(
    ("named", "command"),
    [
        (("", "", 7, ""), "kill -USR1 7"),
        (("", "rest", None, ""), "systemctl kill -s SIGUSR1 --kill-whom=main rest"),
        (("api", "", None, ""), "docker kill -s SIGUSR1 api"),
        (("", "", None, "statefulset/a"), "kubectl -n ns rollout restart statefulset/a"),
        (("", "", None, "pods/a=b"), "kubectl -n ns rollout restart deployment/<name>"),
    ],
)
def test_the_command_is_for_what_was_named(
    named: tuple[str, str, int | None, str], command: str
) -> None:
    """Container, unit, process or workload."""
    container, unit, pid, workload = named

    assert reach("", container, unit, pid, workload, "ns").signal == command
