"""Wait until everything is served by every server, or until waiting cannot help.

One loop, outside of all questions: look, judge, stop on success, stop when it is hopeless, stop
when the time is over, else pause. Pauses grow with the time waited, so that the gate adds about a
tenth to what a reload takes, and never more than `interval`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.looking import Looking, Waited
from pgrst_gate.replicas import Replica

FIRST_PAUSE_SECONDS: Final = 0.02
PAUSE_SHARE: Final = 0.1


@dataclass(slots=True)
class Wait:
    """One wait, after one refresh. `deadline` is in the journal's seconds."""

    replicas: tuple[Replica, ...]
    inputs: Inputs
    journal: Journal
    deadline: float
    alive: Callable[[], None] = lambda: None
    """Called while an API does not answer; raises `NotRefreshed` when it never will again."""
    sleep: Callable[[float], None] = time.sleep
    _began: float = 0.0

    def until_served(self) -> tuple[Waited, ...]:
        """Wait; ends at the latest at the deadline, with what was seen last of each replica."""
        self._began = self.journal.now
        all_of_them = [Looking(one, self.inputs, self.journal, self.alive) for one in self.replicas]
        waiting = all_of_them
        while True:
            self.journal.attempts += 1
            for one in waiting:
                one.look()
            if all(one.seen.served for one in all_of_them):
                self.journal.served()
            waiting = [one for one in waiting if not one.ends()]
            hopeless = [one.is_hopeless() for one in waiting]
            if all(hopeless):
                return tuple(one.seen for one in all_of_them)
            if self.journal.now >= self.deadline:
                return tuple(one.give_up() for one in all_of_them)
            self._pause()

    def _pause(self) -> None:
        pause = max(FIRST_PAUSE_SECONDS, (self.journal.now - self._began) * PAUSE_SHARE)
        left = max(0.0, self.deadline - self.journal.now)
        self.sleep(min(pause, self.inputs.interval, left))
