"""The gate against a Kubernetes API whose pods are real processes over a real PostgreSQL.

No cluster was to be had: what is not real is the API server (`tests.harness.kubernetes`), which is
held to the published description of the API.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx
import pytest
import yaml
from tests.acceptance.running import causes, gate
from tests.acceptance.world import BASE, LOADED, MIGRATION, ROLES, kinds
from tests.harness.kubernetes import Cluster, Pod, Rule, Workload, serving
from tests.harness.pods import Process, can_unshare, program

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.report import Evidence, Report
from pgrst_gate.runtimes import RUNTIMES
from pgrst_gate.runtimes.interface import Instance, Runtime, Target
from pgrst_gate.runtimes.kubernetes import in_pod, rollout
from pgrst_gate.runtimes.transports.transport import here
from pgrst_sandbox.faults.tcp import forwarding
from pgrst_sandbox.postgres import Postgres, postgres

LABELS: Final = {"app": "postgrest"}
DOCS: Final = Path(__file__).parents[2] / "docs/runtimes.md"
PODS: Final = 3
DEAF: Final = MappingProxyType({"PGRST_DB_CHANNEL_ENABLED": "false"})
"""The last of the pods hears no NOTIFY."""


def role() -> list[Rule]:
    """The rules of the Role in the docs."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    (shown,) = [yaml.safe_load(block) for block in blocks if "kind: Role\n" in block]
    rules: list[Rule] = shown["rules"]
    return rules


@dataclass
class Staging:
    """A database, pods over it, and a cluster that has them."""

    postgres: Postgres
    command: list[str]
    database: str
    cluster: Cluster = field(default_factory=Cluster)

    def sql(self, script: str) -> None:
        """Run statements as the superuser. No server is told."""
        self.postgres.execute(script, dbname=self.database)

    @property
    def database_url(self) -> str:
        """For NOTIFY."""
        return self.postgres.dsn(self.database)

    def process(self, environment: Mapping[str, str] = MappingProxyType({})) -> Process:
        """A new PostgREST."""
        kind = kinds()[-1]
        return Process.postgrest(
            self.command,
            dsn=self.postgres.dsn(self.database, "authenticator"),
            version=kind.version,
            environment={"PGRST_LOG_LEVEL": "info", **environment},
        )

    def deploy(
        self,
        kind: str,
        environment: Mapping[str, str] = MappingProxyType({}),
        names: Sequence[str] = ("postgrest-a",),
    ) -> Workload:
        """A workload of its own pods, whose rollout really starts others; it is alone then."""
        self.cluster.make = lambda name: Pod(name, LABELS, self.process())
        first = [Pod(name, LABELS, self.process(environment)) for name in names]
        workload = Workload(kind, "postgrest", LABELS, first)
        self.cluster.workloads[:] = [workload]
        return workload

    def runtime(self, workload: str = "deployment/postgrest") -> Runtime:
        """The runtime itself."""
        kubeconfig = self.cluster.kubeconfig()
        target = Target(workload=workload, kubeconfig=kubeconfig, debug_image="busybox")
        return RUNTIMES["kubernetes"](target, here())

    def gate(self, **inputs: str) -> Report:
        """Run the gate on the Service of the pods."""
        turn = itertools.count()

        def port() -> int:
            running = [pod.process for pod in self.cluster.pods if pod.process]
            return running[next(turn) % len(running)].port

        with forwarding(port) as number:
            return gate(
                f"http://127.0.0.1:{number}",
                **{
                    "runtime": "kubernetes",
                    "workload": "deployment/postgrest",
                    "kubeconfig": self.cluster.kubeconfig(),
                    "expected_tables": "heartbeats",
                    "timeout": "40s",
                    **inputs,
                },
            )


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Staging, list[Process]]]:
    """The pods that the tests share, which none may end."""
    if not can_unshare():
        pytest.skip("only root may make the PID namespaces of pods")
    with postgres() as started:
        started.execute(ROLES, dbname="postgres")
        database = f"kube_{secrets.token_hex(4)}"
        started.create_database(database)
        staging = Staging(started, program(tmp_path_factory.mktemp("bin")), database)
        staging.sql(BASE)
        with ThreadPoolExecutor() as pool:
            environments = [*[{}] * (PODS - 1), DEAF]
            processes = list(pool.map(staging.process, environments))
        yield staging, processes
        for one in processes:
            one.stop()


@pytest.fixture
def staging(
    fleet: tuple[Staging, list[Process]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Staging]:
    """A deployment of three pods with a fresh cache, over the schema before the migration."""
    shared, processes = fleet
    monkeypatch.setattr(in_pod, "_POLL_SECONDS", 0.05)
    monkeypatch.setattr(rollout, "_POLL_SECONDS", 0.05)
    shared.sql(BASE)
    for one in processes:
        assert one.server is not None
        before = len(one.server.log)
        one.run(["kill", "-USR1", "1"])
        one.server.wait_for_log(LOADED, after=before)
    pods = [Pod(f"postgrest-{number}", LABELS, one) for number, one in enumerate(processes)]
    cluster = Cluster([Workload("Deployment", "postgrest", LABELS, pods)], rules=role())
    with serving(cluster, tls=tmp_path):
        yield replace(shared, cluster=cluster)
    for pod in cluster.pods:
        if pod.process and pod.process not in processes:
            pod.process.stop()
    assert all(one.alive for one in processes)


def test_a_signal_reaches_every_pod(staging: Staging) -> None:
    """SIGUSR1 by exec reloads each of three pods, and none is replaced, changed or ended."""
    staging.sql(MIGRATION)

    report = staging.gate(require_evidence="confirmed")

    assert (report.exit_code, report.evidence.value) == (0, "confirmed")
    assert [(receipt.target, receipt.sent) for receipt in report.receipts] == [
        (f"pod postgrest-{number}", "SIGUSR1 by exec") for number in range(PODS)
    ]
    proofs = {one.name: one.evidence for one in report.instances if one.name.startswith("pod")}
    assert proofs == {f"pod postgrest-{number}": Evidence.CONFIRMED for number in range(PODS)}
    assert staging.cluster.patched == []


def test_an_image_without_a_shell_is_reloaded_by_notify(staging: Staging) -> None:
    """PostgREST's own image has no program to send a signal with; NOTIFY needs none."""
    staging.sql(MIGRATION)
    deaf = staging.cluster.pods.pop()
    staging.cluster.workloads[0].pods.remove(deaf)
    for pod in staging.cluster.pods:
        pod.shell = False

    report = staging.gate(database_url=staging.database_url, require_evidence="confirmed")

    assert (report.exit_code, report.evidence.value) == (0, "confirmed")
    assert {one.sent for one in report.receipts} == {"NOTIFY \"pgrst\", 'reload schema'"}
    pods = [one for one in report.instances if one.name.startswith("pod")]
    assert [one.evidence_told for one in pods] == [f"{pod.name} logged 1 load" for pod in pods]


def test_an_ephemeral_container_sends_the_signal_where_it_is_allowed_to(staging: Staging) -> None:
    """With `debug-image` one is attached to each pod; it sees the server as process 1."""
    staging.sql(MIGRATION)
    for pod in staging.cluster.pods:
        pod.shell = False

    report = staging.gate(debug_image="busybox:1.37", require_evidence="confirmed")

    assert (report.exit_code, report.evidence.value) == (0, "confirmed")
    assert len(staging.cluster.patched) == PODS
    assert all(len(pod.ephemeral) == 1 for pod in staging.cluster.pods)


def test_without_a_way_to_send_a_signal_nothing_is_sent(staging: Staging) -> None:
    """No shell, no database, no image: the three ways out are named."""
    for pod in staging.cluster.pods:
        pod.shell = False

    report = staging.gate()

    assert (report.exit_code, report.receipts) == (3, ())
    assert "the image of pod postgrest-0 has nothing to send a signal with" in report.sentence
    assert report.problem is not None
    assert all(
        way in report.problem.hint
        for way in ("`database-url`", "`debug-image", "`method: restart`")
    )


@pytest.mark.parametrize("shell", [True, False])
def test_what_is_not_postgrest_gets_no_signal(staging: Staging, *, shell: bool) -> None:
    """SIGUSR1 ends a program that does not expect it, so that the main process is looked at."""
    sleeper = Process.other("sleep", "60")
    staging.cluster.workloads[0].pods = [Pod("db-0", LABELS, sleeper, shell=shell)]
    runtime = staging.runtime()

    with pytest.raises(NotRefreshed, match="sleep"):  # noqa: PT012 - either of the two looks
        (instance,) = runtime.preflight("reload")
        runtime.reload(instance, "SIGUSR1")

    runtime.close()
    assert sleeper.alive
    assert len(staging.cluster.patched) == (0 if shell else 1)


def test_one_stale_pod_of_three_closes_the_gate(staging: Staging) -> None:
    """The last pod hears no NOTIFY: two fresh ones do not make up for it."""
    staging.sql(MIGRATION)
    for pod in staging.cluster.pods:
        pod.shell = False

    report = staging.gate(database_url=staging.database_url, timeout="8s")

    assert (report.exit_code, causes(report)) == (1, {"heartbeats": "stale"})
    stale = [one.name for one in report.instances if one.not_served and one.name.startswith("pod")]
    assert stale == ["pod postgrest-2"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_rollout_is_followed_to_its_end(staging: Staging, kind: str) -> None:
    """The pods are replaced one by one, and the gate opens on the new ones alone."""
    workload = staging.deploy(kind)
    old = {pod.uid for pod in workload.pods}
    staging.sql(MIGRATION)

    report = staging.gate(workload=f"{kind.lower()}/postgrest", method="restart")

    assert report.exit_code == 0
    assert [receipt.sent for receipt in report.receipts] == ["rollout restart"]
    assert report.evidence.value == "confirmed"
    assert len(workload.pods) == 1
    assert old.isdisjoint(pod.uid for pod in workload.pods)


def test_pods_that_do_not_reload_are_replaced_where_that_was_asked_for(staging: Staging) -> None:
    """With `escalate` their deployment is restarted, and what is proven then are its new pods."""
    workload = staging.deploy("Deployment", DEAF, ["postgrest-a", "postgrest-b"])
    for pod in workload.pods:
        pod.shell = False
    staging.sql(MIGRATION)

    report = staging.gate(
        database_url=staging.database_url, escalate="true", timeout="9s", settle="0s"
    )

    assert report.exit_code == 0
    assert [one.target for one in report.receipts[:2]] == ["pod postgrest-a", "pod postgrest-b"]
    assert {one.name for one in report.instances[:-1]} == {
        f"pod {one.name}" for one in workload.pods
    }
    assert (report.receipts[-1].target, report.receipts[-1].sent) == (
        "deployment postgrest in namespace api",
        "rollout restart",
    )


CRASHING: Final = ("CrashLoopBackOff", "back-off 20s restarting failed container=postgrest")
MISSING: Final = ("ImagePullBackOff", 'Back-off pulling image "postgrest/postgrest:v99"')
TOO_LATE: Final = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "postgrest-5" has timed out progressing.',
}


@pytest.mark.parametrize(
    ("broken", "stuck_seconds", "told"),
    [
        (
            Pod("new", LABELS, waiting=CRASHING, last_words=("FATAL: no such role",), restarts=2),
            0.1,
            r"pod new CrashLoopBackOff: back-off 20s .*: FATAL: no such role",
        ),
        (Pod("new", LABELS, waiting=MISSING), 0.1, "pod new ImagePullBackOff: Back-off pulling"),
        (Pod("new", LABELS, waiting=("ContainerCreating", "")), 9, "ProgressDeadlineExceeded: Rep"),
    ],
)
def test_a_rollout_that_does_not_complete_is_told(
    staging: Staging,
    monkeypatch: pytest.MonkeyPatch,
    broken: Pod,
    stuck_seconds: float,
    told: str,
) -> None:
    """A new pod that does not come up is named with its reason and last words; the old one runs."""
    monkeypatch.setattr(rollout, "STUCK_SECONDS", stuck_seconds)
    (workload,) = staging.cluster.workloads

    def make(name: str) -> Pod:
        if broken.waiting[0] == "ContainerCreating":
            workload.conditions.append(TOO_LATE)
        return replace(broken, name=name.partition("-")[0])

    staging.cluster.make = make

    report = staging.gate(method="restart")

    assert report.exit_code == 3
    assert re.search(told.replace("pod new", "pod postgrest"), report.sentence)
    assert report.problem is not None
    assert "rollout undo deployment/postgrest" in report.problem.hint


def test_the_role_of_the_docs_has_nothing_to_spare(staging: Staging) -> None:
    """Every test here has its rights and no others, and each of them is used by some refresh."""
    staging.sql(MIGRATION)

    assert staging.gate().exit_code == 0
    for pod in staging.cluster.pods:
        pod.shell = False
    assert staging.gate(debug_image="busybox").exit_code == 0
    (workload,) = staging.cluster.workloads
    staging.cluster.workloads.append(replace(workload, kind="StatefulSet"))
    for kind in ("deployment", "statefulset"):
        runtime = staging.runtime(workload=f"{kind}/postgrest")
        runtime.preflight("restart")
        runtime.close()

    assert staging.cluster.used == {
        (group, resource, verb)
        for rule in role()
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_a_role_without_exec_will_do_for_notify(staging: Staging) -> None:
    """Who may not look into the pods reloads by the database, with the rights that needs."""
    staging.sql(MIGRATION)
    del staging.cluster.workloads[0].pods[-1]  # the one that hears no NOTIFY
    rights = [rule for rule in role() if rule["resources"] != ["pods/exec"]]
    staging.cluster.rules = rights

    report = staging.gate(database_url=staging.database_url)

    assert report.exit_code == 0
    assert {one.sent for one in report.receipts} == {"NOTIFY \"pgrst\", 'reload schema'"}


def test_a_pod_is_asked_by_a_port_of_this_machine(staging: Staging) -> None:
    """Each ready pod has a plain address: answers are whole, and the caller's own token arrives."""
    staging.sql("insert into projects select n, repeat('x', 1000) from generate_series(2, 500) n")
    staging.cluster.pods[0].ready = False
    runtime = staging.runtime()
    instances = runtime.preflight("reload")

    addresses = [address for one in instances for address in runtime.addresses(one)]

    assert [one.name for one in instances] == [f"pod postgrest-{number}" for number in range(PODS)]
    assert [one.name for one in addresses] == ["pod postgrest-1", "pod postgrest-2"]
    assert runtime.addresses(instances[1]) == (addresses[0],)
    with httpx.Client() as client, ThreadPoolExecutor() as pool:
        for one in addresses:
            url = f"{one.url}/projects"
            answers = list(pool.map(client.get, [url] * 8))
            assert {len(answer.json()) for answer in answers} == {500}
        refused = client.get(addresses[0].url, headers={"Authorization": "Bearer x.y.z"})
    assert refused.status_code == 401
    runtime.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(addresses[0].url)


def test_a_pod_that_cannot_be_reached_at_its_port_says_so(staging: Staging) -> None:
    """Its local port answers as a gateway does, with the cluster's own words."""
    staging.cluster.pods[0].port = 8000
    runtime = staging.runtime()
    instance = Instance("pod/postgrest-0", "pod postgrest-0")

    (address,) = runtime.addresses(instance)
    answer = httpx.get(address.url)

    runtime.close()
    assert (answer.status_code, answer.text) == (
        502,
        "connection refused: port 8000 of postgrest-0",
    )
