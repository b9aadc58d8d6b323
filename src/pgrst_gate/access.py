"""The user's rules on who may do what: asked as each role once the cache is proven, and judged.

A role may not do what the server refuses it for lack of a privilege. Any other answer than that or
success tells nothing, and a rule that nothing is told of is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, cast

from pgrst_gate.diagnosis import overloads, policies_told
from pgrst_gate.expectations.access import Rule, in_schema
from pgrst_gate.health.settings import anonymous
from pgrst_gate.health.values import Health
from pgrst_gate.inputs import Inputs
from pgrst_gate.postgrest.privileges import may_use, may_write, refuses_strangers, rows_seen
from pgrst_gate.postgrest.probes import Room
from pgrst_gate.postgrest.questions import Write
from pgrst_gate.preflight import Api
from pgrst_gate.remedies import permission, row_policy
from pgrst_gate.report import AccessOutcome, AccessResult
from pgrst_gate.roles import ANONYMOUS, credentials
from pgrst_gate.schema import Function, Relation
from pgrst_gate.verdicts import Cause, Facts

OFFER: Final = (
    "give `database-url`, whose database tells it, or set `db-plan-enabled` on a server that is"
    " nobody's production"
)


def check_all(
    api: Api, inputs: Inputs, health: Health | None, *, ask: bool
) -> tuple[AccessResult, ...]:
    """A result for each rule, in their order; with ``ask`` false nothing is sent.

    ``health`` is the state of the database, where that is known: it tells what no request can.
    """
    rules = in_schema(inputs.access, api.schema)
    if not ask:
        return tuple(AccessResult(str(rule), "not asked") for rule in rules)
    results: dict[Rule, AccessResult] = {}
    for role in dict.fromkeys(rule.role for rule in rules):
        results |= _as_role(api, inputs, health, [rule for rule in rules if rule.role == role])
    return tuple(results[rule] for rule in rules)


def _as_role(
    api: Api, inputs: Inputs, health: Health | None, rules: list[Rule]
) -> dict[Rule, AccessResult]:
    """The results of the rules on one role."""
    role = rules[0].role
    sent = credentials(inputs, role)
    if sent is None:
        raise AssertionError(role)  # the plan refuses rules on a role that nobody can be
    with api.client.using(sent) as client:
        room = api.survey.room(client)
        shut = refuses_strangers(room, api.schema) if role in ANONYMOUS and not sent.token else ""
        asking = _Asking(room, api.survey.room(api.client), health, shut)
        return {rule: asking.judged(rule) for rule in rules}


@dataclass(frozen=True, slots=True)
class _Asking:
    """How to ask as one role."""

    room: Room
    own: Room
    """As the gate itself."""
    health: Health | None
    shut: str
    """The server's refusal of all requests of this role; untrusted, empty if there is none."""

    def judged(self, rule: Rule) -> AccessResult:
        facts = self._facts(rule)
        if facts.obstacle or facts.allowed is None:
            return _unjudged(rule, facts)
        if facts.allowed is rule.may:
            return self._counted(rule, facts) if rule.rows else _result(rule, "kept", facts)
        remedy = permission(
            rule.role,
            rule.verb,
            rule.item,
            give=rule.may,
            schema_too=facts.exists is None and not self.shut,
        )
        return _result(rule, "broken", facts, remedy)

    def _facts(self, rule: Rule) -> Facts:
        if self.shut:
            return Facts(allowed=False, told=(self.shut,))
        if isinstance(rule.item, Function) or rule.verb == "read":
            facts = may_use(self.room, self.own, rule.item)
        else:
            facts = may_write(self.room, rule.item, cast("Write", rule.verb))
        told = facts.obstacle or facts.allowed is not None or facts.exists is False
        if told or rule.verb == "read" or self.health is None:
            return facts
        return in_database(rule, facts, self.health)

    def _counted(self, rule: Rule, facts: Facts) -> AccessResult:
        if rule.rows is None or not isinstance(rule.item, Relation):
            raise AssertionError(rule)  # the grammar takes rows of relations only
        seen, told = rows_seen(self.room, rule.item)
        facts = replace(facts, told=(*facts.told, told))
        if seen is None:
            return _unjudged(rule, facts)
        if rule.rows.hold(seen):
            return _result(rule, "kept", facts)
        facts, hidden = self._policies(rule, rule.item, facts)
        too_few = seen < rule.rows.number
        broken = _result(rule, "broken", facts, row_policy(rule.role, rule.item, more=too_few))
        return replace(broken, cause=Cause.RLS_HIDDEN) if too_few and hidden else broken

    def _policies(self, rule: Rule, relation: Relation, facts: Facts) -> tuple[Facts, bool]:
        """The facts with the policies that apply, and whether these hide all rows there may be."""
        health = self.health
        role = (health.roles or {}).get(_named(rule, health)) if health else None
        if health is None or role is None:
            return facts, False
        told = policies_told(relation, health, role)
        table = (health.tables or {}).get(relation)
        lines = filter(None, [told])
        return replace(facts, told=(*facts.told, *lines)), bool(table and table.hides_all(role))


def _named(rule: Rule, health: Health) -> str:
    """The database's name of the role."""
    return anonymous(health.settings) if rule.role == "anonymous" else rule.role


def in_database(rule: Rule, facts: Facts, health: Health) -> Facts:
    """The facts, with what the database itself says of the privilege that a rule is about."""
    role = _named(rule, health)
    users = (health.usage or {}).get(rule.item.schema)
    if isinstance(rule.item, Function):
        allowed = _calls(rule.item, role, health)
    else:
        allowed = _writes(rule.item, rule.verb, role, health)
    if allowed is None or users is None:
        return facts
    allowed = allowed and role in users
    words = "has" if allowed else "lacks"
    told = f"database: {role} {words} the privilege to {rule.verb} {rule.item}"
    return replace(facts, exists=True, allowed=allowed, told=(*facts.told, told), note="")


def _writes(relation: Relation, verb: str, role: str, health: Health) -> bool | None:
    """Whether the role has the privilege on any column; None where that is not known."""
    table = (health.tables or {}).get(relation)
    rights = table.rights.get(role) if table else None
    return None if rights is None else verb in rights.whole or verb in rights.columns


def _calls(item: Function, role: str, health: Health) -> bool | None:
    """Whether the role may execute each overload of these names; None where that is not known."""
    if role not in (health.roles or {}):
        return None
    found = [role in one.callers for one in overloads(item, health)]
    return all(found) if found and len(set(found)) == 1 else None


def _unjudged(rule: Rule, facts: Facts) -> AccessResult:
    cause = facts.obstacle or (Cause.NOT_APPLIED if facts.exists is False else Cause.UNPROVEN)
    if facts.cached is False:
        cause = Cause.STALE
    if cause is Cause.UNAUTHORIZED:
        remedy = f"check the token of {rule.role} in `role-tokens`, or `jwt-secret`"
    else:
        remedy = OFFER if cause is Cause.UNPROVEN else ""
    return replace(_result(rule, "not judged", facts, remedy), cause=cause)


def _result(rule: Rule, outcome: AccessOutcome, facts: Facts, remedy: str = "") -> AccessResult:
    return AccessResult(str(rule), outcome, None, facts.told, facts.note, remedy)
