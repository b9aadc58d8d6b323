"""Listen for NOTIFY on a connection of its own, and reload when told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, NoReturn

from psycopg.conninfo import make_conninfo

from pgrst_sandbox.connection import TROUBLE, Connection, Statement, Trouble
from pgrst_sandbox.loader import FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS, reload_config
from pgrst_sandbox.log import compact, say
from pgrst_sandbox.selection import quoted
from pgrst_sandbox.state import State

_VERSION: Final = Statement(b"select version()")


async def keep_listening(state: State) -> NoReturn:
    """Listen for ever, and have the cache loaded when the connection was lost meanwhile."""
    if state.dialect.connects_before_load:
        await _listen_after_loads(state)
    await _listen_by_itself(state)


async def _listen_after_loads(state: State) -> NoReturn:
    """Ask for a load when the connection is lost, and come back when that found the database."""
    while True:
        await state.connected.wait()
        state.connected.clear()
        try:
            async with _connection(state) as connection:
                await _obey(state, connection)
        except TROUBLE as error:
            _lose(state, error)
            state.want_load()


async def _listen_by_itself(state: State) -> NoReturn:
    """Come back after growing pauses, and ask for a load if more than one was needed."""
    delay, retried = FIRST_DELAY_SECONDS, False
    while True:
        try:
            async with _connection(state) as connection:
                if retried:
                    state.want_load()
                delay, retried = FIRST_DELAY_SECONDS, False
                await _obey(state, connection)
        except TROUBLE as error:
            _lose(state, error)
        say(state.dialect.wording.listens_again.format(milliseconds=delay * 1000))
        await asyncio.sleep(delay)
        delay, retried = min(2 * delay, LAST_DELAY_SECONDS), True


@contextlib.asynccontextmanager
async def _connection(state: State) -> AsyncIterator[Connection]:
    conninfo, channel = state.config.db_uri, state.config.db_channel
    if state.dialect.seeks_primary:  # a standby refuses LISTEN
        conninfo = make_conninfo(conninfo, target_session_attrs="read-write")
    listen = Statement(f"LISTEN {quoted(channel)}".encode())
    with contextlib.closing(await Connection.open(conninfo)) as connection:
        version = (await connection.run([_VERSION, listen]))[0].get_value(0, 0) or b""
        state.listening = True
        say(
            state.dialect.wording.listens.format(
                postgres=version.decode(), address=connection.address, channel=channel
            )
        )
        yield connection


def _lose(state: State, error: Trouble) -> None:
    state.listening = False
    text = str(error)
    say(
        state.dialect.wording.listens_no_more.format(
            channel=state.config.db_channel, error=text.rstrip(), shown=compact(text)
        )
    )


async def _obey(state: State, connection: Connection) -> NoReturn:
    channel, wording = state.config.db_channel, state.dialect.wording
    while True:
        match await connection.notification():
            case "" | "reload schema":
                say(wording.told_to_reload.format(channel=channel))
                state.want_load()
            case "reload config":
                say(wording.told_to_reread.format(channel=channel))
                await reload_config(state)
            case _:
                pass  # PostgREST ignores what it does not know, without a word
