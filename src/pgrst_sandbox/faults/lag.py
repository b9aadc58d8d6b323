"""A replica that lags behind: what is loaded from it is an old schema."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg

from pgrst_sandbox.postgres import Postgres, standby

_CATCH_UP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Replica:
    """A standby of a primary. It follows at once unless it is held back."""

    primary: Postgres
    standby: Postgres

    def hold_back(self) -> None:
        """Apply nothing more of what the primary sends, until it catches up."""
        self._run("select pg_wal_replay_pause()")

    def catch_up(self) -> None:
        """Apply all that the primary has written so far. Raises TimeoutError."""
        with psycopg.connect(self.primary.dsn(), autocommit=True) as connection:
            written = connection.execute("select pg_current_wal_lsn()::text").fetchone()
        self._run("select pg_wal_replay_resume()")
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        while not self._run(f"select pg_last_wal_replay_lsn() >= '{written and written[0]}'"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the replica did not catch up in {_CATCH_UP_SECONDS} s")
            time.sleep(0.01)

    def _run(self, statement: str) -> object:
        with psycopg.connect(self.standby.dsn(), autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row and row[0]


@contextmanager
def replica(primary: Postgres) -> Iterator[Replica]:
    """A replica of a whole server, caught up with it."""
    with standby(primary) as follower:
        made = Replica(primary, follower)
        made.catch_up()
        yield made
