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

from pgrst_gate.access import check_all
from pgrst_gate.diagnosis import role_of
from pgrst_gate.endpoints import call_all
from pgrst_gate.errors import Cancelled, GateError, NotObserved, NotRefreshed
from pgrst_gate.explaining import explain, warn
from pgrst_gate.health.values import Health
from pgrst_gate.journal import Journal
from pgrst_gate.plan import Plan, described
from pgrst_gate.postgrest.versions import reloads_on_sighup
from pgrst_gate.preflight import Api, meet
from pgrst_gate.remedies import reach, remedy
from pgrst_gate.report import Conclusion, Evidence, Problem, Report
from pgrst_gate.runtimes.interface import Action, Instance, ReloadSignal, Runtime
from pgrst_gate.verdicts import COULD_NOT_LOOK, Cause, Verdict
from pgrst_gate.wait import Wait, Waited, refuse_nonsense
from pgrst_gate.watch import Watch, counted

MORE_EVIDENCE: Final = (
    "give `admin-url`, whose counters show a load, or a runtime that shows it (docker, systemd); or"
    " require less by `require-evidence`"
)

VERIFY_SECONDS: Final = 5.0
"""How long `mode: verify` looks: for a load that is under way to end, and rounds to be good."""

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
        runtime, instances = self._found()
        api = meet(self.plan, self.journal, self.closing)
        watch = Watch(runtime, instances, api.survey.admin, lambda: self.journal.now)
        missing = self._baseline(api, watch)
        waited = self._climb(api, runtime, instances, watch, changes=missing > 0)
        self._judge(waited, missing=missing)
        health = explain(self.plan.inputs, self.journal)
        return self._concluded(api, waited, health)

    def _found(self) -> tuple[Runtime, tuple[Instance, ...]]:
        """The runtime and its instances, once all of them can do every rung of the ladder."""
        runtime, why = self.find_runtime(self.plan)
        self.closing.callback(runtime.close)
        instances: tuple[Instance, ...] = ()
        for action in self._ladder(runtime):
            instances = runtime.preflight(action)
        names = ", ".join(instance.name for instance in instances)
        self.journal.runtime = f"{runtime.name} ({names})" if names else runtime.name
        self.journal.note("preflight", f"runtime {self.journal.runtime}: {why}")
        for warning in (text for instance in instances for text in instance.warnings):
            self.journal.note("preflight", warning, "warning")
        return runtime, instances

    def _ladder(self, runtime: Runtime) -> tuple[Action, ...]:
        return () if runtime.name == "none" else self.plan.ladder

    def _baseline(self, api: Api, watch: Watch) -> int:
        """Look before anything is sent; gives how many items were not as expected then.

        Where nothing will be sent, there is no before and after.
        """
        watch.begin()
        api.survey.approach()
        if self.plan.inputs.mode == "verify":
            return 0
        seen = api.survey.cache_side()
        refuse_nonsense(seen)
        missing = sum(api.survey.blocks(item, facts) for item, facts in seen.facts.items())
        total = len(seen.facts)
        self.journal.note("baseline", f"{total - missing} of {total} items as expected already")
        return missing

    def _climb(
        self,
        api: Api,
        runtime: Runtime,
        instances: tuple[Instance, ...],
        watch: Watch,
        *,
        changes: bool,
    ) -> Waited:
        """Refresh and wait, rung by rung, each with an equal share of the time that is left."""
        actions: tuple[Action | None, ...] = self._ladder(runtime) or (None,)
        for rung, action in enumerate(actions):
            if rung:
                self.journal.note("refresh", f"that did not help: trying {action}", "warning")
                watch.begin()
            if action is not None:
                self._refresh(runtime, instances, action, api)
            share = self._time_left() / (len(actions) - rung)
            wait = Wait(
                survey=api.survey,
                watch=watch,
                inputs=self.plan.inputs,
                journal=self.journal,
                deadline=self.journal.now + share,
                changes=changes,
                alive=_alive(runtime, instances),
            )
            if (waited := wait.until_served()).served or rung == len(actions) - 1:
                return waited
        raise AssertionError(actions)  # a ladder has at least one rung

    def _time_left(self) -> float:
        left = self.plan.inputs.timeout - self.journal.now
        return min(left, VERIFY_SECONDS) if self.plan.inputs.mode == "verify" else left

    def _refresh(
        self, runtime: Runtime, instances: tuple[Instance, ...], action: Action, api: Api
    ) -> None:
        for instance in instances:
            if action == "reload":
                what = runtime.reload(instance, self._signal(api))
            else:
                what = runtime.restart(instance)
            self.journal.sent(runtime.name, action, instance, what)
        if action == "restart":
            api.client.renew()

    def _signal(self, api: Api) -> ReloadSignal:
        if self.plan.inputs.method != "sighup":
            return "SIGUSR1"
        if reloads_on_sighup(api.identity.version):
            return "SIGHUP"
        text = f"PostgREST {api.identity.version_text} would die of SIGHUP: sending SIGUSR1 instead"
        self.journal.note("refresh", text, "warning")
        return "SIGUSR1"

    def _judge(self, waited: Waited, *, missing: int) -> None:
        journal, inputs = self.journal, self.plan.inputs
        role = role_of(inputs.token or inputs.api_key)
        by = reach(inputs.db_channel, inputs.container, inputs.unit, inputs.pid)
        journal.verdicts = tuple(
            one if one.ok else replace(one, remedy=remedy(one, by, role)) for one in waited.verdicts
        )
        journal.evidence, journal.evidence_told = _evidence(waited, missing)
        if self.plan.inputs.mode == "verify":
            journal.evidence, journal.evidence_told = Evidence.UNPROVEN, "nothing was refreshed"
        if waited.loads.failing:
            journal.note("verify", f"a reload failed: {waited.loads.told}", "warning")

    def _concluded(self, api: Api, waited: Waited, health: Health | None) -> Report:
        journal, inputs = self.journal, self.plan.inputs
        red = [verdict for verdict in journal.verdicts if not verdict.ok]
        total = len(journal.verdicts)
        open_so_far = (
            waited.rounds >= inputs.consecutive
            and not red
            and journal.evidence.satisfies(inputs.require_evidence)
        )
        journal.access = check_all(api, inputs, health, ask=open_so_far)
        bare = warn(inputs, journal, health, api.schema)
        journal.endpoints = call_all(api, inputs.endpoints, send=open_so_far)
        if red:
            return self._closed(red, total)
        if waited.rounds < inputs.consecutive:
            rounds = (
                f"only {waited.rounds} of {inputs.consecutive} rounds in a row were good in time"
            )
            return journal.report(Conclusion.CLOSED, 1, f"gate closed: {rounds}")
        if not journal.evidence.satisfies(inputs.require_evidence):
            weak = f"{journal.evidence.value}, and {inputs.require_evidence.value} is required"
            sentence = (
                f"gate closed: {total} of {total} items as expected, but the evidence is {weak}"
            )
            return journal.report(Conclusion.CLOSED, 1, sentence, Problem(sentence, MORE_EVIDENCE))
        if wrong := ", ".join(filter(None, [*_failed(journal), bare])):
            return journal.report(Conclusion.CLOSED, 1, f"gate closed: {wrong}")
        served_by = f"PostgREST {api.identity.version_text}"
        sentence = (
            f"gate open: {total} of {total} items as expected on {served_by},"
            f" evidence {journal.evidence.value}"
        )
        return journal.report(Conclusion.OPEN, 0, sentence)

    def _closed(self, red: list[Verdict], total: int) -> Report:
        causes = ", ".join(
            f"{sum(one.cause is cause for one in red)} {cause}"
            for cause in dict.fromkeys(one.cause for one in red)
        )
        sentence = f"{len(red)} of {total} items not as expected: {causes}"
        if all(verdict.cause in COULD_NOT_LOOK for verdict in red):
            text = f"no verdict: {sentence}"
            problem = Problem(sentence, red[0].remedy)
            return self.journal.report(Conclusion.NOT_OBSERVED, 4, text, problem)
        return self.journal.report(Conclusion.CLOSED, 1, f"gate closed: {sentence}")


def _evidence(waited: Waited, missing: int) -> tuple[Evidence, str]:
    if waited.served and waited.loads.finished:
        return Evidence.CONFIRMED, waited.loads.told
    if waited.served and missing:
        return Evidence.INFERRED, f"{counted(missing, 'item')} not as expected before, but now"
    if waited.served:
        return Evidence.UNPROVEN, "everything was as expected before, and no load was counted"
    if waited.loads.finished:
        return (
            Evidence.UNPROVEN,
            f"a load was seen ({waited.loads.told}), but not all is as expected",
        )
    return Evidence.UNPROVEN, waited.loads.told or "no load was counted"


def _failed(journal: Journal) -> Iterator[str]:
    """What was asked for besides the items, and did not come out so."""
    if failed := sum(result.fails for result in journal.access):
        yield f"{failed} of {len(journal.access)} rules of access are not kept"
    if failed := sum(result.passed is False for result in journal.endpoints):
        yield f"{failed} of {len(journal.endpoints)} endpoints did not answer as expected"


def _alive(runtime: Runtime, instances: tuple[Instance, ...]) -> Callable[[], None]:
    def check() -> None:
        for instance in instances:
            condition = runtime.condition(instance)
            if condition.hopeless:
                raise NotRefreshed(
                    f"{instance.name} is gone: {condition.text}",
                    hint=condition.remedy
                    or "see the server's own log for why it ended; it was not started again",
                )

    return check
