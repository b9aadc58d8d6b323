"""What one running server knows and counts; everything else here is frozen."""

import asyncio
from dataclasses import dataclass, field

from pgrst_sandbox.config import Config
from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.pool import Pool
from pgrst_sandbox.schema_cache import SchemaCache


@dataclass(slots=True)
class State:
    """Shared by the API, the admin server, the loader and the listener of one process."""

    dialect: Dialect
    base_config: Config
    """From the environment; `config` adds what the database says."""
    config: Config
    pool: Pool
    cache: SchemaCache | None = None
    first_load: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once there has been a cache."""
    loading: bool = False
    """A load is under way, or being tried again."""
    loaded: bool = False
    """The latest load succeeded."""
    serving: bool = False
    """The API port is open."""
    listening: bool = False
    """The listener is connected, or not wanted."""
    loads: dict[str, int] = field(default_factory=dict)
    """Finished loads by `SUCCESS` and `FAIL`."""
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a load has found the database: an older listener waits for that."""
    back_off_seconds: int = 0
    """The latest pause between attempts to connect, as an older `Retry-After` has it."""
    load_milliseconds: float = 0.0
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by `want_load`: one slot, so any number of requests make one more load."""

    @property
    def ready(self) -> bool:
        """What `/ready` says."""
        return self.serving and self.loaded and self.listening

    def want_load(self) -> None:
        """Ask for a load. Older versions do not hear it while one runs."""
        if not (self.loading and self.dialect.loses_triggers_while_loading):
            self.wanted.set()

    def count(self, outcome: str) -> None:
        """Count a finished load."""
        self.loads[outcome] = self.loads.get(outcome, 0) + 1
