"""The kubernetes runtime before it sends anything: what it refuses, and what it says to type."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import pytest
from tests.harness.kubernetes import ALL, Cluster, Pod, Workload, serving
from tests.harness.pods import Process

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.postgrest import logs
from pgrst_gate.runtimes import RUNTIMES
from pgrst_gate.runtimes.interface import Action, Condition, Instance, Runtime, Target
from pgrst_gate.runtimes.kubernetes import cluster as cluster_api
from pgrst_gate.runtimes.kubernetes import in_pod, kubeconfig, kubernetes
from pgrst_gate.runtimes.transports.transport import here

LABELS = {"app": "rest"}
WAITS = ("CrashLoopBackOff", "back-off")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A deployment of one pod, which does not come up."""
    pod = Pod("rest-a", LABELS, waiting=WAITS, last_words=("FATAL: password",), restarts=3)
    with serving(Cluster([Workload("Deployment", "rest", LABELS, [pod])])) as served:
        yield served


def runtime(
    workload: str, text: str, context: str = "", namespace: str = "", debug_image: str = ""
) -> Runtime:
    """The runtime of a kubeconfig."""
    target = Target(
        workload=workload,
        kubeconfig=text,
        kube_context=context,
        namespace=namespace,
        debug_image=debug_image,
    )
    return RUNTIMES["kubernetes"](target, here())


def refused(one: Runtime, action: Action = "reload") -> tuple[str, str]:
    """How preflight refuses: message and hint."""
    with pytest.raises(NotRefreshed) as error:
        one.preflight(action)
    one.close()
    return str(error.value), error.value.hint


@pytest.mark.parametrize(
    ("workload", "namespace", "message", "hint"),
    [
        ("deployment/rset", "", "no deployment is called rset in namespace api", "(rest is there)"),
        ("statefulset/rest", "", "no statefulset is called rest", "or another `namespace`"),
        ("deployment/rest", "apo", "no namespace is called apo", "(api is there)"),
        (
            "pods/app=rset",
            "",
            "pods of app=rset has no ready pod: no pod has its labels",
            "-l 'app=",
        ),
        (
            "deployment/rest",
            "",
            "deployment rest has no ready pod: pod rest-a CrashLoopBackOff: back-off: FATAL: pass",
            "kubectl -n api describe pods -l 'app=rest'",
        ),
    ],
)
def test_what_is_not_there_or_not_ready_is_told(
    cluster: Cluster, workload: str, namespace: str, message: str, hint: str
) -> None:
    """With what may have been meant, and how the pods are with their last words."""
    told = refused(runtime(workload, cluster.kubeconfig(), namespace=namespace))

    assert message in told[0]
    assert hint in told[1]
    assert cluster.patched == []


def test_a_namespace_that_may_not_be_looked_at_is_not_said_to_be_missing(cluster: Cluster) -> None:
    """Who may see deployments alone learns that there is none, and no more than that is claimed."""
    cluster.rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]

    message, hint = refused(runtime("deployment/rset", cluster.kubeconfig()))

    assert message == "no deployment is called rset in namespace api"
    assert hint == "give another `workload`, or another `namespace`"


@pytest.mark.parametrize(
    ("action", "group", "resource", "verb", "rule"),
    [
        (
            "reload",
            "apps",
            "deployments",
            "get",
            '{apiGroups: ["apps"], resources: [deployments], ',
        ),
        ("restart", "apps", "deployments", "patch", "resources: [deployments], verbs: [patch]}"),
        ("reload", "", "pods", "list", '{apiGroups: [""], resources: [pods], verbs: [list]}'),
    ],
)
def test_what_the_account_may_not_do_is_told_with_the_rule_to_add(
    cluster: Cluster, action: Action, group: str, resource: str, verb: str, rule: str
) -> None:
    """The verb and the resource, and a line for the Role; nothing was changed."""
    rights = [
        {"apiGroups": [one], "resources": [what], "verbs": [how]}
        for one, what, how in (
            ("apps", "deployments", "get"),
            ("apps", "deployments", "patch"),
            ("", "pods", "list"),
            ("", "pods/log", "get"),
        )
        if (one, what, how) != (group, resource, verb)
    ]
    cluster.rules = rights

    message, hint = refused(runtime("deployment/rest", cluster.kubeconfig()), action)

    assert f"this account may not {verb} {resource} in namespace api" in message
    assert hint.startswith("add to the rules of its Role: ")
    assert rule in hint
    assert cluster.patched == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paused": True}, "would not replace its pods: it is paused"),
        ({"replicas": 0}, "would not replace its pods: it is scaled to 0"),
    ],
)
def test_a_rollout_that_would_not_come_is_refused(
    cluster: Cluster, changes: dict[str, object], message: str
) -> None:
    """Before the annotation is set, which would come true some day nobody thinks of it."""
    cluster.workloads[0].spec = changes

    assert message in refused(runtime("deployment/rest", cluster.kubeconfig()), "restart")[0]
    assert cluster.patched == []


@pytest.mark.parametrize(
    ("text", "context", "message", "hint"),
    [
        (
            "/no/such/file",
            "",
            "the kubeconfig /no/such/file cannot be read: No such file",
            "secret",
        ),
        ("a: [\nb: secret", "", "`kubeconfig`, line 2: this is no YAML", "kubectl config view"),
        ("a: b\n", "", "`kubeconfig` is no kubeconfig: 'clusters'", "kubectl config view"),
        ("OWN", "prod", "Context 'prod' not found", "`kube-context`; there are: staging"),
    ],
)
def test_a_kubeconfig_that_is_none_is_told(
    cluster: Cluster, text: str, context: str, message: str, hint: str
) -> None:
    """What is wrong with it, and nothing of what it holds."""
    text = cluster.kubeconfig() if text == "OWN" else text

    told = refused(runtime("deployment/rest", text, context))

    assert message in told[0]
    assert hint in told[1]
    assert "secret" not in told[0]


def test_without_any_kubeconfig_the_places_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All four ways to a cluster were tried."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    message, hint = refused(runtime("deployment/rest", ""))

    assert message == (
        "no kubeconfig: `kubeconfig` is not given, KUBECONFIG is not set, ~/.kube/config does not"
        " exist, and this is no pod of a cluster"
    )
    assert "secrets.KUBECONFIG" in hint


def test_the_environment_names_the_kubeconfig(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cluster: Cluster
) -> None:
    """KUBECONFIG is heeded; several files in it are one too many."""
    (tmp_path / "config").write_text(cluster.kubeconfig())
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert "has no ready pod" in refused(runtime("deployment/rest", ""))[0]

    monkeypatch.setenv("KUBECONFIG", "a:b")
    assert refused(runtime("deployment/rest", "")) == (
        "KUBECONFIG names several files: a:b",
        "name one of them by `kubeconfig`",
    )


def test_a_pod_of_the_cluster_has_its_own_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Address, certificate, namespace and token are where a pod finds them."""
    for name in ("token", "ca.crt", "namespace"):
        (tmp_path / name).write_text(f"its {name}")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    found = kubeconfig.chosen("", "", account=tmp_path)

    assert found.cluster.server == "https://10.0.0.1:443"
    assert found.namespace == "its namespace"


def test_a_cluster_that_does_not_answer_is_told(cluster: Cluster) -> None:
    """Nobody listens at its address."""
    text = cluster.kubeconfig().replace(cluster.url, "https://127.0.0.1:1")

    message, hint = refused(runtime("deployment/rest", text))

    assert message.startswith("the cluster at https://127.0.0.1:1 does not answer: ")
    assert "VPN" in hint


def test_a_certificate_that_is_not_trusted_is_told(tmp_path: Path) -> None:
    """Without the cluster's authority in the kubeconfig nothing is sent, the token least of all."""
    with serving(Cluster(), tls=tmp_path) as cluster:
        message, hint = refused(runtime("deployment/rest", cluster.kubeconfig(trusted=False)))

        assert f"the certificate of {cluster.url} is not trusted: " in message
        assert "certificate-authority-data" in hint
        assert cluster.used == set()
        assert "no deployment" in refused(runtime("deployment/rest", cluster.kubeconfig()))[0]


@pytest.mark.parametrize(
    ("mend", "message", "hint"),
    [
        (
            lambda text: text.replace("a-token", "another"),
            "does not accept the credent",
            "expired?",
        ),
        (
            lambda text: text.replace(
                "token: a-token-of-the-account",
                "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: no-such-aws}",
            ),
            "the kubeconfig's program that makes the token failed: [Errno 2]",
            "`kubectl create token ACCOUNT`",
        ),
    ],
    ids=["expired", "no plug-in"],
)
def test_credentials_that_do_not_work_are_told(
    cluster: Cluster, mend: Callable[[str], str], message: str, hint: str
) -> None:
    """A token that is refused, and a program that should make one and is not here."""
    told = refused(runtime("deployment/rest", mend(cluster.kubeconfig())))

    assert message in told[0]
    assert hint in told[1]


def test_a_missing_extra_is_named() -> None:
    """Without lightkube the runtime can be named, and says how to get it."""
    code = (
        "import sys; sys.modules['lightkube'] = None\n"
        "from pgrst_gate.errors import NotRefreshed\n"
        "from pgrst_gate.runtimes import RUNTIMES, Target\n"
        "from pgrst_gate.runtimes.transports.transport import here\n"
        "target = Target(workload='deployment/a')\n"
        "try: RUNTIMES['kubernetes'](target, here()).preflight('reload')\n"
        "except NotRefreshed as error: print(error.exit_code, error, error.hint)\n"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.startswith("3 runtime kubernetes needs the extra `kubernetes`")
    assert "pip install 'pgrst-gate[kubernetes]'" in ran.stdout


def test_the_secrets_of_a_kubeconfig_are_known(cluster: Cluster) -> None:
    """Its token is masked, and so are keys and passwords; words like `Config` are not."""
    text = cluster.kubeconfig(token="a.b.c") + '{"client-key-data": "S2V5", "password":"pw"}'

    assert kubeconfig.secrets(text) == ("a.b.c", "S2V5", "pw")
    assert kubeconfig.secrets("~/.kube/config") == ()


def test_how_the_pods_are_is_told_while_the_api_does_not_answer(cluster: Cluster) -> None:
    """A crash may end by itself; a deployment that was deleted or scaled down is not back soon."""
    one = runtime("deployment/rest", cluster.kubeconfig())
    instance = Instance("deployment/rest", "deployment rest in namespace api")

    pod = Instance("pod/rest-a", "pod rest-a")

    waiting, crashing = one.condition(instance), one.condition(pod)
    cluster.workloads[0].replicas = 0
    scaled = one.condition(instance)
    cluster.workloads.clear()
    deleted, gone = one.condition(instance), one.condition(pod)

    one.close()
    look = "kubectl -n api get pods"
    assert waiting == Condition("it has no ready pod: pod rest-a CrashLoopBackOff: back-off")
    assert crashing == Condition("pod rest-a CrashLoopBackOff: back-off")
    assert scaled == Condition("it is scaled to 0", hopeless=True, remedy=look)
    assert deleted == Condition("it was deleted", hopeless=True, remedy=look)
    assert gone == Condition("it was deleted or replaced", hopeless=True, remedy=look)


def test_the_double_refuses_what_the_published_api_does_not_have(cluster: Cluster) -> None:
    """An answer that strays from the OpenAPI description fails the test that it was made for."""
    cluster.rules = ALL
    cluster.workloads[0].spec = {"replica": 3}

    assert "does not answer" in refused(runtime("deployment/rest", cluster.kubeconfig()))[0]


BEGUN = "Received a schema cache reload message"
LOADED = "Schema cache loaded in 7 milliseconds"
FAILED = "Failed to load the schema cache using db-schemas=public"


@dataclass
class Said(Process):
    """What runs in a pod, as far as its log goes."""

    said: list[str] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Always."""
        return True

    def log(self) -> list[tuple[str, str]]:
        """Give each line the stamp of its number."""
        return [(f"2026-11-28T00:00:00.{n:09}Z", line) for n, line in enumerate(self.said, 1)]


@pytest.fixture
def always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """No list of pods is used twice."""
    monkeypatch.setattr(kubernetes, "GLANCE_SECONDS", 0.0)


def pods_that_say(cluster: Cluster, *logs: list[str]) -> list[Pod]:
    """Put running pods into the deployment, each with its log."""
    made = [
        Pod(f"rest-{n}", LABELS, Said(Popen(["true"], text=True), 0, ExitStack(), said=said))
        for n, said in enumerate(logs)
    ]
    for one in made:
        assert one.process is not None
        one.process.started.wait()
    cluster.workloads[0].pods = made
    return made


@pytest.mark.usefixtures("always_anew")
@pytest.mark.parametrize(
    ("first", "second", "finished", "failing"),
    [
        ([BEGUN, LOADED], [], 0, False),
        ([BEGUN, LOADED], [BEGUN], 0, False),
        ([BEGUN, LOADED], [BEGUN, LOADED], 1, False),
        ([BEGUN, LOADED], [BEGUN, FAILED], 0, True),
        ([BEGUN, FAILED], [BEGUN, LOADED], 0, True),
    ],
)
def test_a_load_counts_when_the_last_pod_has_finished_it(
    cluster: Cluster, first: list[str], second: list[str], finished: int, *, failing: bool
) -> None:
    """One pod that has loaded is no evidence for the other, and a failure is one for both."""
    logs_of = ["before"], ["before", LOADED]
    pods_that_say(cluster, *logs_of)
    one = runtime("deployment/rest", cluster.kubeconfig())
    instance = Instance("deployment/rest", "deployment rest")
    mark = one.mark(instance)

    logs_of[0].extend(first)
    logs_of[1].extend(second)

    read = logs.read(one.log_since(instance, mark))
    one.close()
    assert (read.finished, bool(read.failure)) == (finished, failing)


@pytest.mark.usefixtures("always_anew")
def test_a_deployment_is_another_process_when_its_last_pod_is(cluster: Cluster) -> None:
    """A pod that crashed and came back does not stand for those that did not."""
    first, second = pods_that_say(cluster, [], [])
    one = runtime("deployment/rest", cluster.kubeconfig())
    instance = Instance("deployment/rest", "deployment rest")
    before = one.mark(instance).started

    first.started_at = "2026-11-28T01:00:00Z"
    after_one = one.mark(instance).started
    second.started_at = "2026-11-28T01:00:01Z"
    after_both = one.mark(instance).started

    one.close()
    assert after_one == before
    assert after_both not in {"", before}


def test_an_ephemeral_container_that_does_not_come_is_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With why: nothing was sent, and there are other ways."""
    monkeypatch.setattr(in_pod, "ATTACHED_SECONDS", 0.2)
    monkeypatch.setattr(in_pod, "_POLL_SECONDS", 0.01)
    (pod,) = pods_that_say(cluster, [])
    pod.shell = pod.pulls = False
    one = runtime("deployment/rest", cluster.kubeconfig(), debug_image="busybox:0")
    (instance,) = one.preflight("reload")

    with pytest.raises(
        NotRefreshed, match=r"did not end within .* ErrImagePull no such host"
    ) as error:
        one.reload(instance, "SIGUSR1")

    one.close()
    assert "NOTIFY (`database-url`)" in error.value.hint


def test_a_connection_that_breaks_is_no_end_of_a_run(cluster: Cluster) -> None:
    """A balancer in front of the API server ends what was idle: what only reads is asked again."""
    one = runtime("deployment/rest", cluster.kubeconfig())
    cluster.slips = 1

    (instance,) = one.preflight("restart")

    one.close()
    assert (instance.name, cluster.slips) == ("deployment rest in namespace api", 0)


def test_a_change_is_sent_once(cluster: Cluster) -> None:
    """It may have been made, though its answer was lost."""
    served = cluster_api.Cluster(cluster.kubeconfig())
    workload = served.workload("deployment", "rest")
    assert workload is not None
    cluster.slips = 1

    with pytest.raises(NotRefreshed, match="does not answer"):
        served.restart(workload, "2026-11-28T00:00:00Z")

    served.close()
    assert (cluster.slips, cluster.patched) == (0, [])
