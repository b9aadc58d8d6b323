"""How a server is reached by hand, by what names it."""

import pytest

from pgrst_gate.reach import reach
from pgrst_gate.runtimes.interface import Target

EVERY = "docker kill -s SIGUSR1 $(docker ps -q --filter=label={})"


@pytest.mark.parametrize(
    ("target", "runtime", "command"),
    [
        (Target(), "auto", "docker kill -s SIGUSR1 <container>"),
        (Target(container="my api"), "auto", "docker kill -s SIGUSR1 'my api'"),
        (Target(container="a.b=c"), "docker", EVERY.format("a.b=c")),
        (Target(container="label:a.b"), "docker", EVERY.format("a.b")),
        (
            Target(service="rest"),
            "compose",
            EVERY.format("com.docker.compose.service=rest"),
        ),
        (
            Target(project="shop", service="rest"),
            "compose",
            EVERY.format("com.docker.compose.project=shop")[:-1]
            + " --filter=label=com.docker.compose.service=rest)",
        ),
        (
            Target(service="app_rest"),
            "swarm",
            EVERY.format("com.docker.swarm.service.name=app_rest"),
        ),
        (Target(service="rest"), "auto", "docker kill -s SIGUSR1 <container>"),
        (Target(pid=7), "process", "kill -USR1 7"),
        (Target(unit="rest"), "systemd", "systemctl kill -s SIGUSR1 --kill-whom=main rest"),
        (
            Target(workload="statefulset/a", namespace="ns"),
            "kubernetes",
            "kubectl -n ns rollout restart statefulset/a",
        ),
        (
            Target(workload="pods/a=b"),
            "kubernetes",
            "kubectl rollout restart deployment/<name>",
        ),
        (
            Target(project_ref="a" * 20),
            "supabase",
            f"supabase db query --remote={'a' * 20} --yes \"notify pgrst, 'reload schema'\"",
        ),
    ],
)
def test_the_command_is_for_what_was_named(target: Target, runtime: str, command: str) -> None:
    """A label stands for all that have it, and so does a service for its containers."""
    assert reach(target, runtime).signal == command


def test_the_statement_is_for_the_channel_that_was_named() -> None:
    """Quoted as PostgreSQL needs it."""
    assert reach(Target(channel="Odd one")).reload == "NOTIFY \"Odd one\", 'reload schema';"
