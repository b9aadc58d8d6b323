"""The runs that every reporter is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from pgrst_gate import remedies
from pgrst_gate.drift.allowed import Judged, Permit
from pgrst_gate.drift.comparison import Comparison
from pgrst_gate.drift.rules import Change, Rule
from pgrst_gate.findings import Finding
from pgrst_gate.report import (
    AccessResult,
    Conclusion,
    EndpointResult,
    Event,
    Evidence,
    InstanceResult,
    Milestones,
    OnFailure,
    Problem,
    Receipt,
    Report,
    Server,
)
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Cause, Verdict

SCANS: Final = Relation("", "scans")
ENDED_AT: Final = Column(SCANS, "ended_at", "timestamptz")
LAST_ACTIVITY_AT: Final = Column(SCANS, "last_activity_at")
HEARTBEAT: Final = Function("", "update_scan_heartbeat", (Argument("scan_id"), Argument("note")))
TO_PROJECTS: Final = Relationship(SCANS, "projects")
OLD: Final = Relation("", "old_scans")


def present(item: Item, cause: Cause, *told: str, note: str = "", remedy: str = "") -> Verdict:
    """A verdict on an item that must be served."""
    return Verdict(item, expected_present=True, cause=cause, told=told, note=note, remedy=remedy)


def absent(item: Item, cause: Cause, *told: str, note: str = "", remedy: str = "") -> Verdict:
    """A verdict on an item that must not be served."""
    return Verdict(item, expected_present=False, cause=cause, told=told, note=note, remedy=remedy)


RECEIPT: Final = Receipt("docker", "reload", "SIGUSR1", "container api (3f2a9c1b)", 0.061)
SERVER: Final = Server("http://api:3000", "14.14", "the Server header", ("public",))

OPEN: Final = Report(
    conclusion=Conclusion.OPEN,
    exit_code=0,
    sentence="gate open: 5 of 5 items are served by PostgREST 14.14, evidence confirmed",
    evidence=Evidence.CONFIRMED,
    evidence_told="1 load counted since the refresh",
    runtime="docker: container api (3f2a9c1b)",
    server=SERVER,
    verdicts=(
        present(ENDED_AT, Cause.SERVED, "GET /scans?select=ended_at -> 400 PGRST122"),
        present(LAST_ACTIVITY_AT, Cause.SERVED),
        present(HEARTBEAT, Cause.SERVED, note="whether it may be called was not asked"),
        present(TO_PROJECTS, Cause.SERVED),
        absent(OLD, Cause.GONE, "GET /old_scans -> 404 PGRST205"),
    ),
    endpoints=(
        EndpointResult("/scans?select=ended_at", "200", "200", passed=True),
        EndpointResult("POST /rpc/update_scan_heartbeat {}", "204", "204", passed=True),
    ),
    receipts=(RECEIPT,),
    events=(
        Event(0.0, "plan", "5 items, refresh by docker, timeout 120 s"),
        Event(0.021, "preflight", "PostgREST 14.14 at http://api:3000"),
        Event(0.024, "preflight", "auto picked docker: container api", "notice"),
        Event(0.043, "baseline", "1 of 5 items served, 3 loads counted"),
        Event(0.061, "refresh", "SIGUSR1 sent to container api (3f2a9c1b)"),
        Event(0.193, "wait", "4 loads counted"),
        Event(0.198, "verify", "5 of 5 items served"),
    ),
    milestones=Milestones(refreshed=0.061, loaded=0.193, served=0.198),
    attempts=7,
    started_at="2026-03-01T02:03:04Z",
    seconds=0.221,
)

CLOSED: Final = replace(
    OPEN,
    conclusion=Conclusion.CLOSED,
    exit_code=1,
    sentence="gate closed: 4 of 6 items are not as expected after 120 s",
    evidence=Evidence.UNPROVEN,
    evidence_told="no load was counted since the refresh",
    verdicts=(
        present(
            ENDED_AT,
            Cause.STALE,
            "cache: GET /scans?select=ended_at&x=eq.1 -> 400 42703 column does not exist",
            "database: GET /scans?select=ended_at&limit=0 -> 200",
            remedy="docker kill --signal SIGUSR1 api",
        ),
        present(
            LAST_ACTIVITY_AT,
            Cause.STALE,
            "cache: GET /scans?select=last_activity_at -> 400",
            remedy="docker kill --signal SIGUSR1 api",
        ),
        present(
            HEARTBEAT,
            Cause.NOT_GRANTED,
            "cache: it is there",
            "POST /rpc/update_scan_heartbeat [] -> 403 42501",
            note="the key is that of the role anon",
            remedy="GRANT EXECUTE ON FUNCTION update_scan_heartbeat TO anon;\n"
            "NOTIFY pgrst, 'reload schema';",
        ),
        present(TO_PROJECTS, Cause.SERVED),
        present(SCANS, Cause.SERVED),
        replace(
            absent(OLD, Cause.STILL_SERVED, "GET /old_scans -> 200"),
            place="supabase/migrations/20260301_rename.sql:7",
        ),
    ),
    endpoints=(
        EndpointResult("/scans?select=ended_at", "200", "200", passed=True),
        EndpointResult(
            "POST /rpc/update_scan_heartbeat {}",
            "204",
            '403 {"code":"42501","message":"permission denied"}',
            passed=False,
        ),
        EndpointResult("/projects", "200", "", passed=None),
    ),
    events=(
        *OPEN.events[:-2],
        Event(2.5, "wait", "the container is unhealthy", "warning"),
        Event(120.0, "verify", "2 of 6 items as expected\nthe time is up"),
    ),
    milestones=Milestones(refreshed=0.061),
    attempts=512,
    seconds=120.034,
)

WEAK: Final = replace(
    OPEN,
    conclusion=Conclusion.CLOSED,
    exit_code=1,
    sentence="gate closed: all 5 items are served, but the evidence is unproven, not confirmed",
    evidence=Evidence.UNPROVEN,
    evidence_told="",
    endpoints=(),
)

ACCESS: Final = replace(
    OPEN,
    conclusion=Conclusion.CLOSED,
    exit_code=1,
    sentence="gate closed: 2 of 4 rules of access are not kept, 1 relation unprotected",
    endpoints=(),
    access=(
        AccessResult("anon may not read scans", "kept", None, ("GET /scans?limit=0: 401 42501",)),
        AccessResult(
            "anon may not read projects",
            "broken",
            None,
            ("GET /projects?limit=0: 200",),
            remedy="revoke select on projects from public, anon;",
        ),
        AccessResult(
            "member may insert scans",
            "not judged",
            Cause.UNPROVEN,
            ("GET /scans?limit=0: 200",),
            "this server shows no plans",
            "give `database-url`",
        ),
        AccessResult("member may call ping()", "not asked"),
    ),
    findings=(
        Finding(
            "unprotected",
            "risk",
            "anon can read every row of scans: row-level security is off",
            ("database: anon has select on scans",),
            "alter table scans enable row level security;",
            "supabase/migrations/7_scans.sql:3",
        ),
    ),
)

PROBLEM: Final = replace(
    OPEN,
    conclusion=Conclusion.NOT_REFRESHED,
    exit_code=3,
    sentence="not refreshed: no container is named api",
    evidence=Evidence.UNPROVEN,
    evidence_told="",
    runtime="docker",
    server=None,
    verdicts=(),
    endpoints=(),
    receipts=(),
    events=OPEN.events[:1],
    milestones=Milestones(),
    attempts=0,
    seconds=0.012,
    problem=Problem(
        "no container is named api; running are:\n  postgrest-1\n  db-1",
        "container: postgrest-1",
    ),
)

CANCELLED: Final = replace(
    OPEN,
    conclusion=Conclusion.CANCELLED,
    exit_code=130,
    sentence="cancelled by SIGINT after the refresh was sent",
    evidence=Evidence.UNPROVEN,
    evidence_told="",
    verdicts=(),
    endpoints=(),
    events=OPEN.events[:5],
    milestones=Milestones(refreshed=0.061),
    seconds=1.5,
)

PLANNED: Final = replace(
    PROBLEM,
    conclusion=Conclusion.PLANNED,
    exit_code=0,
    sentence="planned: 5 items, reload by docker; nothing was sent",
    events=(
        Event(0.0, "plan", "5 items, refresh by docker, timeout 120 s"),
        Event(0.0, "plan", "would send SIGUSR1 to container api"),
    ),
    problem=None,
)

SKIPPED: Final = replace(
    PLANNED,
    conclusion=Conclusion.SKIPPED,
    sentence="skipped: this pull request is from a fork: url is missing (nothing was sent)",
    events=(Event(0.0, "plan", "this pull request is from a fork"),),
)

MANY: Final = replace(
    OPEN,
    sentence="gate open: 500 of 500 items are served by PostgREST 14.14",
    verdicts=tuple(present(Relation("app", f"t{number}"), Cause.SERVED) for number in range(500)),
)

MANY_STALE: Final = replace(
    CLOSED,
    sentence="gate closed: 490 of 500 items are not served",
    verdicts=tuple(
        present(
            Relation("app", f"t{number}"),
            Cause.STALE if number < 490 else Cause.SERVED,
            f"cache: GET /t{number} -> 404 PGRST205",
            remedy="docker kill --signal SIGUSR1 api" if number < 490 else "",
        )
        for number in range(500)
    ),
)


def of_cause(cause: Cause) -> Verdict:
    """A verdict of this cause, with its remedy."""
    item = Relation("app", cause.replace("-", "_"))
    place = f"supabase/migrations/20260301_{item.name}.sql:3"
    found = present if cause is not Cause.STILL_SERVED else absent
    verdict = replace(found(item, cause, f"GET /{item.name}?limit=0: as it answered"), place=place)
    return replace(verdict, remedy=remedies.remedy(verdict, role="anon"))


CAUSES: Final = replace(
    CLOSED,
    sentence="gate closed: one item of each cause is not as expected",
    verdicts=tuple(of_cause(cause) for cause in Cause if cause not in {Cause.SERVED, Cause.GONE}),
    endpoints=(),
    events=(),
)


COLUMN_GONE: Final = Change(Rule.COLUMN_REMOVED, "public.scans.note", "text", "")
VIEW_ADDED: Final = Change(Rule.RELATION_ADDED, "public.totals", "", "view of 2 columns")
PERMIT: Final = Permit("grant-lost *", "nobody used it", date(2026, 12, 31), "allow.yml:4")

DRIFT: Final = replace(
    OPEN,
    conclusion=Conclusion.CLOSED,
    exit_code=1,
    sentence="gate closed by 1 change: 1 breaking, 1 additive, 0 neutral, 1 allowed",
    evidence=Evidence.UNPROVEN,
    evidence_told="",
    runtime="",
    server=None,
    verdicts=(),
    endpoints=(),
    receipts=(),
    events=(Event(0.1, "preflight", "AFTER api.snapshot.yml: 3 relations"),),
    milestones=Milestones(),
    attempts=0,
    drift=Comparison(
        "git:main:api.snapshot.yml",
        "api.snapshot.yml",
        Judged(
            (COLUMN_GONE, VIEW_ADDED),
            ((Change(Rule.GRANT_LOST, "select on public.scans to anon"), PERMIT),),
        ),
        "breaking",
        ("AFTER is as an API's description has it",),
        "pgrst-gate snapshot api.snapshot.yml --out api.snapshot.yml",
    ),
)
OVERRIDDEN: Final = replace(
    DRIFT,
    conclusion=Conclusion.OPEN,
    exit_code=0,
    sentence="gate open by the label `api-change`: 1 breaking, 1 additive, 0 neutral, 1 allowed",
    drift=replace(DRIFT.drift, override="api-change") if DRIFT.drift else None,
)


REPLICAS: Final = replace(
    OPEN,
    conclusion=Conclusion.CLOSED,
    exit_code=1,
    sentence="gate closed: 1 of 1 items not as expected: 1 stale by container api-2",
    evidence=Evidence.UNPROVEN,
    evidence_told="no load was counted",
    endpoints=(),
    verdicts=(
        present(
            LAST_ACTIVITY_AT,
            Cause.STALE,
            "container api-2: GET /scans?select=last_activity_at -> 400 PGRST204",
            note="not as expected by container api-2; as expected by container api-1",
            remedy="reload the schema cache",
        ),
    ),
    instances=(
        InstanceResult(
            "container api-1", "http://10.0.0.2:3000", Evidence.CONFIRMED, "it logged 1 load", 1
        ),
        InstanceResult(
            "container api-2",
            "http://10.0.0.3:3000",
            Evidence.UNPROVEN,
            "no load was counted",
            0,
            (present(LAST_ACTIVITY_AT, Cause.STALE),),
        ),
        InstanceResult("http://api:3000", "http://api:3000", Evidence.INFERRED, "", 1),
    ),
)
"""One of two processes behind a balancer is stale."""


def saying(text: str) -> Report:
    """A closed gate's report with this text in every field that takes one, multiplied."""
    relation = Relation(text, text)
    return Report(
        conclusion=Conclusion.CLOSED,
        exit_code=1,
        sentence=text,
        evidence=Evidence.UNPROVEN,
        evidence_told=text,
        runtime=text,
        server=Server(text, text, text, (text, text)),
        verdicts=(
            replace(present(relation, Cause.STALE, text, text, note=text, remedy=text), place=text),
            present(Column(relation, text, text), Cause.NOT_APPLIED, text, note=text, remedy=text),
            present(Function(text, text, (Argument(text, text),)), Cause.SERVED, note=text),
            absent(Relationship(relation, text), Cause.GONE, text, note=text, remedy=text),
        ),
        endpoints=(
            EndpointResult(text, text, text, passed=False),
            EndpointResult(text, text, text, passed=True),
        ),
        receipts=(Receipt(text, "reload", text, text, 0.1),),
        events=(
            Event(0.0, "plan", text),
            Event(0.1, "refresh", text, "notice"),
            Event(0.2, "wait", text, "warning"),
        ),
        milestones=Milestones(0.1, 0.2, 0.3),
        attempts=1,
        started_at="2026-03-01T02:03:04Z",
        seconds=0.5,
        problem=Problem(text, text),
        drift=Comparison(
            text,
            text,
            Judged(
                (Change(Rule.COLUMN_REMOVED, text, text, text, text),),
                ((Change(Rule.GRANT_LOST, text), Permit(text, text, date(2026, 12, 31), text)),),
                ((COLUMN_GONE, replace(PERMIT, place=text)),),
            ),
            "breaking",
            (text,),
            text,
            "",
        ),
        findings=(Finding(text, "broken", text, (text,), text, text),),
        access=(AccessResult(text, "not judged", Cause.UNPROVEN, (text,), text, text),),
        instances=(InstanceResult(text, text, Evidence.UNPROVEN, text, 0),),
        on_failure=OnFailure(text, succeeded=False, told=text),
    )


HOSTILE_TEXT: Final = (
    "::error::owned\r\n::add-mask::gate\n"
    "##[error]owned\x1b[31m red\x1b]0;title\x07 ##\u200b[error]x\n"
    "\xa0::set-output name=verdict::open\n"
    "| a | `b` ``` ```` | <img src=x onerror=alert(1)> </td>\n"
    "[link](https://evil.example) **bold** @everyone $x$\n"
    '```mermaid\ngraph TD; a-->b; click a "javascript:alert(1)"\n```\n'
    "\n## heading\n::stop-commands::x\n"
)

HOSTILE: Final = replace(
    CLOSED,
    sentence=f"gate closed: {HOSTILE_TEXT}",
    verdicts=(
        replace(
            present(
                Relation("", "scans"),
                Cause.STALE,
                HOSTILE_TEXT,
                note=HOSTILE_TEXT,
                remedy=HOSTILE_TEXT,
            ),
            place=f"{HOSTILE_TEXT.splitlines()[0]}.sql:7",
        ),
    ),
    endpoints=(EndpointResult("/scans", "200", HOSTILE_TEXT, passed=False),),
    events=(Event(2.5, "wait", HOSTILE_TEXT, "warning"),),
)
"""A server's words where they mostly are; `saying` has them everywhere."""

REPORTS: Final = {
    "open": OPEN,
    "closed": CLOSED,
    "causes": CAUSES,
    "access": ACCESS,
    "replicas": REPLICAS,
    "weak": WEAK,
    "problem": PROBLEM,
    "cancelled": CANCELLED,
    "planned": PLANNED,
    "skipped": SKIPPED,
    "drift": DRIFT,
    "overridden": OVERRIDDEN,
    "many": MANY,
    "many-stale": MANY_STALE,
    "hostile": HOSTILE,
}
