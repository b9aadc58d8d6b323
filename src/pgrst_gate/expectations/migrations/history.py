"""What a migration tool says that it applied: its own table in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, LiteralString

from pgrst_gate.database import connected
from pgrst_gate.errors import NotObserved, UsageError
from pgrst_gate.expectations.migrations.layouts import Layout

# The table of each tool, and what of it `since.new` can compare. golang-migrate keeps the last
# version alone, and Drizzle compares the last time of creation: what is older counts as applied.
_TABLES: Final[Mapping[Layout, tuple[LiteralString, LiteralString]]] = {
    "supabase": ("supabase_migrations.schema_migrations", "SELECT version"),
    "flyway": ("flyway_schema_history", "SELECT script"),
    "dbmate": ("schema_migrations", "SELECT version"),
    "golang-migrate": (
        "schema_migrations",
        "SELECT (CASE WHEN dirty THEN version - 1 ELSE version END)::text",
    ),
    "sqitch": ("sqitch.changes", "SELECT change"),
    "prisma": ("_prisma_migrations", "SELECT migration_name"),
    "drizzle": ("drizzle.__drizzle_migrations", "SELECT created_at::text"),
}
_APPLIED: Final[Mapping[Layout, LiteralString]] = {
    "flyway": " WHERE success",
    "prisma": " WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
}


def applied(database_url: str, layout: Layout) -> tuple[str, ...]:
    """The migrations in the tool's history, for a later `{"applied": [...]}`; empty without one.

    Raises NotObserved where the database or the table cannot be read, UsageError where the layout
    is of no tool that keeps a history.
    """
    if layout not in _TABLES:
        raise UsageError(
            f"the layout `{layout}` has no table of what was applied",
            hint="give `since` a git ref or a JSON file",
        )
    table, columns = _TABLES[layout]
    with connected(database_url, "asked for its migrations", NotObserved) as connection:
        [(found,)] = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchall()
        if not found:
            return ()
        query = columns + " FROM " + table + _APPLIED.get(layout, "") + " ORDER BY 1"
        return tuple(str(value) for (value,) in connection.execute(query).fetchall())
