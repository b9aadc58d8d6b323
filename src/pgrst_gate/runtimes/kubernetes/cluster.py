"""A Kubernetes cluster, through its API: what is asked of it, and what its refusals mean.

Paths and fields are those of Kubernetes 1.37's OpenAPI description, all of them in apps/v1 and v1,
so that older clusters have them too. lightkube brings the credentials and the HTTP client, and its
errors are converted here and nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from pgrst_gate.errors import NotRefreshed
from pgrst_gate.runtimes.docker.engine import LogLine
from pgrst_gate.runtimes.kubernetes.kubeconfig import chosen
from pgrst_gate.runtimes.kubernetes.workload import (
    Manifest,
    Pod,
    Workload,
    read_pods,
    read_workload,
)
from pgrst_gate.runtimes.transports.commands import NOT_FOUND, Completed

if TYPE_CHECKING:
    from httpx2 import Client, Response
    from httpx2.websockets import WebSocketSession

ANSWER_SECONDS: Final = 30
CONNECT_SECONDS: Final = 10
COMMAND_SECONDS: Final = 30
"""How long the cluster may take to answer, to be connected to, and a command in a pod to end."""
RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
"""The annotation of the pod template that `kubectl rollout restart` sets."""
LARGEST_MESSAGE: Final = 1 << 20
RETRY_SECONDS: Final = (0.1, 1.0)
"""Pauses before what only reads is asked again: a balancer in front of the API server ends
connections that were idle, and a run has hundreds of requests."""

_BUSY: Final = (429, 502, 503, 504)
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"
"""In the words of OpenSSL, by Python's ssl."""

_PLURALS: Final = {"deployment": "deployments", "statefulset": "statefulsets"}
_STDOUT, _STDERR, _STATUS = 1, 2, 3
# How container runtimes say that the image lacks the program (runc, crun, and CRI-O's wording).
_NO_PROGRAM: Final = (
    "executable file not found",
    "no such file or directory",
    "not found in $PATH",
)

_NOT_THERE: Final = 404

_Rule = Sequence[str]
"""What a Role must allow for a request: the API group, the resource, then the verbs."""


class Forbidden(NotRefreshed):
    """The account may not do this. The hint has the rule of a Role that allows it."""


class Cluster:
    """One namespace of the cluster that the kubeconfig names, or the environment.

    Every method may raise `NotRefreshed`, and `Forbidden`.
    """

    def __init__(self, kubeconfig: str = "", context: str = "", namespace: str = "") -> None:
        config = chosen(kubeconfig, context)
        self.server: Final[str] = config.cluster.server
        self.namespace: Final[str] = namespace or config.namespace

        import httpx2
        from lightkube.config import client_adapter
        from lightkube.core.exceptions import ConfigError

        timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        try:
            # HTTP/2 has no upgrades, which exec and port-forward are.
            parameters = client_adapter.ConnectionParams(timeout=timeout, http2=False)
            self._http: Client = client_adapter.Client(config, parameters)
        except (ConfigError, OSError, ValueError) as error:  # OSError: ssl's, or no such file
            raise NotRefreshed(
                f"the credentials of context {config.context_name} cannot be used: {error}",
                hint="see the certificates and keys that the kubeconfig names",
            ) from error

    def workload(self, kind: str, name: str) -> Workload | None:
        """The deployment or statefulset; None when there is none."""
        path = f"{self._apps(_PLURALS[kind])}/{name}"
        response = self._asked("GET", path, ("apps", _PLURALS[kind], "get"))
        return None if response is None else read_workload(kind, response.json())

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of all deployments or statefulsets; none where they may not be listed."""
        return self._names(self._apps(_PLURALS[kind]), ("apps", _PLURALS[kind], "list"))

    def has_namespace(self) -> bool | None:
        """Whether the namespace exists; None where this account may not know."""
        try:
            rule = ("", "namespaces", "get")
            return self._asked("GET", f"/api/v1/namespaces/{self.namespace}", rule) is not None
        except Forbidden:
            return None

    def namespaces(self) -> tuple[str, ...]:
        """The names of all namespaces; none where they may not be listed."""
        return self._names("/api/v1/namespaces", ("", "namespaces", "list"))

    def pods(self, selector: str = "", *, name: str = "") -> tuple[Pod, ...]:
        """The pods that are to serve, by name: those of a label selector, or the one of a name."""
        field = f"metadata.name={name}" if name else ""
        params = {"labelSelector": selector, "fieldSelector": field}
        response = self._asked("GET", self._pods(), ("", "pods", "list"), params=params)
        return read_pods(response.json()) if response else ()

    def restart(self, workload: Workload, at: str, *, dry_run: bool = False) -> None:
        """Have the pods replaced, as `kubectl rollout restart` does; ``at`` is the time, RFC 3339.

        A dry run is checked like a real one and changes nothing.
        """
        plural = _PLURALS[workload.kind]
        template = {"metadata": {"annotations": {RESTARTED_AT: at}}}
        self._patched(
            f"{self._apps(plural)}/{workload.name}",
            ("apps", plural, "patch"),
            {"spec": {"template": template}},
            dry_run=dry_run,
        )

    def attach(self, pod: Pod, container: Manifest, *, dry_run: bool = False) -> None:
        """Start an ephemeral container in the pod, where it stays until the pod is replaced."""
        self._patched(
            f"{self._pods()}/{pod.name}/ephemeralcontainers",
            ("", "pods/ephemeralcontainers", "patch"),
            {"spec": {"ephemeralContainers": [container]}},
            dry_run=dry_run,
        )

    def log(
        self, pod: Pod, *, last: int, since: str = "", previous: bool = False
    ) -> tuple[LogLine, ...]:
        """The last lines, oldest first, not older than ``since`` (RFC 3339).

        ``previous`` is the log of the container before its last restart. Empty where there is none.
        """
        params = {"container": pod.container, "timestamps": "true", "tailLines": str(last)}
        if since:
            params["sinceTime"] = since
        if previous:
            params["previous"] = "true"
        path = f"{self._pods()}/{pod.name}/log"
        response = self._asked(
            "GET", path, ("", "pods/log", "get"), params=params, absent=(400, 404)
        )
        lines = response.text.split("\n") if response else ()
        parts = (line.partition(" ") for line in lines if line)
        return tuple(LogLine(stamp, text) for stamp, _, text in parts)

    def run(self, pod: Pod, argv: Sequence[str]) -> Completed:
        """Run a program in the container; one that its image lacks gives exit code 127."""
        params: dict[str, Any] = {"container": pod.container, "command": [*argv]}
        params |= {"stdout": "true", "stderr": "true"}
        output = {_STDOUT: b"", _STDERR: b""}
        protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
        with self._stream(pod, "exec", protocols, params) as stream:
            while True:
                message = stream.receive_bytes(COMMAND_SECONDS)
                if message[0] == _STATUS:
                    break
                if message[0] in output:
                    output[message[0]] += message[1:]
        said, complained = (output[one].decode(errors="replace") for one in (_STDOUT, _STDERR))
        return _completed(json.loads(message[1:]), said, complained, f"`{argv[0]}` in {pod}")

    @contextmanager
    def forwarded(self, pod: Pod) -> Iterator[WebSocketSession]:
        """A connection to the pod's port, one TCP connection for each stream."""
        params = {"ports": str(pod.port)}
        with self._stream(pod, "portforward", ["v4.channel.k8s.io"], params) as stream:
            yield stream

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def _apps(self, plural: str) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/{plural}"

    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    def _names(self, path: str, rule: _Rule) -> tuple[str, ...]:
        try:
            listed = self._asked("GET", path, rule)
        except Forbidden:
            return ()
        items = listed.json()["items"] if listed else ()
        return tuple(one["metadata"]["name"] for one in items)

    def _patched(self, path: str, rule: _Rule, body: Manifest, *, dry_run: bool) -> None:
        self._asked(
            "PATCH",
            path,
            rule,
            params={"fieldManager": "pgrst-gate"} | ({"dryRun": "All"} if dry_run else {}),
            content=json.dumps(body),
            headers={"Content-Type": "application/strategic-merge-patch+json"},
            absent=(),
        )

    def _asked(
        self,
        method: str,
        path: str,
        rule: _Rule,
        *,
        absent: Sequence[int] = (_NOT_THERE,),
        **request: Any,  # noqa: ANN401 - what httpx2 takes
    ) -> Response | None:
        """The answer; None for one of the ``absent`` statuses."""
        with self._told():
            response = self._answer(method, path, **request)
        if response.status_code in absent:
            return None
        if not response.is_success:
            raise self._refused(response.status_code, _message(response), rule)
        return response

    def _answer(self, method: str, path: str, **request: Any) -> Response:  # noqa: ANN401 - as above
        """The first answer that counts: what only reads is asked again after a slip."""
        import httpx2

        for pause in RETRY_SECONDS if method == "GET" else ():
            try:
                response = self._http.request(method, path, **request)
                if response.status_code not in _BUSY:
                    return response
            except httpx2.TransportError as error:
                if _UNTRUSTED in str(error):
                    raise
            time.sleep(pause)
        return self._http.request(method, path, **request)

    @contextmanager
    def _stream(
        self, pod: Pod, what: str, protocols: list[str], params: Mapping[str, Any]
    ) -> Iterator[WebSocketSession]:
        from httpx2.websockets import HTTPXWSException, WebSocketUpgradeError

        opened = self._http.websocket(
            f"{self._pods()}/{pod.name}/{what}",
            subprotocols=protocols,
            params=params,
            max_message_size_bytes=LARGEST_MESSAGE,
            keepalive_ping_interval_seconds=None,
        )
        try:
            with ExitStack() as closing:
                with self._told():
                    stream = closing.enter_context(opened)
                yield stream
        except WebSocketUpgradeError as error:
            # A WebSocket begins as a GET; since 1.35 `create` is asked for besides (KEP-4006).
            rule = ("", f"pods/{what}", "get", "create")
            raise self._refused(error.response.status_code, f"{what} in {pod}", rule) from error
        except (HTTPXWSException, TimeoutError) as error:
            raise NotRefreshed(
                f"the cluster broke off {what} in {pod}: {error}",
                hint="is the pod still there? its node may be overloaded or unreachable",
            ) from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        import httpx2
        from lightkube.core.exceptions import ConfigError

        try:
            yield
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        except (ConfigError, FileNotFoundError, json.JSONDecodeError, KeyError) as error:
            # Raised when the first request wants its token, by the program that makes it.
            raise NotRefreshed(
                f"the kubeconfig's program that makes the token failed: {error}",
                hint="install it here, or give a kubeconfig with a token, such as that of "
                "`kubectl create token ACCOUNT`; a container has no `aws`, `gcloud` or `kubelogin`",
            ) from error

    def _unreachable(self, error: Exception) -> NotRefreshed:
        if _UNTRUSTED in str(error):
            return NotRefreshed(
                f"the certificate of {self.server} is not trusted: {error}; nothing was sent",
                hint="give the cluster's `certificate-authority-data` in the kubeconfig, and use a "
                "server address that the certificate names",
            )
        return NotRefreshed(
            f"the cluster at {self.server} does not answer: {str(error) or type(error).__name__}",
            hint="is it reachable from here (VPN, private endpoint, allowed addresses)? "
            "`kube-context` chooses another",
        )

    def _refused(self, status: int, said: str, rule: _Rule) -> NotRefreshed:
        group, resource, *verbs = rule
        match status:
            case 401:
                return NotRefreshed(
                    f"the cluster at {self.server} does not accept the credentials: {said}",
                    hint="has the token or the certificate expired? "
                    "`kubectl create token ACCOUNT` makes another",
                )
            case 403:
                allowed = ", ".join(verbs)
                wanted = f'{{apiGroups: ["{group}"], resources: [{resource}], verbs: [{allowed}]}}'
                return Forbidden(
                    f"this account may not {' and '.join(verbs)} {resource} in namespace "
                    f"{self.namespace}: {said}; nothing was sent by it",
                    hint=f"add to the rules of its Role: {wanted}",
                )
            case _:
                return NotRefreshed(
                    f"the cluster refused to {verbs[0]} {resource} with status {status}: {said}",
                    hint="the cluster's own words; the same happens with kubectl",
                )


def _message(response: Response) -> str:
    """The API's own words (`Status.message`), or those of something in front of it."""
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(response.text)[:200]


def _completed(status: Manifest, said: str, complained: str, what: str) -> Completed:
    """The end of a command, by the `Status` that its last message is."""
    if status.get("status") == "Success":
        return Completed(0, said, complained)
    if status.get("reason") == "NonZeroExitCode":
        causes = status.get("details", {}).get("causes", ())
        code = next((one["message"] for one in causes if one.get("reason") == "ExitCode"), "1")
        return Completed(int(code), said, complained)
    message = str(status.get("message", ""))
    if any(words in message for words in _NO_PROGRAM):
        return Completed(NOT_FOUND, stderr=message)
    raise NotRefreshed(
        f"the cluster could not run {what}: {message}",
        hint="the cluster's own words; the same happens with kubectl exec",
    )
