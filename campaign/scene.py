"""What a trial is about: a schema, a migration, a condition and an expectation, from one seed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import psycopg

from campaign import bases, effects, migrations
from campaign.conditions import CONDITIONS, Condition
from campaign.expectations import expectation
from campaign.servers import Servers
from campaign.surface import Catalog, Name
from pgrst_gate.schema import Column, Expectation, Function, Item, Relation, Relationship


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that was drawn, with the base made and loaded and the migration not yet run."""

    rng: Random
    condition: Condition
    """With `loader` drawn where it could be any."""
    role: str
    steps: tuple[str, ...]
    """Of the migration, as far as the condition lets it go."""
    expected: Expectation


def prepared(seed: int, servers: Servers) -> Scene:
    """Make and load the base, and draw the rest."""
    rng = Random(seed)
    condition = rng.choice(CONDITIONS)
    if condition.loader == "any":
        condition = replace(condition, loader=rng.choice(("campaign", "gate", "nobody")))
    role = rng.choice(("anon", "member"))
    connection = servers.connection
    with connection.transaction():
        accepted(connection, [bases.SCHEMAS, effects.SETUP])
        accepted(connection, bases.base(rng))
        connection.execute(effects.WATCH.encode())
    before = servers.look(role)
    for number in range(condition.replicas):
        servers.reload(number)
    with connection.transaction(force_rollback=True):
        steps = accepted(connection, migrations.migration(rng, before))
        after = servers.look(role)
    expected = expectation(rng, before, after, condition.schemas)
    if condition.bad_token:
        expected = Expectation(expected.present)
    if condition.applied == "some":
        steps = tuple(step for step in steps if rng.random() < 0.6)
    elif condition.applied == "none":
        steps = ()
    steps += tuple(_further(rng, condition, expected, role, after))
    return Scene(rng, condition, role, steps, expected)


def migrate(scene: Scene, servers: Servers) -> None:
    """Run the steps. The servers are not told."""
    with servers.connection.transaction():
        accepted(servers.connection, scene.steps)
        servers.connection.execute(effects.WATCH.encode())


def accepted(connection: psycopg.Connection[Any], statements: Iterable[str]) -> tuple[str, ...]:
    """Run the statements within a transaction; gives those that PostgreSQL did not refuse."""
    found: list[str] = []
    for statement in statements:
        try:
            with connection.transaction():
                connection.execute(statement.encode())
        except psycopg.Error:
            continue
        found.append(statement)
    return tuple(found)


def _further(
    rng: Random, condition: Condition, expected: Expectation, role: str, after: Catalog
) -> Iterator[str]:
    """What the condition does besides the migration."""
    if condition.hides_rows:
        for name in sorted(after.surface.tables):
            yield f"alter table {migrations.full(name)} enable row level security"
    if condition.revokes and expected.present:
        for item in rng.sample(expected.present, min(2, len(expected.present))):
            yield from _revoked(rng, item, role, after)


def _revoked(rng: Random, item: Item, role: str, after: Catalog) -> Iterator[str]:
    if rng.random() < 0.15:
        yield f"revoke usage on schema {item.schema} from {role}"
        return
    match item:
        case Function():
            name = migrations.full(Name(item.schema, item.name))
            for overload in after.surface.functions.get(Name(item.schema, item.name), ()):
                kinds = ", ".join(one.type for one in overload.parameters)
                yield f"revoke execute on function {name}({kinds}) from public, {role}"
        case Column() if rng.random() < 0.7:
            of = Name(item.schema, item.relation.name)
            others = sorted(after.all_columns.get(of, frozenset()) - {item.name})
            full, listed = migrations.full(of), ", ".join(map(bases.quoted, others))
            yield f"revoke all on {full} from {role}; grant select ({listed}) on {full} to {role}"
        case Relation() | Column() | Relationship():
            relation = item.name if isinstance(item, Relation) else _near_or_far(rng, item)
            full = migrations.full(Name(item.schema, relation))
            yield f"revoke all on {full} from {role}"


def _near_or_far(rng: Random, item: Column | Relationship) -> str:
    if isinstance(item, Column):
        return item.relation.name
    return rng.choice((item.origin.name, item.target))
