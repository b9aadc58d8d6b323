"""The server from its clients' side: who answers, what is in front, and what its cache holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pgrst_gate.doctor.looks import Look, unseen
from pgrst_gate.errors import NotObserved
from pgrst_gate.expectations.offered import expected
from pgrst_gate.expectations.sources import THE_DATABASE
from pgrst_gate.findings import Finding
from pgrst_gate.postgrest import admin, server
from pgrst_gate.postgrest.cache_side import KEPT
from pgrst_gate.postgrest.client import Client
from pgrst_gate.postgrest.server import Identity
from pgrst_gate.postgrest.survey import Round, Survey
from pgrst_gate.postgrest.versions import NEWEST_SEEN, named_takes_any_keys
from pgrst_gate.schema import Column, Item, quoted
from pgrst_gate.surface import Surface

ROUNDS: Final = 4
"""How often the cache is looked at, each time on a new connection: a balancer in turn then shows
two servers."""
NAMED: Final = 5
"""Items that a finding names."""
STRAIGHT: Final = "use the address of PostgREST itself"


@dataclass(frozen=True, slots=True)
class Met:
    """The PostgREST that answers."""

    client: Client
    identity: Identity
    schemas: tuple[str, ...]
    takes_profiles: bool
    """A schema that cannot exist is refused, so the headers that name one get through."""
    behind: str
    """What the answer's `Server` header says in PostgREST's place; untrusted."""


def meet(client: Client, given: tuple[str, ...]) -> Met:
    """Find out who answers. Raises as `server.identify`."""
    question, answer = server.first_answer(client, given[0] if given else "")
    identity = server.identify(client, question, answer)
    exposed = server.exposed_schemas(client)
    header = answer.headers.get("server", "nothing")
    behind = "" if header.lower().startswith(server.SIGNATURE) else header
    return Met(client, identity, given or exposed or (), exposed is not None, behind)


def server_seen(met: Met) -> Look:
    """Its version, and what can be proven on it."""
    identity, findings = met.identity, []
    if identity.version and identity.version[0] > NEWEST_SEEN:
        text = "it is newer than any this was tried with: it is asked as the newest known"
        findings.append(Finding("server", "note", text))
    if not identity.dialect.plan_only:
        text = f"on PostgREST {identity.dialect.line} not all can be proven without running it"
        findings.append(Finding("server", "note", text, remedy="docs/evidence.md"))
    if identity.reloading:
        text = "it has no schema cache: every request is answered by 503 PGRST002"
        remedy = "read its log for `Failed to load the schema cache`"
        findings.append(Finding("server", "broken", text, remedy=remedy))
    told = f"PostgREST {identity.version_text} (told by {identity.told_by})"
    return Look("server", told, tuple(findings))


def admin_server(client: Client) -> Look:
    """Whether it answers, and says that the server is well."""
    answer = admin.ready(client)
    if answer.failure or answer.status == 404:  # noqa: PLR2004 - /ready is there from 10 on
        said = answer.failure or "404"
        text = f"no admin server answers at {client.url}, so no reload can be confirmed"
        remedy = "set `admin-server-port`: PGRST_ADMIN_SERVER_PORT=3001"
        finding = Finding("admin-server", "risk", text, (f"GET /ready: {said}",), remedy)
        return Look("admin-server", said, (finding,))
    if not answer.succeeded:
        text = "the server is not ready: its last load failed, or its listener is not connected"
        told = (f"GET /ready: {answer.status}",)
        remedy = "read its log for `Failed to load the schema cache`"
        return Look("admin-server", "", (Finding("admin-server", "broken", text, told, remedy),))
    if (counted := admin.counters(client)) is None:
        note = Finding("admin-server", "note", "it counts no loads: it is older than 12.2")
        return Look("admin-server", "ready", (note,))
    told_loads = f"ready, {counted.finished:g} loads finished and {counted.failed:g} failed"
    return Look("admin-server", told_loads)


def without_database(met: Met, why: str) -> tuple[Look, ...]:
    """What can be said of gateway and cache where nobody knows what should be in it."""
    return (_gateway(met, ()), unseen("cache", why), unseen("instances", why))


def beside(met: Met, surface: Surface, channel: str) -> tuple[Look, ...]:
    """The server's cache beside what its database has: what is in front, stale, or differs."""
    any_keys = named_takes_any_keys(met.identity.version)
    expectation = expected(surface, THE_DATABASE, typed=False, any_keys=any_keys)
    schema = surface.schemas[0] if surface.schemas else ""
    survey = Survey(
        met.client,
        met.identity.dialect,
        expectation,
        options_of_relations=server.options_of_relations(met.client, schema),
        options_of_functions=server.options_of_functions(met.client, schema),
    )
    rounds: list[Round] = []
    try:
        survey.approach()
        for _ in range(ROUNDS):
            rounds.append(survey.cache_side())
            met.client.next_round()
    except NotObserved as error:
        finding = Finding("gateway", "broken", str(error), remedy=error.hint)
        return (_gateway(met, (finding,)), *_unproven())
    if in_place := _in_place(rounds):
        return (_gateway(met, in_place), *_unproven())
    return (
        _gateway(met, ()),
        *_compared(survey, rounds, f"notify {quoted(channel)}, 'reload schema';"),
    )


def _unproven() -> tuple[Look, Look]:
    why = "the answers are not the server's own: see gateway"
    return unseen("cache", why), unseen("instances", why)


def _in_place(rounds: list[Round]) -> tuple[Finding, ...]:
    """What something in front answers in the server's place."""
    nonsense = next((one.accepted_nonsense for one in rounds if one.accepted_nonsense), "")
    if nonsense:
        text = "something in front answers in PostgREST's place: a name that cannot exist is there"
        return (Finding("gateway", "broken", text, (nonsense,), STRAIGHT),)
    kept = [facts for one in rounds for facts in one.facts.values() if facts.note == KEPT]
    if kept:
        text = "something in front keeps answers: a request got the answer to another one"
        remedy = f"let it keep none of this API, or {STRAIGHT}"
        return (Finding("gateway", "broken", text, kept[0].told, remedy),)
    return ()


def _gateway(met: Met, findings: tuple[Finding, ...]) -> Look:
    if not met.takes_profiles:
        text = "the headers Accept-Profile and Content-Profile do not get through"
        told = ("GET of a schema that cannot exist: not refused",)
        findings = (*findings, Finding("gateway", "risk", text, told, STRAIGHT))
    seen = f"the Server header says {met.behind}" if met.behind else "PostgREST answers itself"
    return Look("gateway", seen, findings)


def _compared(survey: Survey, rounds: list[Round], reload: str) -> tuple[Look, Look]:
    seen = {item: [one.facts[item].cached for one in rounds] for item in rounds[0].facts}
    stale = [
        item
        for item, answers in seen.items()
        if set(answers) == {False} and _is_missing_alone(survey, item)
    ]
    flapping = [item for item, answers in seen.items() if {True, False} <= set(answers)]
    proven = sum(set(answers) == {True} for answers in seen.values())
    findings: tuple[Finding, ...] = ()
    if stale:
        text = f"the cache lacks {_named(stale)}, which the database has"
        told = rounds[0].facts[stale[0]].told
        findings = (Finding("cache", "broken", text, told, reload),)
    cache = Look("cache", f"{proven} of {len(seen)} items seen in it", findings)
    findings = ()
    if flapping:
        whole = [one.relation if isinstance(one, Column) else one for one in flapping]
        text = f"several servers answer, and not all have all of {_named(whole)}"
        told = rounds[0].facts[flapping[0]].told + rounds[1].facts[flapping[0]].told
        findings = (Finding("instances", "broken", text, told, reload),)
    return cache, Look("instances", f"{len(rounds)} connections answered alike", findings)


def _is_missing_alone(survey: Survey, item: Item) -> bool:
    """The columns of a relation are asked for together: one that lacks makes all of them red."""
    if not isinstance(item, Column):
        return True
    return survey.only(item).glance(item).facts[item].cached is False


def _named(items: Sequence[Item]) -> str:
    each = tuple(dict.fromkeys(map(str, items)))
    rest = len(each) - NAMED
    return ", ".join(each[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
