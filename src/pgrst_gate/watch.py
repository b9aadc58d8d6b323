"""What tells that the schema cache was loaded: counters, new processes, log lines.

Evidence of loads supports the verdicts, it never makes one: a counter rises while a question asked
a moment earlier still got the old answer (recordings/timeline-*), and one recovery counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pgrst_gate.postgrest import admin, logs
from pgrst_gate.postgrest.admin import Counters
from pgrst_gate.postgrest.client import Client
from pgrst_gate.runtimes.interface import Instance, Mark, Runtime
from pgrst_gate.verdicts import Loads

SETTLE_SECONDS: Final = 1.0
"""A load that was queued behind a running one starts within 100 ms and shows within this time, or
within twice the time the first one took."""
LONGEST_SETTLE_SECONDS: Final = 10.0


@dataclass(slots=True)
class Watch:
    """Begins at the baseline, before anything is sent."""

    runtime: Runtime
    instances: tuple[Instance, ...]
    admin: Client | None
    clock: Callable[[], float]
    _counters: Counters | None = None
    _marks: Mapping[Instance, Mark] = field(default_factory=dict)
    _began: float = 0.0
    _seen: Loads = field(default_factory=Loads)
    _seen_at: float = 0.0
    _changed_at: float = 0.0

    def begin(self) -> None:
        """Take the baseline; to be called again before each further refresh."""
        self._counters = admin.counters(self.admin) if self.admin else None
        self._marks = {one: self.runtime.mark(one) for one in self.instances}
        self._began = self._changed_at = self.clock()
        self._seen, self._seen_at = Loads(countable=self._countable()), self._began

    def _countable(self) -> bool:
        logged = any(mark.log_position for mark in self._marks.values())
        return self._counters is not None or logged

    def look(self, *, max_age: float = 0.0) -> Loads:
        """What was seen of loads since `begin`; a look not older than so many seconds will do."""
        now = self.clock()
        if max_age and now - self._seen_at < max_age:
            return self._seen
        counted, failed, told = self._count()
        instances = [self._read(one, mark) for one, mark in self._marks.items()]
        told += [text for _, _, text in instances if text]
        # The counters are those of one process, so they cannot speak for several.
        finished = (counted and len(instances) <= 1) or (
            bool(instances) and all(done for done, _, _ in instances)
        )
        seen = Loads(
            finished=finished,
            failing=any(bad for _, bad, _ in instances) or (failed and not finished),
            countable=self._seen.countable,
            told="; ".join(told),
        )
        if seen.told != self._seen.told:
            self._changed_at = now
        self._seen_at = now
        self._seen = replace(seen, settled=finished and now - self._changed_at >= self._settle())
        return self._seen

    def _settle(self) -> float:
        took = self._changed_at - self._began
        return min(max(SETTLE_SECONDS, 2 * took), LONGEST_SETTLE_SECONDS)

    def _count(self) -> tuple[bool, bool, list[str]]:
        """Whether loads finished, whether some failed, and how that was told."""
        now = admin.counters(self.admin) if self.admin else None
        then = self._counters
        if now is None or then is None:
            return False, False, []
        if now.finished < then.finished:  # the process is a new one, so it counts from 0
            then = Counters(0, 0)
        loads, failures = now.finished - then.finished, now.failed - then.failed
        told = [f"{counted(loads, 'load')} counted since the first look"] if loads else []
        if failures:
            told.append(f"{counted(failures, 'failed load')} counted since the first look")
        return loads > 0, failures > 0, told

    def _read(self, instance: Instance, mark: Mark) -> tuple[bool, bool, str]:
        """The same of one instance, by its process and its log."""
        started = self.runtime.mark(instance).started
        if mark.started and started and started != mark.started:
            return True, False, f"{instance.name} is a new process"
        lines = logs.read(self.runtime.log_since(instance, mark))
        if lines.failure:
            return bool(lines.finished), True, f"{instance.name} wrote: {lines.failure}"
        if not lines.finished:
            return False, False, ""
        return True, False, f"{instance.name} logged {counted(lines.finished, 'load')}"


def counted(number: float, noun: str) -> str:
    """`1 load`, `2 loads`."""
    return f"{number:g} {noun}{'' if number == 1 else 's'}"
