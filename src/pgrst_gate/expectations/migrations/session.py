"""The session in which a file is read: its search path, its place in the file, its notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Final

from pgrst_gate.expectations.migrations.model import (
    TEMPORARY,
    Gone,
    Model,
    Name,
    Table,
    Type,
)
from pgrst_gate.expectations.migrations.outcomes import forgotten, joined
from pgrst_gate.expectations.migrations.places import Place, Unreadable
from pgrst_gate.schema import Relation

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import RangeVar

DEFAULT_PATH: Final = ("public",)


@dataclass(frozen=True, slots=True)
class Source:
    """SQL text, and where its first line stands. Locations in it are counted in bytes."""

    path: str
    text: bytes
    line: int = 1

    def place(self, location: int) -> Place:
        return Place(self.path, self.line + self.text.count(b"\n", 0, max(location, 0)))


@dataclass(slots=True)
class Session:
    """Reads one file. Each file has its own: settings do not outlast it.

    So does the Supabase CLI, with RESET ALL (supabase/cli pkg/migration/apply.go@034ff09).
    """

    model: Model
    source: Source
    search_path: tuple[str, ...] = DEFAULT_PATH
    here: int = 0
    """Where the statement begins that is being read."""
    notes: list[Unreadable] = field(default_factory=list)
    nested: bool = False
    """In a DO block, which is always in a transaction."""
    doubt: str = ""
    """Why the statements that are being read may not run, or not last."""
    tolerant: bool = False
    """A statement that fails since what it makes is there already does no harm."""
    begun: list[tuple[str, Model]] = field(default_factory=list)
    """The model at the BEGIN of the open transaction, and at its savepoints, by their names."""
    outer_path: tuple[str, ...] | None = None
    """The search path to which COMMIT goes back, where SET LOCAL changed it."""

    def place(self, location: int = 0) -> Place:
        """The line of a location, or of the statement where PostgreSQL's parser gives none."""
        return self.source.place(location or self.here)

    def note(self, why: str, location: int = 0) -> None:
        """Put down that something of this statement cannot be read."""
        found = Unreadable(self.place(location), why)
        if found not in self.notes:
            self.notes.append(found)

    def dynamic(self, why: str, location: int = 0) -> None:
        """Put down a statement that may do anything.

        What was read is taken to stand, but nowhere any more to be all there is.
        """
        self.note(why, location)
        self.model.schemas = frozenset()
        for name, table in self.model.tables():
            self.put(name, replace(table, whole=False))

    @contextmanager
    def forgetful(self) -> Iterator[None]:
        """Put down, where it was made, what a statement makes uncertain."""
        before = self.model.copy()
        yield
        here = self.place()
        for place in dict.fromkeys(forgotten(before, self.model)):
            self.notes.append(Unreadable(place, f"it may be gone, see {here}"))

    @contextmanager
    def inside(self, source: Source) -> Iterator[None]:
        """Read a text that stands in this one."""
        before = self.source, self.here, self.nested
        self.source, self.here, self.nested = source, 0, True
        try:
            yield
        finally:
            self.source, self.here, self.nested = before

    def perhaps(self, *branches: Callable[[], None]) -> bool:
        """Read what may or may not happen: only what holds in every case is known afterwards.

        True if the cases differ.
        """
        start = self.model.copy()
        outcomes: list[Model] = []
        for branch in branches:
            self.model.restore(start.copy())
            branch()
            outcomes.append(self.model.copy())
        self.model.restore(reduce(joined, outcomes))
        return any(outcome != outcomes[0] for outcome in outcomes)

    @contextmanager
    def doubting(self, why: str) -> Iterator[None]:
        """Put down every statement in here that would change what is known."""
        before, self.doubt = self.doubt, why
        try:
            yield
        finally:
            self.doubt = before

    @contextmanager
    def tolerating(self) -> Iterator[None]:
        """Read a statement that may fail since what it makes is there already."""
        before, self.tolerant = self.tolerant, True
        try:
            yield
        finally:
            self.tolerant = before

    # --- names ---

    def made(self, relation: RangeVar) -> Name | None:
        """The name that a new relation gets; None, and a note, where nobody can tell."""
        if relation.relpersistence == "t" or relation.schemaname.startswith(TEMPORARY):
            return Name(TEMPORARY, relation.relname)
        return self.new(relation.schemaname, relation.relname)

    def new(self, schema: str, name: str) -> Name | None:
        """As `made`, for what is no relation."""
        if schema or self.search_path:
            return Name(schema or self.search_path[0], name)
        self.note("the search_path names no schema")
        return None

    def relation(self, relation: RangeVar) -> Name | None:
        """The name of a relation that is there; None, and a note, where nobody can tell."""
        return self.found(relation.schemaname, relation.relname, self.model.relations)

    def found(
        self, schema: str, name: str, known: dict[Name, Table | Gone] | dict[Name, Type | Gone]
    ) -> Name | None:
        """As `relation`. What is known wins over what may be in a schema before it."""
        if schema:
            return Name(TEMPORARY if schema.startswith(TEMPORARY) else schema, name)
        candidates = [Name(one, name) for one in (TEMPORARY, *self.search_path)]
        for candidate in candidates:
            if not isinstance(known.get(candidate, Gone(None)), Gone):
                return candidate
        possible = [
            one
            for one in candidates[1:]
            if one not in known and one.schema not in self.model.schemas
        ]
        if len(possible) == 1:
            return possible[0]
        if len(self.search_path) == 1:
            return candidates[1]
        self.note(f"which schema of the search_path has {name}")
        return None

    def standing(self, name: Name) -> Table:
        """The relation of that name, which must be there, known or not."""
        found = self.model.table(name)
        if found is None:
            found = Table("relation", None, whole=False)
            self.model.relations[name] = found
            self.model.stood |= {Relation(name.schema, name.name)}
        return found

    def put(self, name: Name, table: Table) -> None:
        """Let a relation be known by this name."""
        self.model.relations[name] = table

    def change(self, name: Name, **changes: object) -> None:
        """Change some fields of a relation that is there."""
        self.model.relations[name] = replace(self.standing(name), **changes)  # type: ignore[arg-type]
