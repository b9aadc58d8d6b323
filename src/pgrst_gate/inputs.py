"""The one table of inputs.

From it come action.yml, the flags, the environment variables, the keys of
the config file and its JSON schema, and the table in the README (`python -m pgrst_gate.generated`).

Whatever an input's source, its value is text in one small grammar, so that a line copied from a
flag into a workflow or a config file means the same. Defaults stand here only: a runner cannot
tell a default from a given value, and a given value must win over the config file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NoReturn, get_args

from pgrst_gate import localhost, readers
from pgrst_gate.drift.rules import FailOn
from pgrst_gate.errors import MissingInput, UsageError, nearest
from pgrst_gate.expectations import inline
from pgrst_gate.expectations.access import Rule, rules
from pgrst_gate.expectations.endpoints import Endpoint, endpoints
from pgrst_gate.expectations.migrations.layouts import Layout
from pgrst_gate.report import Evidence, ReportFile
from pgrst_gate.runtimes.interface import RuntimeName
from pgrst_gate.runtimes.kubernetes import kubeconfig
from pgrst_gate.runtimes.transports import ssh_access
from pgrst_gate.schema import Column, Function, Item, Relation, Relationship
from pgrst_gate.supabase import addresses

Mode = Literal["refresh", "verify", "drift"]
Method = Literal["auto", "reload", "restart", "sighup"]
Source = Literal["config", "database", "migrations", "snapshot"]
Missing = Literal["skip", "fail"]
Shape = Literal["text", "words", "lines", "columns", "headers", "flag"]

_EVIDENCE: Final = tuple(one.value for one in Evidence)


@dataclass(frozen=True, slots=True)
class Inputs:
    """All inputs of a run, read and checked one by one. Durations are seconds."""

    mode: Mode
    url: str
    targets: tuple[str, ...]
    admin_url: str
    schema: tuple[str, ...]
    api_key: str = field(repr=False)
    token: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    runtime: RuntimeName | Literal["auto"]
    method: Method
    reach_host: bool
    host: str
    ssh_key: str = field(repr=False)
    ssh_known_hosts: str
    container: str
    project: str
    service: str
    unit: str
    pid: int | None
    pid_file: str
    process_name: str
    restart_command: str
    log_file: str
    workload: str
    namespace: str
    kubeconfig: str = field(repr=False)
    kube_context: str
    debug_image: str
    database_url: str = field(repr=False)
    db_channel: str
    project_ref: str
    access_token: str = field(repr=False)
    supabase_api_url: str
    expect_from: tuple[Source, ...]
    migrations: str
    migrations_layout: Layout
    since: str
    snapshot: str
    endpoints: tuple[Endpoint, ...]
    expected_columns: tuple[Column, ...]
    expected_tables: tuple[Relation, ...]
    expected_functions: tuple[Function, ...]
    expected_relationships: tuple[Relationship, ...]
    expected_absent: tuple[Item, ...]
    access: tuple[Rule, ...]
    role_tokens: Mapping[str, str] = field(repr=False)
    jwt_secret: str = field(repr=False)
    fail_on_unprotected: bool
    timeout: float
    interval: float
    consecutive: int
    require_evidence: Evidence
    escalate: bool
    settle: float
    on_failure: str
    on_failure_codes: tuple[int, ...]
    before: str = field(repr=False)
    after: str = field(repr=False)
    before_admin_url: str
    before_api_key: str = field(repr=False)
    before_token: str = field(repr=False)
    before_headers: Mapping[str, str] = field(repr=False)
    fail_on: FailOn
    allow: str
    override_label: str
    on_missing_secrets: Missing
    dry_run: bool
    report: tuple[ReportFile, ...]
    comment: str
    github_token: str = field(repr=False)


# --- the table -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Input:
    """One input. `attribute` is its name in `Inputs`, `variable` in the environment."""

    name: str
    about: str
    """One or two sentences of Markdown."""
    read: Callable[[str], Any]
    default: str = ""
    shape: Shape = "text"
    """How it is written in a config file: one text, a list of lines, relation → columns, ..."""
    choices: tuple[str, ...] = ()
    secret: bool = False
    is_source: bool = False
    """A source of a surface: if it is an address, it may hold a password."""
    required: bool = False
    """Given, or told by another input: `url` by `project-ref`."""
    also_from: str = ""
    """Another tool's variable that holds the same; read where this is not given."""
    hides: Callable[[str], Sequence[str]] | None = None
    """Gives the secret parts of its text, where not all of it is one."""

    @property
    def attribute(self) -> str:
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        return "PGRST_GATE_" + self.attribute.upper()


def _admin_url(text: str) -> str:
    return readers.http_url(text) if text.strip() else ""


def _management_url(text: str) -> str:
    url = readers.http_url(text)
    if url.startswith("http:") and not localhost.is_local(url):
        raise ValueError("expected https://, or anybody on the way could read the access token")
    return url


def _pid(text: str) -> int | None:
    return readers.whole_number(text) if text.strip() else None


def _evidence(text: str) -> Evidence:
    return Evidence(readers.one_of(_EVIDENCE)(text))


def _sources(text: str) -> tuple[str, ...]:
    one = readers.one_of(get_args(Source))
    return tuple(dict.fromkeys(one(name) for name in text.split("+") if name.strip()))


def _choice(name: str, about: str, choices: tuple[str, ...], default: str) -> Input:
    return Input(name, about, readers.one_of(choices), default, choices=choices)


_ADMIN_URL: Final = Input(
    "admin-url",
    "Address of PostgREST's admin server (`admin-server-port`), where it is reachable: its load"
    " counters confirm a reload, its schema cache shows types.",
    _admin_url,
)
_API_KEY: Final = Input(
    "api-key",
    "API key. One that starts with `sb_` goes in the header `apikey` only, one that is a JWT in"
    " `Authorization` as well.",
    readers.text,
    secret=True,
)
_TOKEN: Final = Input(
    "token", "JWT of the role to verify as, for `Authorization`.", readers.text, secret=True
)
_HEADERS: Final = Input(
    "headers",
    "Further headers for every request, one `Name: value` a line.",
    readers.headers,
    shape="headers",
    secret=True,
)


def _for_before(one: Input) -> Input:
    about = f"As `{one.name}`, for `before` where it is an API."
    return replace(one, name=f"before-{one.name}", about=about)


INPUTS: Final = (
    _choice(
        "mode",
        "`refresh` refreshes the server and verifies; `verify` sends nothing and looks for a few"
        " seconds only, to gate a deploy or a pull request; `drift` compares two surfaces.",
        get_args(Mode),
        "refresh",
    ),
    Input(
        "url",
        "Base address of the API: `http://localhost:3000`, `https://<ref>.supabase.co/rest/v1`."
        " Default: that of `project-ref`.",
        readers.http_url,
        required=True,
    ),
    Input(
        "targets",
        "Addresses of the processes behind `url`, one a line: each is asked by itself, and all must"
        " serve what is expected. Containers, tasks and pods are found by their runtime.",
        readers.http_urls,
        shape="lines",
    ),
    _ADMIN_URL,
    Input(
        "schema",
        "Exposed schemas, the first is where names without a schema live. Default: the first"
        " schema the server exposes.",
        readers.words,
        shape="words",
    ),
    _API_KEY,
    _TOKEN,
    _HEADERS,
    _choice(
        "runtime",
        "How PostgREST runs, and so how it is refreshed. `none` only waits and verifies; `auto`"
        " takes what the other inputs or the machine suggest, and says what it took.",
        ("auto", *get_args(RuntimeName)),
        "auto",
    ),
    _choice(
        "method",
        "`reload` keeps the server up (SIGUSR1, NOTIFY), `restart` replaces the process; `auto` is"
        " `reload`. `sighup` sends SIGHUP only to a PostgREST that reloads on it (up to 5.2): later"
        " ones die of it, so they get SIGUSR1 instead.",
        get_args(Method),
        "auto",
    ),
    Input(
        "reach-host",
        "In a container: act on the machine that runs it, by short-lived helper containers that the"
        " mounted Docker socket starts there. For `unit`, `pid`, `pid-file`, `process-name`, and a"
        " server on its 127.0.0.1.",
        readers.flag,
        "false",
        shape="flag",
    ),
    Input(
        "host",
        "The machine PostgREST runs on, where that is another one: `ssh://deploy@staging:22`. It is"
        " reached by OpenSSH, and a `url` of `localhost` then means that machine.",
        readers.ssh_host,
    ),
    Input(
        "ssh-key",
        "Private key for `host`, its text or the path of its file; without a passphrase. Default:"
        " what OpenSSH finds (agent, configuration, default keys).",
        readers.text,
        hides=ssh_access.secrets,
    ),
    Input(
        "ssh-known-hosts",
        "Host keys of `host` and of jump hosts, lines as in `known_hosts` or the path of a file"
        " with them: then no others count. Default: the user's own.",
        readers.text,
    ),
    Input("container", "Docker container: its name, id, or a label (`key=value`).", readers.text),
    Input(
        "project",
        "Compose project of `service`, where several projects have a service of that name.",
        readers.text,
    ),
    Input(
        "service",
        "Service of a compose project, or of a Swarm (then its name or id): all its containers.",
        readers.text,
    ),
    Input("unit", "systemd unit, such as `postgrest.service`.", readers.text),
    Input("pid", "Process id of PostgREST.", _pid),
    Input("pid-file", "File that holds the process id.", readers.text),
    Input("process-name", "Name of the process, to find it by.", readers.text),
    Input(
        "restart-command",
        "Command that restarts the process, for `runtime: process` with `method: restart`. It is"
        " run without a shell.",
        readers.command,
    ),
    Input(
        "log-file",
        "File that the process writes its log to, for `runtime: process`: there a load is seen to"
        " end or to fail, and why.",
        readers.text,
    ),
    Input(
        "workload",
        "What runs PostgREST in a Kubernetes cluster: `deployment/NAME`, `statefulset/NAME`, or"
        " `pods/LABEL=VALUE`.",
        readers.workload,
    ),
    Input(
        "namespace",
        "Kubernetes namespace of the `workload`. Default: that of the context.",
        readers.text,
    ),
    Input(
        "kubeconfig",
        "Path of a kubeconfig, or its text, from a secret. Default: `KUBECONFIG`,"
        " `~/.kube/config`, or the service account of the pod this runs in.",
        readers.text,
        hides=kubeconfig.secrets,
    ),
    Input("kube-context", "Context of the kubeconfig. Default: its current one.", readers.text),
    Input(
        "debug-image",
        "Image with a shell, such as `busybox:1.37`, for an ephemeral container that sends the"
        " signal where PostgREST's image has no shell and no `database-url` is given. It stays"
        " listed in the pod until that is replaced.",
        readers.text,
    ),
    Input(
        "database-url",
        "PostgreSQL connection for `runtime: notify` and `expect-from: database`: the database"
        " PostgREST uses, any role that may connect.",
        readers.text,
        secret=True,
    ),
    Input("db-channel", "Channel PostgREST listens on (its `db-channel`).", readers.text, "pgrst"),
    Input(
        "project-ref",
        "Hosted Supabase project, for `runtime: supabase`: the 20 letters of its address.",
        addresses.project_ref,
    ),
    Input(
        "access-token",
        "Supabase access token (`sbp_…`) that may run statements in the project. Default: that of"
        " the Supabase CLI, `SUPABASE_ACCESS_TOKEN`.",
        readers.text,
        secret=True,
        also_from="SUPABASE_ACCESS_TOKEN",
    ),
    Input(
        "supabase-api-url",
        "Base address of Supabase's Management API.",
        _management_url,
        addresses.MANAGEMENT_API,
    ),
    Input(
        "expect-from",
        "Where expectations come from besides what is typed, joined by `+`: `database` expects all"
        " that its catalog offers to an API, `migrations` what the new migration files change in"
        " it, `snapshot` all of a snapshot; `config` says aloud that what is typed counts. What"
        " nobody typed must be in the cache, whoever may use it.",
        _sources,
    ),
    Input(
        "migrations",
        "Folder of the migrations, for `expect-from: migrations`.",
        readers.text,
        "supabase/migrations",
    ),
    _choice(
        "migrations-layout",
        "Whose migrations they are: it tells which files count, in which order, and which parts of"
        " them. `plain` is all `*.sql` by name.",
        get_args(Layout),
        "supabase",
    ),
    Input(
        "since",
        "Which migrations are new: a git ref (those that changed since), a file with the JSON of"
        " `supabase db push` or, from before the push, of `supabase migration list` or `pgrst-gate"
        " applied`. Default: all. Where none is new all are expected.",
        readers.text,
    ),
    Input(
        "snapshot",
        "Snapshot to expect, for `expect-from: snapshot`: its path, or `git:<ref>:<path>`.",
        readers.text,
        "api.snapshot.yml",
    ),
    Input(
        "endpoints",
        "Requests to make once the cache is proven, one a line: `[METHOD] /path [JSON body] [as"
        " anonymous|api-key|token] [-> status [JSON]]`. Whatever they name is also expected when"
        " nothing else is.",
        endpoints,
        shape="lines",
    ),
    Input(
        "expected-columns",
        "Columns that must be served, one relation a line: `scans: ended_at, last_activity_at"
        " timestamptz`. A type is checked where one is named.",
        inline.columns,
        shape="columns",
    ),
    Input(
        "expected-tables",
        "Tables and views that must be served: `scans, heartbeats`.",
        inline.tables,
        shape="lines",
    ),
    Input(
        "expected-functions",
        "Functions that must be served, with the names of all their arguments, one a line:"
        " `update_scan_heartbeat(scan_id, progress_msg)`; `f()` without arguments, `f(*)` for a"
        " single unnamed one.",
        inline.functions,
        shape="lines",
    ),
    Input(
        "expected-relationships",
        "Relations that must be embeddable: `scans -> projects`, one a line.",
        inline.relationships,
        shape="lines",
    ),
    Input(
        "expected-absent",
        "What must no longer be served, one a line, in any of the forms above.",
        inline.items,
        shape="lines",
    ),
    Input(
        "access",
        "Who may do what, one rule a line, checked as that role once the cache is proven: `anon may"
        " not read scans`, `member may read at least 1 row of projects`, `anon may not write"
        " scans`, `member may call ping()`. Nothing is written or called for it.",
        rules,
        shape="lines",
    ),
    Input(
        "role-tokens",
        "The token to be each role of `access` by, one `role: JWT` a line; `anon` sends none.",
        readers.tokens,
        shape="headers",
        secret=True,
    ),
    Input(
        "jwt-secret",
        "PostgREST's own secret (HS256), to make tokens for the roles of `access` that have none.",
        readers.jwt_secret,
        secret=True,
    ),
    Input(
        "fail-on-unprotected",
        "Close the gate where an expected relation can be read by the anonymous role and no policy"
        " can hide a row of it. Needs `database-url`; without this it is a finding only.",
        readers.flag,
        "false",
        shape="flag",
    ),
    Input(
        "timeout", "How long to wait for the new schema, at most `30m`.", readers.timeout, "120s"
    ),
    Input(
        "interval",
        "The longest pause between two looks. Looks begin 20 ms apart and slow down from there.",
        readers.interval,
        "1s",
    ),
    Input(
        "consecutive",
        "Whole rounds of good answers in a row that open the gate, each on fresh connections."
        " Behind a balancer take three times the number of replicas.",
        readers.whole_number,
        "1",
    ),
    Input(
        "require-evidence",
        "The weakest evidence of a load that opens the gate: `unproven` (all items are in the"
        " cache), `inferred` (one was not, before the refresh), `confirmed` (a load was seen to"
        " finish).",
        _evidence,
        Evidence.UNPROVEN.value,
        choices=_EVIDENCE,
    ),
    Input(
        "escalate",
        "Where a reload does not help within its share of the time: NOTIFY as well, if"
        " `database-url` is given, then restart, where the runtime can.",
        readers.flag,
        "false",
        shape="flag",
    ),
    Input(
        "settle",
        "How long to look on after a restart, whether the server stays as it should; `0` for not.",
        readers.settle,
        "5s",
    ),
    Input(
        "on-failure",
        "What to do once, when the gate is closed, such as a rollback: a command, run without a"
        " shell, or an `.sql` file, run at `database-url`. A command finds the JSON report at"
        " `PGRST_GATE_FAILURE_REPORT`.",
        readers.command,
    ),
    Input(
        "on-failure-codes",
        "The exit codes that `on-failure` is for: `1` is a closed gate, `2` inputs that do not go"
        " together, `3` no refresh, `4` no answer.",
        readers.failures,
        "1",
        shape="words",
    ),
    Input(
        "before",
        "What `mode: drift` compares with: a snapshot file, `git:<ref>:<path>` of one, an API, a"
        " database, or `migrations:<folder>`.",
        readers.text,
        is_source=True,
    ),
    Input(
        "after",
        "What `mode: drift` compares, in any of these forms. Default: the API at `url`.",
        readers.text,
        is_source=True,
    ),
    *map(_for_before, (_ADMIN_URL, _API_KEY, _TOKEN, _HEADERS)),
    _choice(
        "fail-on",
        "The least change that closes the gate: a `breaking` one, `any` at all, or `none`.",
        get_args(FailOn),
        "breaking",
    ),
    Input(
        "allow",
        "File of the changes that are allowed, each with its reason and until when.",
        readers.text,
    ),
    Input(
        "override-label",
        "Label of a pull request that opens the gate whatever changes, with a notice. Whoever may"
        " label pull requests may then let changes pass.",
        readers.text,
    ),
    _choice(
        "on-missing-secrets",
        "What to do in a workflow that is given no secrets, because a pull request from a fork"
        " started it, when that is why nothing can be asked: `skip` with a notice, or `fail`."
        " Anywhere else what is missing fails.",
        get_args(Missing),
        "skip",
    ),
    Input(
        "dry-run",
        "Print what would be done and asked, and stop. Nothing is sent.",
        readers.flag,
        "false",
        shape="flag",
    ),
    Input(
        "report",
        "Where to write the report: `json=path, junit=path, sarif=path, gitlab=path, badge=path`,"
        " or a path for JSON alone. The action always writes JSON, by default to"
        " `pgrst-gate-report.json`.",
        readers.report_files,
    ),
    Input(
        "comment",
        "Id of this gate's comment on the pull request that started the workflow: made once, then"
        " updated in place. Needs `github-token`.",
        readers.comment_id,
    ),
    Input(
        "github-token",
        "Token for `comment`, such as `github.token` of a job with `pull-requests: write`.",
        readers.text,
        secret=True,
    ),
)

CONFIG: Final = Input(
    "config",
    "YAML file with any of these inputs; flags, inputs and variables given besides win over it.",
    readers.text,
)
"""Read before all others, so it is not part of `Inputs`."""


# --- from given texts to Inputs ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """The text of one input, and where it was given: `--timeout`, `gate.yml:12`."""

    text: str = field(repr=False)
    place: str


def read_inputs(given: Mapping[str, Given], *, asks_api: bool = True) -> Inputs:
    """All inputs, by name; what is not given has its default.

    ``asks_api``: an API is asked, so that its address must be given; drift may be that of files.
    Raises as `values_of`.
    """
    of_drift = "mode" in given and given["mode"].text.strip() == "drift"
    return Inputs(**values_of(INPUTS, _with_url(given), asks_api=asks_api and not of_drift))


def _with_url(given: Mapping[str, Given]) -> Mapping[str, Given]:
    """With the address of the Supabase project that is named, where no other address is."""
    nothing = Given("", "")
    ref = given.get("project-ref", nothing)
    if not ref.text.strip() or given.get("url", nothing).text.strip():
        return given
    return {**given, "url": Given(addresses.api_url(ref.text.strip()), ref.place)}


def values_of(
    table: Iterable[Input], given: Mapping[str, Given], *, asks_api: bool = True
) -> dict[str, Any]:
    """The values of the inputs of a table, by their attributes.

    Raises `UsageError` that lists every input that does not read, with its place and the mend.
    """
    values: dict[str, Any] = {}
    missing: list[str] = []
    problems: list[str] = []
    for one in table:
        found = given.get(one.name, Given("", one.name))
        text = found.text if found.text.strip() else one.default
        if one.required and not text.strip():
            if asks_api:
                missing.append(f"{one.name} is missing: {one.about}")
            values[one.attribute] = ""
            continue
        try:
            values[one.attribute] = one.read(text)
        except ValueError as error:
            quotes = one.secret or isinstance(error, inline.SyntaxProblem)
            shown = "" if quotes else f"`{text}` is not valid: "
            problems.append(f"{found.place}: {shown}{error}")
    if missing or problems:
        refuse(problems, missing)
    return values


def refuse(problems: Sequence[str], missing: Sequence[str] = ()) -> NoReturn:
    """Raise `UsageError` with one problem a line; `MissingInput` where inputs are only missing."""
    hint = "nothing was touched; see the table of inputs in the README"
    if missing:
        hint += "; a secret that is not set in this repository or environment comes as nothing"
    error = UsageError if problems else MissingInput
    raise error("\n".join((*missing, *problems)), hint=hint)


def unknown(name: str, place: str) -> str:
    """What to say of an input that does not exist."""
    names = tuple(one.name for one in (*INPUTS, CONFIG))
    return f"{place}: there is no input `{name}`{nearest(name.replace('_', '-'), names)}"


def secrets_of(given: Mapping[str, Given], table: Iterable[Input] = INPUTS) -> tuple[str, ...]:
    """The secret parts of the secret inputs, to be masked before anything is printed."""
    found: list[str] = []
    for one in table:
        text = given[one.name].text if one.name in given else ""
        if one.hides:
            found += one.hides(text)
        if not (one.secret or (one.is_source and "://" in text)):
            continue
        lines = text.splitlines() if one.shape == "headers" else [text]
        found += [line.partition(":")[2] if one.shape == "headers" else line for line in lines]
    return tuple(filter(None, map(str.strip, found)))
