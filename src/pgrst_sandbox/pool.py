"""A pool of connections that keeps and drops them as PostgREST's does."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from psycopg.pq import abc

from pgrst_sandbox.connection import Connection, DatabaseError, Statement

_MAX_IDLE_SECONDS: Final = 30


class Pool:
    """At most `size` connections, most recently used first, opened when needed."""

    def __init__(self, conninfo: str, size: int) -> None:
        self._conninfo = conninfo
        self._free = asyncio.Semaphore(size)
        self._idle: list[tuple[Connection, float]] = []
        self._generation = 0

    async def run(self, statements: Sequence[Statement]) -> list[abc.PGresult]:
        """`Connection.run` on a pooled connection. Raises ConnectFailed too.

        As with PostgREST, a connection that answered with an error stays in the pool, even when the
        error was that it is being closed; the one who gets it next meets ConnectionLost.
        """
        async with self._free:
            generation = self._generation
            connection = self._take() or await Connection.open(self._conninfo)
            keep = False
            try:
                results = await connection.run(statements)
                keep = True
            except DatabaseError:
                keep = True
                raise
            finally:
                if keep and generation == self._generation:
                    self._idle.append((connection, time.monotonic()))
                else:
                    connection.close()
            return results

    def flush(self) -> None:
        """Close what is idle now, and what is in use as soon as it is given back."""
        self._generation += 1
        for connection, _ in self._idle:
            connection.close()
        self._idle.clear()

    def _take(self) -> Connection | None:
        while self._idle:
            connection, since = self._idle.pop()
            if time.monotonic() - since < _MAX_IDLE_SECONDS:
                return connection
            connection.close()
        return None
