"""Before anything is sent: who answers at the URL, and what can be asked there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from pgrst_gate import localhost
from pgrst_gate.errors import NotObserved, NotRefreshed
from pgrst_gate.expectations.sources import gathered
from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.plan import Plan
from pgrst_gate.postgrest import server
from pgrst_gate.postgrest.admin import counters
from pgrst_gate.postgrest.answers import Answer, obstacle
from pgrst_gate.postgrest.client import CONNECTIONS, Client, Credentials
from pgrst_gate.postgrest.live import cached_surface
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.postgrest.server import Identity
from pgrst_gate.postgrest.survey import Survey
from pgrst_gate.postgrest.versions import NEWEST_SEEN
from pgrst_gate.report import Server
from pgrst_gate.schema import Column, Expectation, Function, Relation
from pgrst_gate.supabase.addresses import local_admin_url
from pgrst_gate.supabase.management import Management
from pgrst_gate.verdicts import Cause

COMING_UP_SECONDS: Final = 10.0
"""How long a server may refuse connections before it counts as down: it may just be starting."""
WRONG_HOST_SECONDS: Final = 2.0
"""The same for `localhost` in a container, where hardly anything can be starting."""
FAR_HINT: Final = (
    "it was asked through SSH, on the machine that `host` names: is it up there, and at this port?"
    " sshd must allow AllowTcpForwarding"
)


@dataclass(frozen=True, slots=True)
class Api:
    """The API that was met."""

    client: Client
    identity: Identity
    survey: Survey
    schema: str
    """The profile of requests that name no schema; empty leaves it to the server."""
    forwards: Mapping[str, str]
    """As `Plan.forwards`."""
    exposed: tuple[str, ...]
    """The schemas that the server said it exposes; empty where it did not."""


def meet(plan: Plan, journal: Journal, closing: ExitStack) -> Api:
    """Find out who answers at `url` and how to ask it.

    Raises `NotObserved` when it does not answer, refuses the key, or is not a PostgREST.
    """
    inputs = plan.inputs
    client = closing.enter_context(_client(inputs.url, inputs, plan.forwards, journal))
    schema = inputs.schema[0] if inputs.schema else ""
    question, answer = _first_answer(client, schema, inputs.url, inputs, journal)
    identity = server.identify(client, question, answer)
    management = _management(inputs, closing)
    exposed = server.exposed_schemas(client)
    schemas = _schemas(exposed, inputs, management, journal)
    schema = schemas[0] if schemas else ""
    journal.server = Server(client.url, identity.version_text, identity.told_by, schemas)
    journal.note(
        "preflight",
        f"{client.url} is PostgREST {identity.version_text} (told by {identity.told_by}),"
        f" schema {schema or 'not told'}",
    )
    if identity.version and identity.version[0] > NEWEST_SEEN:
        text = f"PostgREST {identity.version_text} is newer than any this gate was tried with"
        journal.note("preflight", text, "warning")
    plan = _with_admin(plan, client, journal)
    admin_url = plan.inputs.admin_url
    via = plan.forwards.get(admin_url, "")
    admin = closing.enter_context(Client(admin_url, Credentials(), via=via)) if admin_url else None
    expectation = gathered(
        plan,
        schemas,
        identity.version,
        lambda text: journal.note("preflight", text),
        lambda asked: cached_surface(admin, asked) if admin else None,
    )
    survey = _survey(client, identity, expectation, admin, schema)
    if management:
        survey = replace(survey, elsewhere=management.description)
    return Api(client, identity, survey, schema, plan.forwards, exposed or ())


def _with_admin(plan: Plan, api: Client, journal: Journal) -> Plan:
    """The plan, with the admin server that `supabase start` publishes where none is named."""
    near = localhost.is_near(urlsplit(api.url).hostname or "") and not api.via
    found = local_admin_url(api.url) if near and not plan.inputs.admin_url else ""
    if not found:
        return plan
    with Client(found, Credentials()) as client:
        if counters(client) is None:
            return plan
    journal.note("preflight", f"taking the admin server at {found}, which answers beside the API")
    return replace(plan, inputs=replace(plan.inputs, admin_url=found))


def meet_elsewhere(
    api: Api, url: str, inputs: Inputs, journal: Journal, closing: ExitStack
) -> Survey:
    """How to ask another address of the same API for the same items.

    Types are read from the cache that `admin-url` shows, whosever that is. Raises as `meet`.
    """
    client = closing.enter_context(_client(url, inputs, api.forwards, journal))
    question, answer = _first_answer(client, api.schema, url, inputs, journal)
    identity = server.identify(client, question, answer)
    return _survey(client, identity, api.survey.expectation, api.survey.admin, api.schema)


def _client(url: str, inputs: Inputs, forwards: Mapping[str, str], journal: Journal) -> Client:
    """A client of the API at an address as it was given."""
    via = forwards.get(url, "")
    return client_of(url if via else _reachable(url, journal), inputs, via)


def client_of(url: str, inputs: Inputs, via: str = "") -> Client:
    """A client of the API at an address, which need not answer yet; the caller closes it."""
    credentials = Credentials(inputs.api_key, inputs.token, inputs.headers)
    # With several rounds to be good, each is one connection's, so that a balancer deals out rounds.
    connections = 1 if inputs.consecutive > 1 else CONNECTIONS
    return Client(url, credentials, connections=connections, via=via)


def _management(inputs: Inputs, closing: ExitStack) -> Management | None:
    """The Management API of the hosted project that the inputs name, where they open it."""
    if not (inputs.project_ref and inputs.access_token):
        return None
    found = Management(
        inputs.project_ref, inputs.access_token, inputs.supabase_api_url, patience=inputs.timeout
    )
    closing.callback(found.close)
    return found


def _schemas(
    exposed: tuple[str, ...] | None,
    inputs: Inputs,
    management: Management | None,
    journal: Journal,
) -> tuple[str, ...]:
    """The schemas to ask in: those given, or else the first that the server exposes.

    All of them where expectations are derived. Those that a project is configured to expose stand
    in for what the server does not say.
    """
    if exposed is None and inputs.schema:
        raise NotObserved(
            "a schema that cannot exist was accepted, so `schema` would choose nothing",
            hint="something between here and PostgREST drops the headers Accept-Profile and"
            " Content-Profile: use the address of PostgREST itself, or leave `schema` out",
            cause="not-postgrest",
        )
    if inputs.schema:
        return inputs.schema
    if not exposed:
        # Where the headers that name a schema are dropped the first one answers, whatever is asked.
        configured = _configured_schemas(management, journal) if management else ()
        return configured[:1]
    return exposed if set(inputs.expect_from) - {"config"} else exposed[:1]


def _configured_schemas(management: Management, journal: Journal) -> tuple[str, ...]:
    try:
        found = management.exposed_schemas()
    except NotRefreshed as error:
        text = f"the exposed schemas are not told: {error}; {error.hint}"
        journal.note("preflight", text, "warning")
        return ()
    journal.note("preflight", f"exposed by the project's configuration: {', '.join(found)}")
    return found


def _survey(
    client: Client, identity: Identity, expectation: Expectation, admin: Client | None, schema: str
) -> Survey:
    relations = any(isinstance(item, Relation | Column) for item in expectation.items)
    plain = any(isinstance(item, Function) and not item.arguments for item in expectation.items)
    ask_relations = relations and not identity.dialect.reads_are_planned
    return Survey(
        client,
        identity.dialect,
        expectation,
        admin,
        options_of_relations=not ask_relations or server.options_of_relations(client, schema),
        options_of_functions=not plain or server.options_of_functions(client, schema),
    )


def _reachable(url: str, journal: Journal) -> str:
    outside = localhost.from_inside(url)
    if outside is None:
        return url
    text = f"{url} is this container itself; asking its machine at {outside} instead"
    journal.note("preflight", text, "warning")
    return outside


def _first_answer(
    client: Client, schema: str, url: str, inputs: Inputs, journal: Journal
) -> tuple[Question, Answer]:
    """The first answer of a server, which is given a moment to come up; ``url`` as it was given."""
    hint = FAR_HINT if client.via else localhost.hint(url)
    patience = WRONG_HOST_SECONDS if hint and not client.via else COMING_UP_SECONDS
    give_up = time.monotonic() + min(patience, inputs.timeout)
    question, answer = server.first_answer(client, schema)
    if _is_down(answer):
        said = answer.failure or f"status {answer.status} of something in front of it"
        journal.note("preflight", f"{client.url} does not answer yet: {said}")
    while _is_down(answer) and time.monotonic() < give_up:
        time.sleep(0.1)
        question, answer = server.first_answer(client, schema)
    if answer.failure and hint:
        raise NotObserved(f"{client.url} does not answer: {answer.failure}", hint=hint)
    return question, answer


def _is_down(answer: Answer) -> bool:
    """Whether nobody answers, or a gateway does that finds no PostgREST behind it."""
    return obstacle(answer) is Cause.UNREACHABLE and not answer.code
