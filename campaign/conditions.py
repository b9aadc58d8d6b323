"""The conditions a trial can be under."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Applied = Literal["all", "some", "none"]
Loader = Literal["nobody", "campaign", "gate", "any"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One of them. All that is not said is as it should be."""

    name: str
    loader: Loader
    """Who reloads the server after the migration."""
    applied: Applied = "all"
    """How much of the migration."""
    revokes: bool = False
    """The role has lost privileges on expected items."""
    hides_rows: bool = False
    """Row-level security is on, without a policy."""
    loads_fail: bool = False
    schemas: tuple[str, ...] = ("api", "extra")
    """Where the expected items are."""
    bad_token: bool = False
    gateway: Mapping[str, Any] = field(default_factory=dict)
    """What the gateway in front does: arguments of `pgrst_sandbox.faults.gateway.Gateway`."""
    believable: bool = True
    """Otherwise the gate is right to believe nothing at all."""
    replicas: int = 1
    """Behind a balancer; the first alone is reloaded."""
    swaps: bool = False
    """The migration and its load come between two questions of the gate."""


CONDITIONS: Final = (
    Condition("fresh", "campaign"),
    Condition("stale", "nobody"),
    Condition("refreshed by the gate", "gate"),
    Condition("partly applied", "any", applied="some"),
    Condition("not applied", "any", applied="none"),
    Condition("not granted", "campaign", revokes=True),
    Condition("hidden by RLS", "campaign", hides_rows=True),
    Condition("reload failing", "gate", loads_fail=True),
    Condition("schema not exposed", "campaign", schemas=("hidden",)),
    Condition("bad token", "campaign", bad_token=True),
    Condition("gateway: path prefix", "any", gateway={"prefix": "/rest/v1"}),
    Condition("gateway: hides Server", "any", gateway={"hides": ("server",)}),
    Condition("gateway: drops Prefer", "any", gateway={"drops": ("prefer",)}),
    Condition("gateway: answers OPTIONS", "any", gateway={"answers_options": True}),
    Condition("gateway: caches answers", "any", gateway={"keeps": True}, believable=False),
    Condition("two replicas", "campaign", replicas=2),
    Condition("swap within a round", "nobody", swaps=True),
)
