"""What is wrong with a set-up, by the state of its database: one rule for each subject.

The doctor and the diagnosis of a closed gate find by the same rules, so they say the same of the
same. What the user that looked may not see is no finding. Pure: no question is put here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final, Literal

from pgrst_gate.findings import Finding
from pgrst_gate.health.settings import altered, in_force, seconds
from pgrst_gate.health.triggers import covers, notifies
from pgrst_gate.health.values import Health, Setting, Trigger
from pgrst_gate.schema import quoted

Subject = Literal["schemas", "listener", "event-triggers", "timeouts", "foreign-tables"]
"""Each has a section in docs/doctor.md."""

BREAK_LOADS: Final[frozenset[Subject]] = frozenset({"schemas", "timeouts", "foreign-tables"})
"""What can make a load of the schema cache fail."""
STUCK: Final = 0.5
"""How full the queue of notifications is when PostgreSQL itself begins to warn."""


def schemas(health: Health, exposed: Iterable[str]) -> Iterator[Finding]:
    """Exposed schemas must exist: from 13 on no load succeeds without (PostgREST #3644)."""
    for name in sorted((health.missing or frozenset()).intersection(exposed)):
        yield Finding(
            "schemas",
            "broken",
            f"schema {name} is exposed and does not exist",
            (f"database: pg_namespace has no {name}",),
            f"create schema {quoted(name)};",
        )


def foreign_tables(health: Health) -> Iterator[Finding]:
    """One whose wrapper has no handler makes every load fail."""
    for one in health.unhandled or ():
        yield Finding(
            "foreign-tables",
            "broken",
            f"foreign table {one.relation} breaks each load of the schema cache: its wrapper"
            f" {one.wrapper} has no handler",
            (f"database: server {one.server}, wrapper {one.wrapper}, fdwhandler 0",),
            f"drop foreign table {one.relation};",
        )


def loaders(health: Health) -> tuple[str, ...]:
    """The roles that PostgREST loads as: its sessions' users, or else the usual name."""
    sessions = health.listening.sessions if health.listening else ()
    users = sorted({one.user for one in sessions if one.is_postgrest})
    return tuple(users) or ("authenticator",)


def timeouts(health: Health, read_seconds: float, *, met: bool = False) -> Iterator[Finding]:
    """The statement_timeout of PostgREST's own role bounds the load of the schema cache too.

    ``read_seconds`` is what reading the same catalog took just now; ``met``: the server says that a
    load ended by its timeout, however fast it goes from here.
    """
    for user in loaders(health):
        found = in_force(health.settings or (), "statement_timeout", user)
        limit = seconds(found.value) if found else None
        if not found or not limit or not (met or read_seconds >= limit):
            continue
        enough = ceil(max(4 * read_seconds, 4 * limit if met else 0.0))
        literal = "'" + user.replace("'", "''") + "'"
        yield Finding(
            "timeouts",
            "risk",
            f"the next load of the schema cache may fail: {user} has {limit:g} s for a statement,"
            f" and reading the catalog took {read_seconds:.3g} s from here",
            (_set_by(found),),
            f"{altered(user, found)} set statement_timeout = '{enough}s';\n"
            f"select pg_terminate_backend(pid) from pg_stat_activity where usename = {literal};",
        )


def _set_by(setting: Setting) -> str:
    of = " and ".join(filter(None, [setting.role, setting.database])) or "all roles"
    return f"database: pg_db_role_setting of {of}: {setting.name}={setting.value}"


def listener(health: Health, channel: str) -> Iterator[Finding]:
    """A reload by NOTIFY arrives only where a session listens, and the queue is not full."""
    heard = health.listening
    if heard is None:
        return
    if heard.queue > STUCK:
        text = f"the queue of notifications is {heard.queue:.0%} full, and a full one refuses more"
        told = (f"database: pg_notification_queue_usage() is {heard.queue:.2g}",)
        stuck = "select pid, usename, xact_start from pg_stat_activity order by xact_start;"
        yield Finding("listener", "risk", text, told, stuck)
    channels = {one.channel for one in heard.sessions}
    if channel in channels or None in channels:
        return
    connected = sum(one.is_postgrest for one in heard.sessions)
    yield Finding(
        "listener",
        "risk",
        f"nobody listens on channel {channel}: a reload by NOTIFY is lost",
        (f"database: {connected} sessions of PostgREST in pg_stat_activity, none with LISTEN",),
        "PGRST_DB_CHANNEL_ENABLED=true, and a db-uri that is no transaction pooler",
    )


def event_triggers(health: Health, channel: str, commands: Iterable[str]) -> Iterator[Finding]:
    """Triggers that have PostgREST reload, but not after these commands, or not at all.

    Where there are none nobody relies on them.
    """
    ours = [one for one in health.triggers or () if notifies(one, channel)]
    asleep = [one for one in ours if not one.awake]
    for one in asleep:
        state = "disabled" if one.enabled == "disabled" else "for replicas only"
        yield Finding(
            "event-triggers",
            "risk",
            f"event trigger {one.name}, which notifies {channel}, is {state}",
            (f"database: pg_event_trigger {one.name}, enabled {one.enabled}",),
            f"alter event trigger {quoted(one.name)} enable;",
        )
    missed = [command for command in commands if ours and not _is_seen(command, ours)]
    if missed and not asleep:
        names = ", ".join(one.name for one in ours)
        yield Finding(
            "event-triggers",
            "risk",
            f"no event trigger notifies {channel} after {', '.join(missed)}",
            (f"database: {names}, by its event, its tags, and those in its function",),
            f"notify {quoted(channel)}, 'reload schema';",
        )


def _is_seen(command: str, triggers: Iterable[Trigger]) -> bool:
    """Whether one of the triggers acts after the command. One of `sql_drop` sees drops alone."""
    return any(
        covers(one, command)
        or (one.awake and one.event == "sql_drop" and not one.tags and command.startswith("DROP"))
        for one in triggers
    )
