"""What roles and databases have been told by `ALTER ... SET`, of interest to PostgREST."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, LiteralString

from pgrst_gate.health.asking import Rows
from pgrst_gate.health.values import Setting
from pgrst_gate.schema import quoted

QUERY: Final[LiteralString] = """
select split_part(one, '=', 1), substr(one, strpos(one, '=') + 1), coalesce(r.rolname, ''),
  case when s.setdatabase <> 0 then current_database() else '' end
from pg_db_role_setting s cross join unnest(s.setconfig) one
  left join pg_roles r on r.oid = s.setrole
where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and (one like 'statement\\_timeout=%%' or one like 'pgrst.%%')
"""

_SECONDS: Final = {"us": 1e-6, "": 1e-3, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}


def settings(rows: Rows) -> tuple[Setting, ...]:
    """All that apply in this database, to whomever."""
    return tuple(Setting(*row) for row in rows)


def in_force(found: Iterable[Setting], name: str, role: str) -> Setting | None:
    """The setting that a new session of the role begins with; None where nobody set it.

    A role's goes before its database's, and one for this database before one for all.
    """
    apply = [one for one in found if one.name == name and one.role in {role, ""}]
    return max(apply, key=lambda one: (bool(one.role), bool(one.database)), default=None)


def altered(role: str, found: Setting) -> str:
    """How the statement begins that alters this setting for a role, wherever it was made.

    One for a database stays in force whatever the role is told for all.
    """
    here = f" in database {quoted(found.database)}" if found.role and found.database else ""
    return f"alter role {quoted(role)}{here}"


def anonymous(found: Iterable[Setting] | None) -> str:
    """The role of requests without a token, where the database holds that setting; else empty."""
    named = {one.value for one in found or () if one.name == "pgrst.db_anon_role"}
    return named.pop() if len(named) == 1 else ""


def exposed(found: Iterable[Setting] | None) -> frozenset[str]:
    """The schemas that the database itself is set to have exposed, by whatever role."""
    lists = (one.value for one in found or () if one.name == "pgrst.db_schemas")
    return frozenset(name.strip() for one in lists for name in one.split(",") if name.strip())


def seconds(value: str) -> float | None:
    """A duration as PostgreSQL takes it: `8s`, `'500ms'`, `3000`. None where it is none."""
    match = re.fullmatch(r"'?\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*'?", value)
    if match is None or match[2] not in _SECONDS:
        return None
    return float(match[1]) * _SECONDS[match[2]]
