"""A Kubernetes API server in this process: what the gate asks of one, over pods that really run.

Paths, fields and refusals are those of Kubernetes 1.37; each object that it answers with is held to
the OpenAPI description of that version (kubernetes-1.37.json). Who may do what is decided by the
rules of a Role. Behind it stands a controller that replaces pods, and for every pod a process.
"""

import json
import secrets
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import jsonschema
import yaml
from tests.harness.pods import Process, stamp
from tests.harness.websocket import WebSocket

SCHEMAS: Final = json.loads((Path(__file__).parent / "kubernetes-1.37.json").read_text())
ACCOUNT: Final = "system:serviceaccount:ci:gate"
TOKEN: Final = "a-token-of-the-account"
ALL: Final = ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},)

Manifest = dict[str, Any]
Rule = Mapping[str, Sequence[str]]


@dataclass
class Pod:
    """A pod of one container, called postgrest."""

    name: str
    labels: dict[str, str]
    process: Process | None = None
    shell: bool = True
    """Whether its image has one; PostgREST's own has not."""
    pulls: bool = True
    """Whether its node can get the image of an ephemeral container."""
    ready: bool = True
    waiting: tuple[str, str] = ("", "")
    """Reason and message, of a container that does not run."""
    last_words: tuple[str, ...] = ()
    restarts: int = 0
    extra: tuple[Manifest, ...] = ()
    """Further containers."""
    port: int = 3000
    """Declared; its process answers at 3000."""
    uid: str = field(default_factory=lambda: secrets.token_hex(8))
    started_at: str = field(default_factory=stamp)
    ephemeral: list[Manifest] = field(default_factory=list)
    ephemeral_states: list[Manifest] = field(default_factory=list)

    def manifest(self) -> Manifest:
        """The pod as the API has it."""
        running = self.process is not None and self.process.alive
        reason, message = self.waiting
        state = (
            {"running": {"startedAt": self.started_at}}
            if running
            else {"waiting": {"reason": reason, "message": message}}
        )
        image = "postgrest/postgrest:v14.14"
        statuses = [
            {
                "name": "postgrest",
                "image": image,
                "imageID": "",
                "ready": running and self.ready,
                "restartCount": self.restarts,
                "state": state,
            }
        ]
        status: Manifest = {
            "phase": "Running" if running else "Pending",
            "conditions": [
                {"type": "Ready", "status": "True" if running and self.ready else "False"}
            ],
            "containerStatuses": statuses,
        }
        spec: Manifest = {
            "containers": [
                {
                    "name": "postgrest",
                    "image": image,
                    "ports": [{"name": "http", "containerPort": self.port, "protocol": "TCP"}],
                },
                *self.extra,
            ]
        }
        if self.ephemeral:
            spec["ephemeralContainers"] = self.ephemeral
            status["ephemeralContainerStatuses"] = self.ephemeral_states
        metadata = {"name": self.name, "namespace": "api", "uid": self.uid, "labels": self.labels}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": spec,
            "status": status,
        }


@dataclass
class Workload:
    """A deployment or a statefulset."""

    kind: str
    name: str
    labels: dict[str, str]
    pods: list[Pod] = field(default_factory=list)
    spec: Manifest = field(default_factory=dict)
    """Further fields of its spec: `paused`, `updateStrategy`."""
    annotations: dict[str, str] = field(default_factory=dict)
    """Of the pod template."""
    generation: int = 1
    observed: int = 1
    updated: int = -1
    """Pods that the last rollout has made; all of them before the first one."""
    conditions: list[Manifest] = field(default_factory=list)
    replicas: int = -1

    def manifest(self) -> Manifest:
        """The workload as the API has it."""
        wanted = len(self.pods) if self.replicas < 0 else self.replicas
        ready = sum(pod.manifest()["status"]["phase"] == "Running" for pod in self.pods)
        updated = len(self.pods) if self.updated < 0 else self.updated
        template = {
            "metadata": {"labels": self.labels, "annotations": self.annotations},
            "spec": {"containers": [{"name": "postgrest", "image": "postgrest/postgrest"}]},
        }
        spec = {"replicas": wanted, "selector": {"matchLabels": self.labels}, "template": template}
        status = {
            "observedGeneration": self.observed,
            "replicas": len(self.pods),
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": self.conditions,
        }
        if self.kind == "StatefulSet":
            spec["serviceName"] = self.name
            done = self.updated < 0 or self.updated >= wanted
            status |= {"currentRevision": "b" if done else "a", "updateRevision": "b"}
        return {
            "apiVersion": "apps/v1",
            "kind": self.kind,
            "metadata": {
                "name": self.name,
                "namespace": "api",
                "uid": "w",
                "generation": self.generation,
            },
            "spec": spec | self.spec,
            "status": status,
        }


@dataclass
class Cluster:
    """The state of a cluster with the one namespace `api`; tests change it as they like."""

    workloads: list[Workload] = field(default_factory=list)
    rules: Sequence[Rule] = ALL
    make: Callable[[str], Pod] | None = None
    """Makes the pods of a rollout, each by its name."""
    used: set[tuple[str, str, str]] = field(default_factory=set)
    """API group, resource and verb of each request that was let pass."""
    patched: list[Manifest] = field(default_factory=list)
    """What was changed, dry runs left out."""
    url: str = ""
    certificate: str = ""
    """The certificate of its authority, as a path; empty without TLS."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    slips: int = 0
    """How many of the next requests are answered by a closed connection."""
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def pods(self) -> list[Pod]:
        """All pods of all workloads."""
        return [pod for one in self.workloads for pod in one.pods]

    def kubeconfig(self, *, token: str = TOKEN, trusted: bool = True) -> str:
        """The text of a kubeconfig for it; the namespace of its context is `api`."""
        cluster = {"server": self.url}
        if self.certificate and trusted:
            cluster["certificate-authority"] = self.certificate
        context = {"cluster": "staging", "user": "gate", "namespace": "api"}
        whole = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "staging", "cluster": cluster}],
            "users": [{"name": "gate", "user": {"token": token}}],
            "contexts": [{"name": "staging", "context": context}],
            "current-context": "staging",
        }
        return yaml.safe_dump(whole)

    def allows(self, group: str, resource: str, verb: str) -> bool:
        """Whether a rule does."""
        return any(
            {group, "*"} & {*rule["apiGroups"]}
            and {resource, "*"} & {*rule["resources"]}
            and {verb, "*"} & {*rule["verbs"]}
            for rule in self.rules
        )

    def roll_out(self, workload: Workload) -> None:
        """What the controllers do about a changed template, in the background."""
        thread = threading.Thread(target=self._replace, args=(workload,), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _replace(self, workload: Workload) -> None:
        time.sleep(0.05)  # the controller has yet to see it
        make = self.make
        assert make is not None
        with self.lock:
            workload.updated, workload.observed = 0, workload.generation
        for number, old in enumerate([*workload.pods]):
            new = make(f"{workload.name}-{secrets.token_hex(3)}-{number}")
            with self.lock:
                workload.pods.append(new)
                workload.updated += 1
            if new.process is None:  # it does not come up, and the old ones stay
                return
            with self.lock:
                workload.pods.remove(old)
            if old.process:
                old.process.stop()
        with self.lock:
            workload.updated = -1


class _Refused(Exception):
    """Ends a request with a `Status`."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            del format, args

        def do_GET(self) -> None:
            _Request(cluster, self).answer()

        def do_PATCH(self) -> None:
            _Request(cluster, self).answer()

    return Handler


class _Request:
    """One request, and its answer."""

    def __init__(self, cluster: Cluster, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        self.cluster, self.handler = cluster, handler
        self.query = parse_qs(parts.query)
        self.path = parts.path.strip("/").split("/")
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = json.loads(handler.rfile.read(length)) if length else {}

    def answer(self) -> None:
        if self.cluster.slips:
            self.cluster.slips -= 1
            self.handler.close_connection = True
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            try:
                self._ensure_known()
                self._route()
            except _Refused as refused:
                self._json(refused.code, refused.body)

    def _ensure_known(self) -> None:
        if self.handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _Refused(401, "Unauthorized", "Unauthorized")

    def _ensure_allowed(self, group: str, resource: str, *verbs: str, namespaced: bool) -> None:
        for verb in verbs:
            if not self.cluster.allows(group, resource, verb):
                where = f' in the namespace "{self._namespace}"' if namespaced else ""
                raise _Refused(
                    403,
                    "Forbidden",
                    f'{resource} is forbidden: User "{ACCOUNT}" cannot {verb} resource'
                    f' "{resource}" in API group "{group}"{where}',
                )
            self.cluster.used.add((group, resource, verb))

    @property
    def _namespace(self) -> str:
        return self.path[self.path.index("namespaces") + 1]

    def _one(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    def _route(self) -> None:
        match self.path:
            case ["api", "v1", "namespaces"]:
                self._ensure_allowed("", "namespaces", "list", namespaced=False)
                self._json(200, _list("NamespaceList", [_NAMESPACE]))
            case ["api", "v1", "namespaces", name]:
                self._ensure_allowed("", "namespaces", "get", namespaced=True)
                if name != "api":
                    raise _Refused(404, "NotFound", f'namespaces "{name}" not found')
                self._json(200, _NAMESPACE)
            case ["api", "v1", "namespaces", _, "pods"]:
                self._ensure_allowed("", "pods", "list", namespaced=True)
                self._json(200, _list("PodList", self._selected()))
            case ["api", "v1", "namespaces", _, "pods", name, what]:
                self._of_pod(name, what)
            case ["apis", "apps", "v1", "namespaces", _, plural]:
                self._ensure_allowed("apps", plural, "list", namespaced=True)
                found = [one.manifest() for one in self._workloads(plural)]
                self._json(200, _list(f"{_KINDS[plural]}List", found))
            case ["apis", "apps", "v1", "namespaces", _, plural, name]:
                self._of_workload(plural, name)
            case _:
                raise _Refused(404, "NotFound", "the server could not find the requested resource")

    def _selected(self) -> list[Manifest]:
        terms = [term.split("=", 1) for term in self._one("labelSelector").split(",") if term]
        name = self._one("fieldSelector").removeprefix("metadata.name=")
        if self._namespace != "api":
            return []
        with self.cluster.lock:
            return [
                pod.manifest()
                for pod in self.cluster.pods
                if all(pod.labels.get(key) == value for key, value in terms)
                and name in {"", pod.name}
            ]

    def _workloads(self, plural: str) -> list[Workload]:
        kind = _KINDS[plural]
        here = self._namespace == "api"
        return [one for one in self.cluster.workloads if one.kind == kind and here]

    def _of_workload(self, plural: str, name: str) -> None:
        verb = "patch" if self.handler.command == "PATCH" else "get"
        self._ensure_allowed("apps", plural, verb, namespaced=True)
        found = next((one for one in self._workloads(plural) if one.name == name), None)
        if found is None:
            raise _Refused(404, "NotFound", f'{plural}.apps "{name}" not found')
        if verb == "patch":
            self._ensure_strategic()
            if self._one("dryRun") != "All":
                self.cluster.patched.append(self.body)
                with self.cluster.lock:
                    metadata = self.body["spec"]["template"]["metadata"]
                    found.annotations |= metadata["annotations"]
                    found.generation += 1
                self.cluster.roll_out(found)
        self._json(200, found.manifest())

    def _ensure_strategic(self) -> None:
        given = self.handler.headers.get("Content-Type")
        if given != "application/strategic-merge-patch+json":
            raise _Refused(415, "UnsupportedMediaType", f"the body of the request was {given}")

    def _of_pod(self, name: str, what: str) -> None:
        verbs = {"log": ["get"], "ephemeralcontainers": ["patch"]}.get(what, ["get", "create"])
        self._ensure_allowed("", f"pods/{what}", *verbs, namespaced=True)
        pod = next((one for one in self.cluster.pods if one.name == name), None)
        if pod is None:
            raise _Refused(404, "NotFound", f'pods "{name}" not found')
        {
            "log": self._log,
            "exec": self._exec,
            "portforward": self._portforward,
            "ephemeralcontainers": self._ephemeral,
        }[what](pod)

    def _log(self, pod: Pod) -> None:
        said = [(stamp(number), line) for number, line in enumerate(pod.last_words)]
        if pod.process:
            said = pod.process.log()
        elif not (self._one("previous") and pod.restarts):
            raise _Refused(
                400,
                "BadRequest",
                f'container "postgrest" in pod "{pod.name}" is waiting to start: {pod.waiting[0]}',
            )
        since = self._one("sinceTime")
        said = [line for line in said if line[0] >= since][-int(self._one("tailLines")) :]
        text = "".join(f"{when} {line}\n" for when, line in said)
        self._send(200, "text/plain", text.encode())

    def _exec(self, pod: Pod) -> None:
        stream = self._upgraded("v5.channel.k8s.io")
        argv = self.query["command"]
        assert pod.process is not None
        if not pod.shell:
            message = (
                "error executing command in container: failed to exec in container: failed to start"
                f' exec: OCI runtime exec failed: exec failed: exec: "{argv[0]}": executable file'
                " not found in $PATH: unknown"
            )
            status: Manifest = {"status": "Failure", "reason": "InternalError", "message": message}
        else:
            ended = pod.process.run(argv)
            stream.send(1, ended.stdout)
            stream.send(2, ended.stderr)
            cause = {"reason": "ExitCode", "message": str(ended.returncode)}
            failed = {"reason": "NonZeroExitCode", "details": {"causes": [cause]}}
            status = {"status": "Failure", **failed} if ended.returncode else {"status": "Success"}
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, **status}
        _ensure_valid(body)
        stream.send(3, json.dumps(body).encode())
        stream.close()
        for _ in stream.received():
            pass

    def _portforward(self, pod: Pod) -> None:
        stream = self._upgraded("v4.channel.k8s.io")
        port = int(self._one("ports"))
        for channel in (0, 1):
            stream.send(channel, port.to_bytes(2, "little"))
        served = pod.process is not None and pod.process.alive and port == 3000
        if pod.process is None or not served:
            stream.send(1, f"connection refused: port {port} of {pod.name}".encode())
            stream.close()
            return
        with socket.create_connection(("127.0.0.1", pod.process.port)) as upstream:
            back = threading.Thread(target=_back, args=(upstream, stream), daemon=True)
            back.start()
            with suppress(OSError):
                for message in stream.received():
                    assert message[0] == 0
                    upstream.sendall(message[1:])
            with suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)
            back.join()

    def _upgraded(self, protocol: str) -> WebSocket:
        offered = self.handler.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if protocol not in map(str.strip, offered):
            raise _Refused(400, "BadRequest", "Upgrade request required")
        return WebSocket.accept(self.handler, protocol)

    def _ephemeral(self, pod: Pod) -> None:
        self._ensure_strategic()
        (container,) = self.body["spec"]["ephemeralContainers"]
        if self._one("dryRun") != "All":
            self.cluster.patched.append(self.body)
            threading.Thread(target=_attach, args=(pod, container), daemon=True).start()
        self._json(200, pod.manifest())

    def _json(self, code: int, body: Manifest) -> None:
        _ensure_valid(body)
        self._send(code, "application/json", json.dumps(body).encode())

    def _send(self, code: int, content_type: str, body: bytes) -> None:
        self.handler.send_response(code)
        self.handler.send_header("Content-Type", content_type)
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)


_KINDS: Final = {"deployments": "Deployment", "statefulsets": "StatefulSet"}
_NAMESPACE: Final = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "api"}}


def _list(kind: str, items: list[Manifest]) -> Manifest:
    version = "v1" if kind in {"PodList", "NamespaceList"} else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {}, "items": items}


def _ensure_valid(body: Manifest) -> None:
    """Hold an object to the published description; an assertion of the double itself."""
    schema = {"$ref": f"#/definitions/{body['kind']}", "definitions": SCHEMAS["definitions"]}
    jsonschema.Draft4Validator(schema).validate(body)


def _back(upstream: socket.socket, stream: WebSocket) -> None:
    with suppress(OSError):
        while data := upstream.recv(32768):
            stream.send(0, data)
    stream.close()


def _attach(pod: Pod, container: Manifest) -> None:
    """Run an ephemeral container: beside the server's process, and with its view of the others."""
    assert pod.process is not None
    assert container["targetContainerName"] == "postgrest"
    status = {"name": container["name"], "image": container["image"], "imageID": ""}
    status |= {"ready": False, "restartCount": 0}
    pod.ephemeral.append(container)
    if not pod.pulls:
        waiting = {"reason": "ErrImagePull", "message": "no such host"}
        pod.ephemeral_states.append({**status, "state": {"waiting": waiting}})
        return
    ended = pod.process.run(container["command"])
    terminated: Manifest = {"exitCode": ended.returncode}
    if ended.returncode:
        terminated["message"] = ended.stdout.decode()
    pod.ephemeral_states.append({**status, "state": {"terminated": terminated}})


@contextmanager
def serving(cluster: Cluster, *, tls: Path | None = None) -> Iterator[Cluster]:
    """Serve the API on loopback, over TLS where there is a folder for its certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster))
    cluster.url = f"http://127.0.0.1:{server.server_port}"
    if tls:
        cluster.url = cluster.url.replace("http", "https")
        cluster.certificate = str(tls / "ca.crt")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_certificate(tls))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for one in cluster.threads:
            one.join()


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "ca.crt", folder / "ca.key"
    made = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=kubernetes"
    )
    named = f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    argv = ["openssl", *made.split(), *named.split()]
    subprocess.run(argv, check=True, capture_output=True)
    return certificate, key
