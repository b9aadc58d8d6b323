"""The process: ports, signals, and the tasks that keep it loaded and listening."""

import asyncio
import signal
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial

from psycopg.conninfo import make_conninfo

from pgrst_sandbox import admin, log
from pgrst_sandbox.answers import Response, preflight, refusal
from pgrst_sandbox.api import Execution, decide, execute
from pgrst_sandbox.config import Config
from pgrst_sandbox.connection import TROUBLE
from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.errors import ApiError, log_error, of_database
from pgrst_sandbox.http import Answer, Protocol
from pgrst_sandbox.listener import keep_listening
from pgrst_sandbox.loader import keep_loaded, reload_config
from pgrst_sandbox.log import say
from pgrst_sandbox.pool import Pool
from pgrst_sandbox.request import HttpRequest
from pgrst_sandbox.state import State

_UNAVAILABLE = 503
_LOGGED_FROM = {"crit": 1000, "error": 500, "warn": 400, "info": 0, "debug": 0}


async def serve(config: Config, dialect: Dialect) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when a port cannot be opened."""
    if dialect.names_connections:
        name = f"PostgREST {dialect.version}"
        config = replace(
            config, db_uri=make_conninfo(config.db_uri, fallback_application_name=name)
        )
    state = State(dialect, config, config, Pool(config.db_uri, config.db_pool))
    state.listening = not config.db_channel_enabled
    state.wanted.set()
    clients: set[Protocol] = set()
    servers: list[asyncio.Server] = []
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        _handle_signals(state, stopped, tasks)
        say(dialect.wording.starting.format(version=dialect.version))
        if config.admin_server_port is not None:
            address = config.admin_server_host, config.admin_server_port
            answer = partial(admin.answer, state=state)
            servers.append(await _listen(answer, dialect, address, clients))
            say(dialect.wording.admin_listening.format(host=address[0], port=address[1]))
        background = [tasks.create_task(keep_loaded(state))]
        background.append(tasks.create_task(_open_api(state, servers, clients)))
        if config.db_channel_enabled:
            background.append(tasks.create_task(keep_listening(state)))
        await stopped.wait()
        for server in servers:
            server.close()
        if dialect.drains_on_stop:
            await _drain(clients)
        for task in background:
            task.cancel()


async def _open_api(state: State, servers: list[asyncio.Server], clients: set[Protocol]) -> None:
    config, dialect = state.base_config, state.dialect
    if dialect.opens_api_after_first_load:
        await state.first_load.wait()
    address = config.server_host, config.server_port
    servers.append(await _listen(partial(_answer, state), dialect, address, clients))
    state.serving = True
    say(dialect.wording.listening.format(host=address[0], port=address[1]))


async def _drain(clients: set[Protocol]) -> None:
    waiting = list(clients)
    for client in waiting:
        client.finish()
    for client in waiting:
        await client.closed.wait()


async def _listen(
    answer: Answer, dialect: Dialect, address: tuple[str, int], clients: set[Protocol]
) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    header = f"Server: postgrest/{dialect.version}"
    return await loop.create_server(lambda: Protocol(answer, header, clients), *address)


def _handle_signals(state: State, stopped: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
    """SIGHUP keeps its default: it ends the process."""
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        say(state.dialect.wording.stopping.format(signal=name))
        stopped.set()

    loop.add_signal_handler(signal.SIGUSR1, state.want_load)
    loop.add_signal_handler(signal.SIGUSR2, lambda: tasks.create_task(reload_config(state)))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)


def _answer(state: State, http: HttpRequest) -> Response | Awaitable[Response]:
    if (response := preflight(http)) is not None:
        return response
    try:
        todo = decide(http, state.config, state.cache, state.dialect)
    except ApiError as error:
        return _refused(state, http, error)
    if isinstance(todo, Response):
        _log_access(state, http, todo, "")
        return todo
    return _execute(state, http, todo)


async def _execute(state: State, http: HttpRequest, todo: Execution) -> Response:
    try:
        response = await execute(todo, state.pool, state.dialect, state.config)
    except ApiError as error:
        return _refused(state, http, error, todo.caller.role)
    except TROUBLE as trouble:
        answer = of_database(trouble, state.dialect, anonymous=todo.caller.anonymous)
        return _refused(state, http, answer, todo.caller.role)
    _log_access(state, http, response, todo.caller.role)
    return response


def _refused(state: State, http: HttpRequest, error: ApiError, role: str = "") -> Response:
    """An error as an answer. One that says `unavailable` may ask for a reload."""
    dialect = state.dialect
    log_error(error, dialect.wording)
    if error.status == _UNAVAILABLE and (dialect.loads_when_unavailable or state.cache is not None):
        state.want_load()
    retry_after = state.back_off_seconds if dialect.retry_after_back_off else 0
    response = refusal(error, dialect, retry_after)
    _log_access(state, http, response, role or state.config.db_anon_role or "")
    return response


def _log_access(state: State, http: HttpRequest, response: Response, role: str) -> None:
    if response.status < _LOGGED_FROM.get(state.config.log_level, 0):
        return
    target = f"{http.path}?{http.query}" if http.query else http.path
    agent = http.headers.get("user-agent", "")
    request = f"{http.method} {target} HTTP/1.1"
    size = len(response.body) if state.dialect.wording.logs_size else "-"
    log.access("127.0.0.1", role, request, response.status, size, agent)
