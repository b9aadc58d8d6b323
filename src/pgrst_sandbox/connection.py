"""A connection to PostgreSQL on bare libpq, as PostgREST has it: its errors are libpq's own words.

A list of statements travels in one pipeline, which PostgreSQL runs as one transaction: one round
trip for the settings of a request and its query.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from psycopg import OperationalError, pq
from psycopg.pq import abc

_NO_CONNECTION: Final = "no connection to the server\n"


class DatabaseError(Exception):
    """PostgreSQL answered with an error: SQLSTATE, message, and what else it says."""

    def __init__(
        self, sqlstate: str, message: str, details: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate, self.message, self.details, self.hint = sqlstate, message, details, hint


class ConnectFailed(Exception):
    """No connection could be made. The argument is libpq's text."""


class ConnectionLost(Exception):
    """The connection was gone before PostgreSQL answered. The argument is libpq's text."""


Trouble = DatabaseError | ConnectFailed | ConnectionLost
TROUBLE: Final = (DatabaseError, ConnectFailed, ConnectionLost)
"""What can go wrong between PostgREST and PostgreSQL, for `except`."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `$1`-style parameters, in text format. `prepared`: parse it once a connection."""

    sql: bytes
    parameters: tuple[bytes | None, ...] = ()
    prepared: bool = False


class Connection:
    """One connection, for one user at a time."""

    def __init__(self, pgconn: abc.PGconn) -> None:
        self._pgconn = pgconn
        self._prepared: dict[bytes, bytes] = {}
        self._names = itertools.count()

    @classmethod
    async def open(cls, conninfo: str) -> Self:
        """Connect. Raises ConnectFailed."""
        pgconn = pq.PGconn.connect_start(conninfo.encode())
        while True:
            if pgconn.status == pq.ConnStatus.BAD:
                raise ConnectFailed(pgconn.error_message.decode())
            match pgconn.connect_poll():
                case pq.PollingStatus.OK:
                    break
                case pq.PollingStatus.READING:
                    await _readable(pgconn.socket)
                case pq.PollingStatus.WRITING:
                    await _writable(pgconn.socket)
                case _:
                    raise ConnectFailed(pgconn.error_message.decode())
        pgconn.nonblocking = 1
        pgconn.enter_pipeline_mode()
        return cls(pgconn)

    @property
    def alive(self) -> bool:
        """Whether libpq still thinks it is connected. It finds out only when it is used."""
        return self._pgconn.status == pq.ConnStatus.OK

    @property
    def address(self) -> str:
        """Where the server is, as `"host:port"`."""
        return f"{self._pgconn.host.decode()}:{self._pgconn.port.decode()}"

    def close(self) -> None:
        """Hang up."""
        self._pgconn.finish()

    async def run(self, statements: Sequence[Statement]) -> list[abc.PGresult]:
        """Run all of them in one transaction; one result each.

        Raises DatabaseError for the first that fails, then nothing was committed, and
        ConnectionLost.
        """
        if not self.alive:
            raise ConnectionLost(_NO_CONNECTION)
        pgconn = self._pgconn
        new = [sql for statement in statements if (sql := self._send(statement)) is not None]
        pgconn.pipeline_sync()
        while pgconn.flush():
            await _writable(pgconn.socket)
        try:
            return await self._results()
        except DatabaseError:
            for sql in new:  # whether they got as far as being prepared is not known
                del self._prepared[sql]
            raise

    def _send(self, statement: Statement) -> bytes | None:
        """Put a statement into the pipeline; its SQL if that has to be prepared first."""
        if not statement.prepared:
            self._pgconn.send_query_params(statement.sql, statement.parameters)
            return None
        name = self._prepared.get(statement.sql)
        is_new = name is None
        if name is None:
            name = self._prepared[statement.sql] = b"s%d" % next(self._names)
            self._pgconn.send_prepare(name, statement.sql)
        self._pgconn.send_query_prepared(name, statement.parameters)
        return statement.sql if is_new else None

    async def _results(self) -> list[abc.PGresult]:
        results: list[abc.PGresult] = []
        error: DatabaseError | None = None
        while True:
            result = await self._next()
            if result is None:
                continue
            match result.status:
                case pq.ExecStatus.PIPELINE_SYNC:
                    break
                case pq.ExecStatus.TUPLES_OK:
                    results.append(result)
                case pq.ExecStatus.FATAL_ERROR:
                    error = error or _error(result)
                    if result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) == b"FATAL":
                        self._notice_the_end()
                        break
                case _:
                    pass  # a prepared statement, or one skipped after an error
        if error is not None:
            raise error
        return results

    async def notification(self) -> str:
        """Wait for the next NOTIFY on a channel listened to; its payload. Raises ConnectionLost."""
        while (notify := self._pgconn.notifies()) is None:
            await self._receive()
        return notify.extra.decode()

    async def _next(self) -> abc.PGresult | None:
        while self._pgconn.is_busy():
            await self._receive()
        return self._pgconn.get_result()

    async def _receive(self) -> None:
        await _readable(self._pgconn.socket)
        try:
            self._pgconn.consume_input()
        except OperationalError as error:
            raise ConnectionLost(self._pgconn.error_message.decode()) from error

    def _notice_the_end(self) -> None:
        """After a FATAL error the server has hung up: have libpq see it."""
        with contextlib.suppress(OperationalError):
            while self.alive:
                self._pgconn.consume_input()


def _error(result: abc.PGresult) -> DatabaseError:
    def field(which: pq.DiagnosticField) -> str | None:
        value = result.error_field(which)
        return None if value is None else value.decode()

    return DatabaseError(
        field(pq.DiagnosticField.SQLSTATE) or "",
        field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message.decode(),
        field(pq.DiagnosticField.MESSAGE_DETAIL),
        field(pq.DiagnosticField.MESSAGE_HINT),
    )


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(descriptor, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(descriptor, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
