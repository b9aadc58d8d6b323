"""Migrations as real projects have them: what is read of them is what PostgreSQL makes of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from postgast import parse
from tests.integration.migrations.catalog import HELPER, Offer, offer

from pgrst_gate.expectations.migrations import Reading, read_migrations
from pgrst_gate.schema import ANY_KEYS, Argument, Column, Function, Item, Relation, Relationship
from pgrst_sandbox.postgres import postgres

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.sql"))

Offered = frozenset[Item]


@dataclass(frozen=True)
class Step:
    """A statement of a file, and what was offered before and after it."""

    path: str
    first: int
    last: int
    before: Offer
    after: Offer


@pytest.fixture(scope="module")
def history() -> Iterator[dict[str, list[Step]]]:
    """Each file of the corpus, applied to a database statement by statement."""
    with (
        postgres() as server,
        psycopg.connect(server.dsn(), autocommit=True) as connection,
    ):
        connection.execute(f"create role anon; create role authenticated; {HELPER}".encode())
        now = offer(connection)
        found: dict[str, list[Step]] = {}
        for path in CORPUS:
            # As the Supabase CLI: each file afresh.
            connection.execute("reset all")
            steps = found[path.name] = []
            for first, last, text in statements(path.read_text("utf-8")):
                connection.execute(text)
                before, now = now, offer(connection)
                steps.append(Step(path.name, first, last, before, now))
        yield found


def statements(text: str) -> Iterator[tuple[int, int, bytes]]:
    """First line, last line and text of each; psql's own commands are left out."""
    lines = ["" if line.startswith("\\") else line for line in text.split("\n")]
    whole = "\n".join(lines).encode()
    for raw in parse(whole.decode()).stmts:
        end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(whole)
        statement = whole[raw.stmt_location : end]
        yield (
            whole.count(b"\n", 0, raw.stmt_location) + 1,
            whole.count(b"\n", 0, end) + 1,
            statement,
        )


def read_alone(path: Path, folder: Path) -> Reading:
    """What is read with this file as the only new one, on top of those before it."""
    number = CORPUS.index(path)
    for one in CORPUS[: number + 1]:
        (folder / one.name).symlink_to(one)
    applied = folder / "applied.json"
    applied.write_text(json.dumps({"applied": [one.name for one in CORPUS[:number]]}))
    return read_migrations(folder, "supabase", str(applied))


def bare(item: Item) -> Item:
    """The item without its types."""
    match item:
        case Column():
            return replace(item, type="")
        case Function(arguments=arguments):
            return replace(item, arguments=tuple(Argument(one.name) for one in arguments))
        case _:
            return item


def is_offered(item: Item, offered: Offered) -> bool:
    """Whether it is there, with the types that it names."""
    if item in offered:
        return True
    match item:
        case Column(type=""):
            return item in map(bare, offered)
        case Function(schema, name, arguments):
            return any(
                isinstance(one, Function)
                and (one.schema, one.name) == (schema, name)
                and len(one.arguments) == len(arguments)
                and all(
                    mine.name == its.name and mine.type in {"", its.type}
                    for mine, its in zip(arguments, one.arguments, strict=True)
                )
                for one in offered
            )
        case _:
            return False


def wrong(reading: Reading, after: Offered) -> list[str]:
    """The claims that the catalog denies."""
    there = {bare(item) for item in after if not isinstance(item, Function)}
    return [
        *(
            f"{place}: + {item}"
            for item, place in reading.present.items()
            if not is_offered(item, after)
        ),
        *(
            f"{place}: - {item}"
            for item, place in reading.absent.items()
            if bare(item) in there or (isinstance(item, Function) and item in after)
        ),
    ]  # fmt: skip


def is_claimed(item: Item, reading: Reading, after: Offered) -> bool:
    """Whether the reading tells of this change, or of one that says the same."""
    present = {bare(one) for one in reading.present}
    absent = {bare(one) for one in reading.absent}
    if item in after:
        return bare(item) in present
    match item:
        case Relation():
            return item in absent
        case Column(relation=relation):
            retyped = bare(item) in present
            return retyped or bare(item) in absent or relation in absent
        case Relationship(origin, target):
            end = Relation(origin.schema, target)
            return (
                not absent.isdisjoint({item, origin, end})
                or origin not in after
                or end not in after
            )
        case Function(schema, name, arguments):
            # A request for it is answered by another function.
            asked = {one.name for one in arguments}
            return bare(item) in absent or any(
                isinstance(one, Function)
                and (one.schema, one.name) == (schema, name)
                and (asked <= (names := {each.name for each in one.arguments}) or ANY_KEYS in names)
                for one in after
            )


def changes(steps: list[Step]) -> Offered:
    """What is offered after the statements and not before, and the other way round.

    A relationship that became ambiguous has not gone: there is nothing to claim of it.
    """
    before, after = steps[0].before, steps[-1].after
    return (before.items ^ after.items) - after.ambiguous


def missed(reading: Reading, steps: list[Step]) -> list[str]:
    """The changes that were neither claimed nor put down as unreadable."""
    after = steps[-1].after.items
    notes = {(Path(one.place.path).name, one.place.line) for one in reading.unreadable}
    found = []
    for item in changes(steps):
        if is_claimed(item, reading, after):
            continue
        made_by = [
            step for step in steps if (item in step.before.items) != (item in step.after.items)
        ]
        lines = {(step.path, line) for step in made_by for line in range(step.first, step.last + 1)}
        if notes.isdisjoint(lines):
            sign = "+" if item in after else "-"
            found.append(f"{made_by[-1].path}:{made_by[-1].first}: {sign} {item}")
    return sorted(found)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_file_is_read_as_the_database_takes_it(
    path: Path, tmp_path: Path, history: dict[str, list[Step]]
) -> None:
    """No claim is wrong, and no change goes unmentioned, with this file as the only new one."""
    reading = read_alone(path, tmp_path)
    steps = history[path.name]

    assert wrong(reading, steps[-1].after.items) == []
    assert missed(reading, steps) == []


def test_all_files_are_read_as_the_database_takes_them(history: dict[str, list[Step]]) -> None:
    """No claim is wrong, and no change goes unmentioned, with all files new at once."""
    steps = [step for path in CORPUS for step in history[path.name]]

    reading = read_migrations(CORPUS[0].parent, "supabase", "")

    assert wrong(reading, steps[-1].after.items) == []
    assert missed(reading, steps) == []


def test_most_changes_are_claimed(tmp_path: Path, history: dict[str, list[Step]]) -> None:
    """The list of what is not readable is no way out: four of five changes are claimed."""
    claimed = total = 0
    for path in CORPUS:
        folder = tmp_path / path.stem
        folder.mkdir()
        reading, steps = read_alone(path, folder), history[path.name]
        after = steps[-1].after.items
        total += len(changes(steps))
        claimed += sum(is_claimed(item, reading, after) for item in changes(steps))

    assert claimed / total > 0.8


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_file_is_read_well_where_those_before_it_are_missing(
    path: Path, tmp_path: Path, history: dict[str, list[Step]]
) -> None:
    """No claim is wrong where the database has much that no file of the folder made."""
    (tmp_path / path.name).symlink_to(path)

    reading = read_migrations(tmp_path, "supabase", "")

    assert wrong(reading, history[path.name][-1].after.items) == []
