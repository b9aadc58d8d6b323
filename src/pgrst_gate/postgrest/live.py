"""Reads the surface of a running API: from its schema cache where that is shown, else described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pgrst_gate.errors import NotObserved
from pgrst_gate.postgrest import cached, described, questions, server
from pgrst_gate.postgrest.answers import told
from pgrst_gate.postgrest.client import DOCUMENT_BYTES, Client
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.surface import Surface

_SCHEMA_CACHE: Final = Question("GET", "/schema_cache")


def read_surface(client: Client, admin: Client | None, schemas: Sequence[str]) -> Surface:
    """The surface of these schemas, or of all that the API exposes.

    Raises `NotObserved` when the API cannot be asked, is no PostgREST, or does not show it.
    """
    question, answer = server.first_answer(client, schemas[0] if schemas else "")
    server.identify(client, question, answer)
    found = tuple(schemas) or server.exposed_schemas(client)
    if not found:
        raise NotObserved(
            f"{client.url} does not say which schemas it exposes", hint="name them by --schema"
        )
    if admin:
        return _cached(admin, found)
    return described.surface({schema: _document(client, schema) for schema in found})


def cached_surface(admin: Client, schemas: Sequence[str]) -> Surface | None:
    """The surface as the schema cache has it; None where the admin server does not show it."""
    answer = admin.ask(_SCHEMA_CACHE, most=DOCUMENT_BYTES)
    return cached.surface(answer.json, schemas) if answer.succeeded else None


def _cached(admin: Client, schemas: Sequence[str]) -> Surface:
    answer = admin.ask(_SCHEMA_CACHE, most=DOCUMENT_BYTES)
    found = cached.surface(answer.json, schemas) if answer.succeeded else None
    if found is None:
        said = "in no shape that is known" if answer.succeeded else told(_SCHEMA_CACHE, answer)
        raise NotObserved(
            f"the admin server at {admin.url} does not show the schema cache: {said}",
            hint="it does from PostgREST 12.2 on, once a cache is loaded; without --admin-url the"
            " API's description is read, which shows less",
        )
    return found


def _document(client: Client, schema: str) -> Any:  # noqa: ANN401 - a foreign document
    question = questions.description(schema)
    answer = client.ask(question, most=DOCUMENT_BYTES)
    document = answer.json if answer.succeeded else None
    if not isinstance(document, dict) or "swagger" not in document:
        raise NotObserved(
            f"the API does not describe its schema {schema}: {told(question, answer)}",
            hint="give its --admin-url, or compare its database; on Supabase the description takes"
            " a secret key, and openapi-mode must not be disabled",
            cause="unauthorized" if answer.status in {401, 403} else "unreachable",
        )
    return document
