"""Load the schema cache: on demand, one load at a time, again and again until one succeeds.

Lines, counters and back-off are those of `reload-*` and `failing-*` in tests/contract/recordings.
"""

import asyncio
import time
from typing import Final

from pgrst_sandbox import catalog
from pgrst_sandbox.connection import TROUBLE, Statement, Trouble
from pgrst_sandbox.errors import log_error, of_database
from pgrst_sandbox.log import say
from pgrst_sandbox.schema_cache import SchemaCache
from pgrst_sandbox.state import State
from pgrst_sandbox.wording import Wording

FIRST_DELAY_SECONDS: Final = 1
LAST_DELAY_SECONDS: Final = 32
_PAUSE_SECONDS: Final = 0.1
_MEDIA_HANDLERS: Final = 4
_TRYING_AGAIN: Final = "Attempting to reconnect to the database in {milliseconds} milliseconds..."

_VERSION: Final = Statement(b"select version()")
# Settings of the connected role, those for this database before those for all.
_SETTINGS: Final = Statement(
    b"""select split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
    from pg_db_role_setting, unnest(setconfig) as setting
    where setrole = current_user::regrole
      and setdatabase in (0, (select oid from pg_database where datname = current_database()))
      and setting like 'pgrst.%'
    order by setdatabase"""
)
_ROLE_SETTINGS: Final = Statement(
    b"""select r.rolname, unnest(s.setconfig)
    from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
    where pg_has_role(current_user, r.oid, 'MEMBER')"""
)


async def keep_loaded(state: State) -> None:
    """Load whenever it is wanted, for ever; at least 100 ms apart."""
    while True:
        await state.wanted.wait()
        state.wanted.clear()
        state.loading = True
        await _load_until_it_works(state)
        state.loading = False
        await asyncio.sleep(_PAUSE_SECONDS)


async def _load_until_it_works(state: State) -> None:
    delay = FIRST_DELAY_SECONDS
    while not await _load(state):
        if state.dialect.pauses_after_failed_load:
            await asyncio.sleep(delay)
            say(_TRYING_AGAIN.format(milliseconds=delay * 1000))
            delay = min(2 * delay, LAST_DELAY_SECONDS)


async def _load(state: State) -> bool:
    """One load with all its log lines; whether it succeeded."""
    dialect, wording = state.dialect, state.dialect.wording
    say(wording.begun.format(version=dialect.version))
    if dialect.connects_before_load:
        await _connect_at_last(state)
    else:
        await _connect(state)
    await reload_config(state)
    config = state.config
    begun = time.monotonic()
    try:
        answers = await catalog.ask(
            state.pool,
            config.db_schemas,
            dialect,
            sleep=config.query_sleep,
        )
    except TROUBLE as error:
        _fail(state, error)
        return False
    queried = time.monotonic()
    say(wording.queried.format(milliseconds=(queried - begun) * 1000))
    state.cache = await asyncio.to_thread(catalog.build, answers)
    state.first_load.set()
    if not dialect.flushes_before_load:
        state.pool.flush()
    say(_count(state.cache, wording))
    state.load_milliseconds = (time.monotonic() - queried) * 1000
    state.loaded = True
    state.count("SUCCESS")
    say(wording.loaded.format(milliseconds=state.load_milliseconds))
    return True


def _fail(state: State, error: Trouble) -> None:
    _say_failed(state, state.dialect.wording.not_loaded, error)
    state.loaded = False
    state.count("FAIL")
    if not state.dialect.keeps_cache_after_failed_load:
        state.cache = None


async def _connect_at_last(state: State) -> None:
    """Try until there is a connection. `Retry-After` meanwhile is the pause before the latest."""
    state.back_off_seconds, delay = 0, FIRST_DELAY_SECONDS
    while not await _connect(state):
        say(_TRYING_AGAIN.format(milliseconds=state.back_off_seconds * 1000))
        await asyncio.sleep(delay)
        state.back_off_seconds, delay = delay, min(2 * delay, LAST_DELAY_SECONDS)
    state.back_off_seconds = 0
    state.connected.set()


async def _connect(state: State) -> bool:
    """Whether the database answers."""
    if state.dialect.flushes_before_load:
        state.pool.flush()
    try:
        version = (await state.pool.run([_VERSION]))[0].get_value(0, 0) or b""
    except TROUBLE as error:
        _say_failed(state, state.dialect.wording.not_connected, error)
        return False
    connected = state.dialect.wording.connected
    say(connected.format(postgres=version.decode(), pool=state.config.db_pool))
    return True


async def reload_config(state: State) -> None:
    """Take over the settings that the database has for the connected role."""
    wording = state.dialect.wording
    try:
        rows = (await state.pool.run([_SETTINGS]))[0]
        found = {
            (rows.get_value(row, 0) or b"").decode().removeprefix("pgrst."): (
                rows.get_value(row, 1) or b""
            ).decode()
            for row in range(rows.ntuples)
        }
        state.config = state.base_config.overridden_by(found)
    except TROUBLE as error:
        _say_failed(state, wording.no_settings, error)
    try:
        await state.pool.run([_ROLE_SETTINGS])
    except TROUBLE as error:
        _say_failed(state, wording.no_role_settings, error)
    say("Config reloaded")


def _say_failed(state: State, template: str, trouble: Trouble) -> None:
    error = of_database(trouble, state.dialect)
    log_error(error, state.dialect.wording)
    say(template.format(error=error.body, schemas=",".join(state.config.db_schemas)))


def _count(cache: SchemaCache, wording: Wording) -> str:
    return wording.counted.format(
        relations=len(cache.relations),
        relationships=len(cache.relationships),
        functions=len(cache.functions),
        handlers=_MEDIA_HANDLERS,
        timezones=len(cache.timezones),
    )
