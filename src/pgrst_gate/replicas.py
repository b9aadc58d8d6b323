"""The addresses at which the API is asked: `url`, and each of its processes by itself.

A balancer shows one process at a time, so what it answers proves no other. Where processes can be
told apart, by `targets` or by their runtime, each has a baseline, evidence and a verdict of its
own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.postgrest.client import Client
from pgrst_gate.postgrest.survey import Survey
from pgrst_gate.preflight import Api, client_of, meet_elsewhere
from pgrst_gate.runtimes.interface import Address, Instance, Runtime
from pgrst_gate.watch import Watch

APART: Final = 2
"""The least number of processes for one to be told apart from the address in front of them."""


@dataclass(frozen=True, slots=True)
class Replica:
    """The API at one address, and what shows loads behind it."""

    name: str
    """For people: `container api-2`; empty for `url` where nothing else is asked."""
    survey: Survey
    watch: Watch
    missing: int = 0
    """How many items were not as expected before the refresh."""


@dataclass(frozen=True, slots=True)
class Replicas:
    """Finds the processes of a run, and meets each before it is believed."""

    api: Api
    runtime: Runtime
    inputs: Inputs
    journal: Journal
    closing: ExitStack

    def all(self, instances: tuple[Instance, ...]) -> tuple[Replica, ...]:
        """Every process that can be asked by itself, and last `url`, behind which they are.

        `url` alone where there are fewer than two of them. Raises `NotObserved` where one does not
        answer as a PostgREST.
        """
        targets = [(Address(url, url), ()) for url in self.inputs.targets]
        found = {
            address.url.rstrip("/"): (address, behind)
            for address, behind in [*self._told_by_runtime(instances), *targets]
        }
        several = len(found) >= APART
        self._warn(instances, {one for _, behind in found.values() for one in behind})
        front = Replica(
            self.api.client.url if several else "",
            self.api.survey,
            self._watch(instances, admin=self.api.survey.admin),
        )
        each = found.values() if several else ()
        return (*(self._met(address, behind) for address, behind in each), front)

    def renewed(self, instance: Instance, before: tuple[Replica, ...]) -> tuple[Replica, ...]:
        """The processes of an instance that was restarted: their addresses may be new ones.

        They are asked as soon as they answer. What was missing ``before`` is known of those that
        kept their names.
        """
        missing = {one.name: one.missing for one in before}
        marked = {one.watch.instances: one.watch for one in before}
        renewed = []
        for address in self.runtime.addresses(instance):
            client = self.closing.enter_context(client_of(address.url, self.inputs))
            renewed.append(
                Replica(
                    address.name,
                    replace(self.api.survey, client=client),
                    marked.get((instance,)) or self._watch((instance,)),
                    missing.get(address.name, 0),
                )
            )
        return tuple(renewed)

    def regrouped(
        self, instances: tuple[Instance, ...], before: tuple[Replica, ...]
    ) -> tuple[Replica, ...]:
        """The same processes, as those of other instances: of a service that will be restarted."""
        *each, front = before
        anew = [one for instance in instances for one in self.renewed(instance, before) if each]
        return (*anew, replace(front, watch=self._watch(instances, self.api.survey.admin)))

    def _warn(self, instances: tuple[Instance, ...], apart: Collection[Instance]) -> None:
        """Say of which of several instances no answer can be told from the others'."""
        mixed = [one.name for one in instances if one not in apart]
        if len(instances) > 1 and mixed and not self.inputs.targets:
            text = (
                f"{', '.join(mixed)} cannot be asked apart from here, so only `url` speaks for"
                f" {'it' if len(mixed) == 1 else 'them'}: name all addresses in `targets`, or set"
                " `consecutive`"
            )
            self.journal.note("preflight", text, "warning")

    def _told_by_runtime(
        self, instances: tuple[Instance, ...]
    ) -> Iterator[tuple[Address, tuple[Instance, ...]]]:
        for instance in instances:
            for address in self.runtime.addresses(instance):
                yield address, (instance,)

    def _met(self, address: Address, behind: tuple[Instance, ...]) -> Replica:
        survey = meet_elsewhere(self.api, address.url, self.inputs, self.journal, self.closing)
        self.journal.note("preflight", f"{address.name} is asked by itself at {survey.client.url}")
        return Replica(address.name, survey, self._watch(behind))

    def _watch(self, instances: tuple[Instance, ...], admin: Client | None = None) -> Watch:
        return Watch(self.runtime, instances, admin, lambda: self.journal.now)
