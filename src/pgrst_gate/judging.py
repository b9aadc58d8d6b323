"""What was seen of each replica, brought together: one verdict for each item, one evidence.

An item is as expected only where it is so at every address, and a chain is as strong as its weakest
link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pgrst_gate.climbing import Climbed
from pgrst_gate.looking import Waited
from pgrst_gate.replicas import Replica
from pgrst_gate.report import Evidence, InstanceResult
from pgrst_gate.verdicts import Verdict
from pgrst_gate.watch import counted

SHOWN: Final = 5
"""Names in one sentence."""


def instances(climbed: Climbed) -> tuple[InstanceResult, ...]:
    """What came of each address; none where there was but one."""
    if len(climbed.replicas) == 1:
        return ()
    return tuple(map(_instance, climbed.replicas, climbed.waited))


def _instance(replica: Replica, waited: Waited) -> InstanceResult:
    red = tuple(verdict for verdict in waited.verdicts if not verdict.ok)
    strength, told = evidence(replica, waited)
    url, served = replica.survey.client.url, len(waited.verdicts) - len(red)
    return InstanceResult(replica.name, url, strength, told, served, red)


def verdicts(climbed: Climbed) -> tuple[Verdict, ...]:
    """A verdict for each item: the first that is not as expected, with where that is so."""
    if len(climbed.replicas) == 1:
        return climbed.waited[0].verdicts
    names = [replica.name for replica in climbed.replicas]
    columns = zip(*(waited.verdicts for waited in climbed.waited), strict=True)
    return tuple(_together(names, of_item) for of_item in columns)


def _together(names: list[str], of_item: tuple[Verdict, ...]) -> Verdict:
    bad = [(name, one) for name, one in zip(names, of_item, strict=True) if not one.ok]
    if not bad:
        return of_item[-1]
    name, worst = bad[0]
    good = [name for name, one in zip(names, of_item, strict=True) if one.ok]
    others = f"; as expected by {_listed(good)}" if good else ""
    where = f"not as expected by {_listed(name for name, _ in bad)}{others}"
    told = tuple(f"{name}: {line}" for line in worst.told)
    return replace(worst, told=told, note="; ".join(filter(None, [where, worst.note])))


def weakest(climbed: Climbed) -> tuple[Evidence, str]:
    """The evidence of a run, and how it was told."""
    found = list(map(evidence, climbed.replicas, climbed.waited))
    order = list(Evidence)
    strength = min((one for one, _ in found), key=order.index)
    told = dict.fromkeys(text for one, text in found if one is strength)
    return strength, "; ".join(told)


def evidence(replica: Replica, waited: Waited) -> tuple[Evidence, str]:
    """How strongly the load of one replica's cache was seen, and how that was told."""
    if waited.served and waited.loads.finished:
        return Evidence.CONFIRMED, waited.loads.told
    if waited.served and replica.missing:
        missing = counted(replica.missing, "item")
        return Evidence.INFERRED, f"{missing} not as expected before, but now"
    if waited.served:
        return Evidence.UNPROVEN, "everything was as expected before, and no load was counted"
    if waited.loads.finished:
        told = f"a load was seen ({waited.loads.told}), but not all is as expected"
        return Evidence.UNPROVEN, told
    return Evidence.UNPROVEN, waited.loads.told or "no load was counted"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{', '.join(found[:SHOWN])}{more}"
