"""What a run will do, decided from the inputs alone. Nothing is looked at here, nothing touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pgrst_gate import localhost
from pgrst_gate.expectations.endpoints import implied
from pgrst_gate.inputs import Inputs, refuse
from pgrst_gate.report import Evidence
from pgrst_gate.roles import credentials, no_way
from pgrst_gate.rollback import is_sql
from pgrst_gate.runtimes.interface import RuntimeName, Target
from pgrst_gate.schema import Expectation, Item
from pgrst_gate.supabase.addresses import MANAGEMENT_API, ref_of_api

Step = Literal["reload", "notify", "restart"]
"""`notify`: once more, by the database, whatever the runtime is."""

RESTARTS: Final[frozenset[RuntimeName]] = frozenset(
    {"docker", "compose", "swarm", "systemd", "process", "kubernetes"}
)
"""Runtimes that can replace the process."""
_NO_PROCESS: Final[frozenset[RuntimeName]] = frozenset({"notify", "supabase"})
"""Runtimes that reach the server by its database."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The inputs, what is expected, and the rungs of the refresh from the mildest up."""

    inputs: Inputs
    expectation: Expectation
    ladder: tuple[Step, ...]
    """What to try in turn, each with its share of the time. Not used by runtime `none`."""
    forwards: Mapping[str, str] = field(default_factory=dict)
    """Addresses that are on another machine's own network, and where each is asked from here."""
    excuse: str = ""
    """Why a refused key is none of this repository's business: then the run is skipped."""

    @property
    def target(self) -> Target:
        """Where the servers are, as far as the inputs name them."""
        inputs = self.inputs
        return Target(
            container=inputs.container,
            project=inputs.project,
            service=inputs.service,
            unit=inputs.unit,
            pid=inputs.pid,
            pid_file=inputs.pid_file,
            process_name=inputs.process_name,
            restart_command=inputs.restart_command,
            workload=inputs.workload,
            namespace=inputs.namespace,
            kubeconfig=inputs.kubeconfig,
            kube_context=inputs.kube_context,
            debug_image=inputs.debug_image,
            log_file=inputs.log_file,
            database_url=inputs.database_url,
            channel=inputs.db_channel,
            project_ref=inputs.project_ref,
            access_token=inputs.access_token,
            supabase_api_url=inputs.supabase_api_url,
            patience=inputs.timeout,
        )


def make_plan(inputs: Inputs, *, no_secrets: str = "") -> Plan:
    """The plan; raises `UsageError` that lists all inputs that do not go together.

    ``no_secrets`` says why this workflow is given none; empty where it is.
    """
    named = (*_misnamed(inputs), *_of_pods(inputs), *_of_machines(inputs))
    problems = [*_of_drift(inputs), *named, *_contradictions(inputs)]
    expectation = _expectation(inputs)
    if not expectation and "config" in inputs.expect_from:
        problems.append("`expect-from` names `config`, but nothing is typed in any input")
    elif not (expectation or inputs.expect_from or inputs.access):
        problems.append(
            "nothing is expected, and a gate that checks nothing is always open: give"
            " `expected-columns`, `expected-tables`, `expected-functions`,"
            " `expected-relationships`, `expected-absent`, or `endpoints` whose paths name what"
            " must be there; or `expect-from`, or `access`"
        )
    if both := sorted(str(item) for item in set(expectation.present) & set(expectation.absent)):
        problems.append(f"expected both present and absent: {', '.join(both)}")
    missing = list(_missing(inputs))
    if no_secrets and inputs.host and not inputs.ssh_key:  # an agent may have one, but not there
        missing.append("`host` needs `ssh-key`")
    if missing:
        refuse(problems, missing)
    if problems:
        refuse(problems)
    keyless = not (inputs.api_key or inputs.token)
    excuse = no_secrets if keyless and inputs.on_missing_secrets == "skip" else ""
    return Plan(inputs, expectation, _ladder(inputs), excuse=excuse)


def _expectation(inputs: Inputs) -> Expectation:
    present: tuple[Item, ...] = (
        *inputs.expected_tables,
        *inputs.expected_columns,
        *inputs.expected_functions,
        *inputs.expected_relationships,
    )
    named = Expectation(tuple(dict.fromkeys(present)), inputs.expected_absent)
    return named or implied(inputs.endpoints)


def _ladder(inputs: Inputs) -> tuple[Step, ...]:
    if inputs.method == "restart":
        return ("restart",)
    if not inputs.escalate:
        return ("reload",)
    notified: tuple[Step, ...] = ("notify",) if inputs.database_url else ()
    restarted: tuple[Step, ...] = ("restart",) if inputs.runtime in {"auto", *RESTARTS} else ()
    return ("reload", *notified, *restarted)


def _missing(inputs: Inputs) -> Iterator[str]:
    """What is needed and not given, of the inputs that often are secrets."""
    if inputs.runtime == "notify" and inputs.mode == "refresh" and not inputs.database_url:
        yield "runtime notify needs `database-url`"
    if inputs.runtime == "supabase" and inputs.mode == "refresh" and not inputs.access_token:
        yield "runtime supabase needs `access-token`, or SUPABASE_ACCESS_TOKEN in the environment"
    if "database" in inputs.expect_from and not inputs.database_url:
        yield "`expect-from: database` needs `database-url`"
    if inputs.on_failure and is_sql(inputs.on_failure) and not inputs.database_url:
        yield "`on-failure` with an SQL file needs `database-url`"
    if inputs.fail_on_unprotected and not inputs.database_url:
        yield "`fail-on-unprotected` needs `database-url`"
    for role in dict.fromkeys(rule.role for rule in inputs.access):
        if credentials(inputs, role) is None:
            yield no_way(inputs, role)


def _of_drift(inputs: Inputs) -> Iterator[str]:
    for name, value in (("before", inputs.before), ("after", inputs.after)):
        if value:
            yield f"`{name}` is for `mode: drift`, and this is mode {inputs.mode}"


def _of_pods(inputs: Inputs) -> Iterator[str]:
    if "restart" in _ladder(inputs) and inputs.workload.startswith("pods/"):
        asked = "method: restart" if inputs.method == "restart" else "escalate"
        yield (
            f"`{asked}` needs a deployment or a statefulset in `workload`: nothing is known that"
            f" would replace {inputs.workload}"
        )


def _of_machines(inputs: Inputs) -> Iterator[str]:
    of_ssh = {"ssh-key": inputs.ssh_key, "ssh-known-hosts": inputs.ssh_known_hosts}
    for name in (name for name, value in of_ssh.items() if value and not inputs.host):
        yield f"`{name}` is given, and no `host` to use it for"
    if inputs.reach_host and inputs.host:
        yield "`reach-host` and `host` name two machines: give one of them"
    if inputs.reach_host and inputs.restart_command:
        yield (
            "`restart-command` does not go with `reach-host`: what it starts would end with the"
            " helper container; run the gate on the machine itself"
        )


def _misnamed(inputs: Inputs) -> Iterator[str]:
    """What says which server it is, and does not go with the runtime or with the rest."""
    needs = {
        "docker": ("container", inputs.container),
        "compose": ("service", inputs.service),
        "swarm": ("service", inputs.service),
        "systemd": ("unit", inputs.unit),
        "supabase": ("project-ref", inputs.project_ref),
        "kubernetes": ("workload", inputs.workload),
    }
    if inputs.runtime in needs and not needs[inputs.runtime][1]:
        yield f"runtime {inputs.runtime} needs `{needs[inputs.runtime][0]}`"
    ways = {"pid": inputs.pid, "pid-file": inputs.pid_file, "process-name": inputs.process_name}
    given = [name for name, value in ways.items() if value]
    if len(given) > 1:
        yield f"only one of {', '.join(f'`{name}`' for name in given)} can say which process it is"
    if inputs.log_file and inputs.runtime not in {"auto", "process"}:
        yield f"`log-file` does not go with runtime {inputs.runtime}, whose log is found otherwise"


def _contradictions(inputs: Inputs) -> Iterator[str]:
    climbs = inputs.escalate and (inputs.runtime == "none" or not inputs.database_url)
    restarts = inputs.method == "restart" or climbs
    asked = "method: restart" if inputs.method == "restart" else "escalate"
    if restarts and inputs.runtime not in {"auto", *RESTARTS}:
        yield f"`{asked}` does not go with runtime {inputs.runtime}, which cannot restart a server"
    if "restart" in _ladder(inputs) and inputs.runtime == "process" and not inputs.restart_command:
        yield f"`{asked}` with runtime process needs `restart-command`"
    if inputs.runtime == "none" and inputs.method != "auto":
        yield f"`method: {inputs.method}` does not go with runtime none, which refreshes nothing"
    if inputs.runtime in _NO_PROCESS and inputs.method == "sighup":
        yield (
            f"`method: sighup` does not go with runtime {inputs.runtime}: there is no process to"
            " signal"
        )
    if inputs.project_ref:
        yield from _of_project(inputs)
    if inputs.mode == "verify" and inputs.require_evidence is not Evidence.UNPROVEN:
        evidence = inputs.require_evidence.value
        yield f"`require-evidence: {evidence}` needs a refresh, and mode verify sends none"
    if inputs.method == "restart" and inputs.escalate:
        yield "`escalate` has nothing to climb to from `method: restart`"


def _of_project(inputs: Inputs) -> Iterator[str]:
    """What would have one server refreshed, and another one looked at."""
    other = ref_of_api(inputs.url)
    if other and other != inputs.project_ref:
        yield f"`project-ref` is {inputs.project_ref}, and `url` is of the project {other}"
    if localhost.is_local(inputs.url) and inputs.supabase_api_url == MANAGEMENT_API:
        yield "`project-ref` is of a hosted project, and `url` is of this machine: leave out one"


def described(plan: Plan) -> tuple[str, ...]:
    """The plan in lines, for `dry-run`: what would be refreshed, asked and called."""
    inputs, expectation = plan.inputs, plan.expectation
    if inputs.mode == "verify":
        refresh = "refresh nothing (mode verify)"
    elif inputs.runtime == "none":
        refresh = "refresh nothing (runtime none)"
    else:
        there = "the host" if inputs.reach_host else inputs.host
        where = f", on {there}" if there else ""
        refresh = f"refresh by {', then '.join(plan.ladder)} (runtime {inputs.runtime}{where})"
    in_a_row = f"{inputs.consecutive} in a row"
    waited = f"wait at most {inputs.timeout:g} s for whole rounds of good answers, {in_a_row}"
    return (
        f"look at {inputs.url}, without a side effect",
        refresh,
        waited,
        *(f"expect all that the {name} tells" for name in inputs.expect_from if name != "config"),
        *(f"expect {item.kind} {item}" for item in expectation.present),
        *(f"expect no {item.kind} {item}" for item in expectation.absent),
        *(f"then ask whether {rule}" for rule in inputs.access),
        *(f"then request {request.line}" for request in inputs.endpoints),
        *([f"run {inputs.on_failure} if that fails"] if inputs.on_failure else ()),
    )
