"""The run on one screen: preflight, baseline, refresh, wait and verify, access, conclusion.

gate open  (0)    every item is as expected, by one whole round of answers
gate closed (1)   an item is not, or the evidence is weaker than required
no verdict (2-4)  the run ended before it could tell; the error says why
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from pgrst_gate import judging
from pgrst_gate.access import check_all
from pgrst_gate.climbing import Climb, Climbed, Rung
from pgrst_gate.diagnosis import role_of
from pgrst_gate.endpoints import call_all
from pgrst_gate.errors import Cancelled, GateError, NotObserved
from pgrst_gate.expectations.migrations.layouts import command
from pgrst_gate.explaining import explain, warn
from pgrst_gate.health.values import Health
from pgrst_gate.journal import Journal
from pgrst_gate.judging import SHOWN
from pgrst_gate.looking import refuse_nonsense
from pgrst_gate.plan import RESTARTS, Plan, described
from pgrst_gate.preflight import Api, meet
from pgrst_gate.reach import Reach, reach
from pgrst_gate.remedies import remedy
from pgrst_gate.replicas import Replica, Replicas
from pgrst_gate.report import Conclusion, Evidence, Problem, Report
from pgrst_gate.runtimes.interface import Runtime
from pgrst_gate.runtimes.notify import Notify
from pgrst_gate.verdicts import COULD_NOT_LOOK, Cause, Verdict

MORE_EVIDENCE: Final = (
    "give `admin-url`, whose counters show a load, or a runtime that shows it (docker, systemd); or"
    " require less by `require-evidence`"
)

SEE_ITS_LOG: Final = "see the server's own log for why it ended; `settle` says how long to look on"

FindRuntime = Callable[[Plan], tuple[Runtime, str]]
"""Gives the runtime of a plan and why it was chosen; raises `NotRefreshed` or `UsageError`."""


def run(plan: Plan, find_runtime: FindRuntime, journal: Journal) -> Report:
    """One whole run. Every way it can end is a `Report`; only bugs raise."""
    journal.runtime = plan.inputs.runtime
    try:
        if plan.inputs.dry_run:
            return _planned(plan, journal)
        with ExitStack() as closing:
            return _Run(plan, find_runtime, journal, closing).to_the_end()
    except GateError as error:
        refused = isinstance(error, NotObserved) and error.cause == Cause.UNAUTHORIZED
        if plan.excuse and refused:
            return journal.skipped(plan.excuse, str(error))
        return journal.failed(error)
    except Cancelled as cancelled:
        return journal.cancelled(cancelled)


def _planned(plan: Plan, journal: Journal) -> Report:
    for line in described(plan):
        journal.note("plan", line)
    return journal.report(Conclusion.PLANNED, 0, "planned only: nothing was sent")


@dataclass(slots=True)
class _Run:
    """The stages of one run, in order."""

    plan: Plan
    find_runtime: FindRuntime
    journal: Journal
    closing: ExitStack

    def to_the_end(self) -> Report:
        rungs = self._found()
        api = meet(self.plan, self.journal, self.closing)
        runtime, instances = rungs[0].runtime, rungs[0].instances
        found = Replicas(api, runtime, self.plan.inputs, self.journal, self.closing)
        replicas = self._baseline(found.all(instances))
        sending = () if runtime.name == "none" else rungs
        climb = Climb(sending, replicas, found, api, self.plan.inputs, self.journal)
        climbed = climb.to_served()
        self._judge(climbed)
        health = explain(self.plan.inputs, self.journal, self._reach(), api.exposed)
        return self._concluded(api, climbed, health)

    def _found(self) -> tuple[Rung, ...]:
        """The rungs of the ladder, once all of their instances can do what is asked of them."""
        runtime, why = self.find_runtime(self.plan)
        self.closing.callback(runtime.close)
        rungs = tuple(self._rungs(runtime)) or (Rung("reload", runtime, ()),)
        names = ", ".join(instance.name for instance in rungs[0].instances)
        self.journal.runtime = f"{runtime.name} ({names})" if names else runtime.name
        self.journal.note("preflight", f"runtime {self.journal.runtime}: {why}")
        told = (text for rung in rungs for one in rung.instances for text in one.warnings)
        for warning in dict.fromkeys(told):
            self.journal.note("preflight", warning, "warning")
        return rungs

    def _rungs(self, runtime: Runtime) -> Iterator[Rung]:
        for step in self.plan.ladder if runtime.name != "none" else ():
            if step == "notify":
                inputs = self.plan.inputs
                again = Notify(inputs.database_url, inputs.db_channel)
                yield Rung(step, again, again.preflight("reload"))
            elif step == "reload" or len(self.plan.ladder) == 1 or runtime.name in RESTARTS:
                yield Rung(step, runtime, runtime.preflight(step))

    def _baseline(self, replicas: tuple[Replica, ...]) -> tuple[Replica, ...]:
        """Look before anything is sent; gives the replicas with what was not as expected then.

        Where nothing will be sent, there is no before and after.
        """
        for replica in replicas:
            replica.watch.begin()
            replica.survey.approach()
        if self.plan.inputs.mode == "verify":
            return replicas
        return tuple(map(self._looked_at, replicas))

    def _looked_at(self, replica: Replica) -> Replica:
        seen = replica.survey.cache_side()
        refuse_nonsense(seen)
        missing = sum(replica.survey.blocks(item, facts) for item, facts in seen.facts.items())
        total = len(seen.facts)
        by = f"{replica.name}: " if replica.name else ""
        text = f"{by}{total - missing} of {total} items as expected already"
        self.journal.note("baseline", text)
        return replace(replica, missing=missing)

    def _judge(self, climbed: Climbed) -> None:
        journal, inputs = self.journal, self.plan.inputs
        role = role_of(inputs.token or inputs.api_key)
        by = self._reach()
        journal.instances = judging.instances(climbed)
        journal.verdicts = tuple(
            one if one.ok else replace(one, remedy=remedy(one, by, role))
            for one in judging.verdicts(climbed)
        )
        journal.evidence, journal.evidence_told = judging.weakest(climbed)
        if self.plan.inputs.mode == "verify":
            journal.evidence, journal.evidence_told = Evidence.UNPROVEN, "nothing was refreshed"
        for told in dict.fromkeys(one.loads.told for one in climbed.waited if one.loads.failing):
            journal.note("verify", f"a reload failed: {told}", "warning")

    def _reach(self) -> Reach:
        inputs = self.plan.inputs
        apply = command(inputs.migrations, inputs.migrations_layout)
        return reach(self.plan.target, inputs.runtime, apply)

    def _concluded(self, api: Api, climbed: Climbed, health: Health | None) -> Report:
        journal, inputs = self.journal, self.plan.inputs
        red = [verdict for verdict in journal.verdicts if not verdict.ok]
        total = len(journal.verdicts)
        rounds = min(one.rounds for one in climbed.waited)
        open_so_far = (
            rounds >= inputs.consecutive
            and not (red or climbed.went_away)
            and journal.evidence.satisfies(inputs.require_evidence)
        )
        journal.access = check_all(api, inputs, health, ask=open_so_far)
        bare = warn(inputs, journal, health, api.schema)
        journal.endpoints = call_all(api, inputs.endpoints, send=open_so_far)
        if climbed.went_away:
            sentence = (
                f"gate closed: served after the restart, but not for long: {climbed.went_away}"
            )
            return journal.report(Conclusion.CLOSED, 1, sentence, Problem(sentence, SEE_ITS_LOG))
        if red:
            return self._closed(red, total)
        if rounds < inputs.consecutive:
            told = f"only {rounds} of {inputs.consecutive} rounds in a row were good in time"
            return journal.report(Conclusion.CLOSED, 1, f"gate closed: {told}")
        if not journal.evidence.satisfies(inputs.require_evidence):
            weak = f"{journal.evidence.value}, and {inputs.require_evidence.value} is required"
            sentence = (
                f"gate closed: {total} of {total} items as expected, but the evidence is {weak}"
            )
            return journal.report(Conclusion.CLOSED, 1, sentence, Problem(sentence, MORE_EVIDENCE))
        if wrong := ", ".join(filter(None, [*_failed(journal), bare])):
            return journal.report(Conclusion.CLOSED, 1, f"gate closed: {wrong}")
        by = f"PostgREST {api.identity.version_text}"
        if journal.instances:
            by += f" by each of {len(journal.instances) - 1} processes and through `url`"
        if inputs.consecutive > 1:
            by += f" in {rounds} whole rounds in a row, each on fresh connections"
        sentence = (
            f"gate open: {total} of {total} items as expected on {by},"
            f" evidence {journal.evidence.value}"
        )
        return journal.report(Conclusion.OPEN, 0, sentence)

    def _closed(self, red: list[Verdict], total: int) -> Report:
        causes = ", ".join(
            f"{sum(one.cause is cause for one in red)} {cause}"
            for cause in dict.fromkeys(one.cause for one in red)
        )
        sentence = f"{len(red)} of {total} items not as expected: {causes}{self._by()}"
        if all(verdict.cause in COULD_NOT_LOOK for verdict in red):
            text = f"no verdict: {sentence}"
            problem = Problem(sentence, red[0].remedy)
            return self.journal.report(Conclusion.NOT_OBSERVED, 4, text, problem)
        return self.journal.report(Conclusion.CLOSED, 1, f"gate closed: {sentence}")

    def _by(self) -> str:
        """Where that is so, if it is not so everywhere."""
        bad = [one.name for one in self.journal.instances if one.not_served]
        if not bad or len(bad) == len(self.journal.instances):
            return ""
        return f" by {', '.join(bad[:SHOWN])}{' and more' if len(bad) > SHOWN else ''}"


def _failed(journal: Journal) -> Iterator[str]:
    """What was asked for besides the items, and did not come out so."""
    if failed := sum(result.fails for result in journal.access):
        yield f"{failed} of {len(journal.access)} rules of access are not kept"
    if failed := sum(result.passed is False for result in journal.endpoints):
        yield f"{failed} of {len(journal.endpoints)} endpoints did not answer as expected"
