"""The examination on one screen: what was given is looked at, and nothing is changed anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pgrst_gate import health, localhost
from pgrst_gate.database import connected
from pgrst_gate.doctor import database, migrations, reachability, server
from pgrst_gate.doctor.looks import SUBJECTS, Examination, Look, Subject, refused, unseen
from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.expectations.catalog import configured_schemas, timed_surface
from pgrst_gate.expectations.migrations.layouts import Layout
from pgrst_gate.expectations.sources import DEFAULT_SCHEMA
from pgrst_gate.postgrest.client import Client, Credentials
from pgrst_gate.watch import counted

_OF_SERVER: tuple[Subject, ...] = ("server", "gateway", "cache", "instances")
_OF_DATABASE: tuple[Subject, ...] = SUBJECTS[
    SUBJECTS.index("database") : SUBJECTS.index("migration-versions")
]


@dataclass(frozen=True, slots=True)
class Where:
    """What is to be looked at, as it was given; empty for what was not."""

    url: str
    admin_url: str
    schema: tuple[str, ...]
    api_key: str = field(repr=False)
    token: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    database_url: str = field(repr=False)
    db_channel: str
    migrations: str
    migrations_layout: Layout


def examine(where: Where) -> Examination:
    """Look at all that was given. Raises `UsageError` where there is nothing to look at."""
    if not (where.url or where.database_url or Path(where.migrations).is_dir()):
        raise UsageError(
            "there is nothing to look at", hint="give `--url`, `--database-url` or `--migrations`"
        )
    with ExitStack() as closing:
        api = _Api(where, closing)
        given = {"url": where.url, "database-url": where.database_url}
        looks = [
            reachability.examined({name: url for name, url in given.items() if url}),
            *api.looks,
            *_database(where, api),
            *migrations.examined(
                Path(where.migrations), where.migrations_layout, where.database_url
            ),
        ]
    return Examination(tuple(sorted(looks, key=lambda one: SUBJECTS.index(one.subject))))


class _Api:
    """The server, as far as it answers."""

    def __init__(self, where: Where, closing: ExitStack) -> None:
        self.met: server.Met | None = None
        self.looks: list[Look] = []
        if where.admin_url:
            admin = closing.enter_context(Client(where.admin_url, Credentials()))
            self.looks.append(server.admin_server(admin))
        else:
            self.looks.append(unseen("admin-server", "no admin-url was given"))
        if not where.url:
            self.looks += [unseen(one, "no url was given") for one in _OF_SERVER]
            return
        credentials = Credentials(where.api_key, where.token, where.headers)
        url = localhost.from_inside(where.url) or where.url
        client = closing.enter_context(Client(url, credentials, connections=1))
        try:
            self.met = server.meet(client, where.schema)
        except (NotObserved, UsageError) as error:
            hint = localhost.hint(where.url) or error.hint
            self.looks.append(refused("server", NotObserved(str(error), hint=hint)))
            self.looks += [unseen(one, "the server did not answer") for one in _OF_SERVER[1:]]
        else:
            self.looks.append(server.server_seen(self.met))


def _database(where: Where, api: _Api) -> list[Look]:
    """What the database has, and whether the server has the same."""
    if not where.database_url:
        why = "no database-url was given"
        looks = [unseen(one, why) for one in _OF_DATABASE]
        return looks if api.met is None else [*looks, *server.without_database(api.met, why)]
    try:
        exposed = where.schema or (api.met.schemas if api.met else ()) or _configured(where)
        state = health.read(where.database_url, exposed)
        existing = [name for name in exposed if name not in (state.missing or ())]
        with connected(where.database_url, "examined", NotObserved) as connection:
            surface, read_seconds = timed_surface(connection, existing)
    except NotObserved as error:
        why = "the database did not answer"
        looks = [refused("database", error), *(unseen(one, why) for one in _OF_DATABASE[1:])]
        return looks if api.met is None else [*looks, *server.without_database(api.met, why)]
    there = counted(len(surface.relations), "relation")
    looks = [
        Look("database", f"{there} and {counted(len(surface.functions), 'function')}"),
        *database.examined(state, where.db_channel, read_seconds),
    ]
    return (
        looks if api.met is None else [*looks, *server.beside(api.met, surface, where.db_channel)]
    )


def _configured(where: Where) -> tuple[str, ...]:
    with connected(where.database_url, "examined", NotObserved) as connection:
        return configured_schemas(connection) or (DEFAULT_SCHEMA,)
