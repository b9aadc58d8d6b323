"""The state of a database, read in one transaction that changes nothing.

It takes no more than CONNECT. What this user may not see is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, LiteralString, TypeVar

from pgrst_gate.database import connected
from pgrst_gate.errors import NotObserved
from pgrst_gate.health import (
    asking,
    listening,
    roles,
    routines,
    schemas,
    settings,
    tables,
    triggers,
    unhandled,
)
from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Health

__all__ = ["USUAL_ROLES", "Health", "read"]

USUAL_ROLES: Final = ("anon", "authenticated", "service_role", "authenticator")
"""Supabase's, and the names that most others use."""

Found = TypeVar("Found")


def read(database_url: str, exposed: Sequence[str], role_names: Iterable[str] = ()) -> Health:
    """The state of the database, as far as these schemas and roles are concerned.

    Besides the roles that are named it is about `USUAL_ROLES`, the role of requests without a
    token where the database holds it, and the users of sessions that call themselves PostgREST.
    Raises `NotObserved` where the database refuses or does not answer.
    """
    with connected(database_url, "examined", NotObserved) as connection, connection.transaction():
        connection.execute(asking.LIMITS)

        def found(
            query: LiteralString, read: Callable[[Rows], Found], names: Sequence[str] = ()
        ) -> Found | None:
            about = {"schemas": list(exposed), "roles": list(names)}
            rows = asking.asked(connection, query, about)
            return None if rows is None else read(rows)

        heard = found(listening.QUERY, listening.listening)
        users = [one.user for one in heard.sessions if one.is_postgrest] if heard else []
        told = found(settings.QUERY, settings.settings)
        unnamed = filter(None, [settings.anonymous(told)])
        names = tuple(dict.fromkeys([*role_names, *USUAL_ROLES, *unnamed, *users]))
        usage = found(schemas.QUERY, schemas.usage, names)
        return Health(
            schemas=tuple(exposed),
            missing=None if usage is None else frozenset(exposed) - usage.keys(),
            usage=usage,
            roles=found(roles.QUERY, roles.roles, names),
            tables=found(tables.QUERY, tables.tables, names),
            routines=found(routines.QUERY, routines.routines, names),
            listening=heard,
            settings=told,
            unhandled=found(unhandled.QUERY, unhandled.unhandled),
            triggers=found(triggers.QUERY, triggers.triggers),
        )
