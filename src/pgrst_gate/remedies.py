"""What to type, for each cause and item. docs/verdicts.md tells the rest, by the same names.

A remedy is typed as it is, or it is a sentence, with what is to be typed between backticks.
"""

from __future__ import annotations

import shlex
from typing import Final

from pgrst_gate.reach import UNKNOWN, Reach
from pgrst_gate.schema import Column, Function, Item, Relation, Relationship, quoted
from pgrst_gate.verdicts import Cause, Verdict

_FIXED: Final = {
    Cause.STALE: (
        "reload the schema cache: `NOTIFY {channel}, 'reload schema';` or `{signal}`; if that was"
        " done, see in PostgREST's log whether it arrived"
    ),
    Cause.NOT_EXPOSED: (
        "add the schema to PostgREST's `db-schemas`, then `NOTIFY {channel}, 'reload config';` and"
        " `NOTIFY {channel}, 'reload schema';`"
    ),
    Cause.RELOADING: "the first load has not ended: give it more time (`timeout`)",
    Cause.RELOAD_FAILING: (
        "read PostgREST's log for `Failed to load the schema cache` ({log}). Usual causes: the"
        " authenticator role's statement_timeout, a schema in `db-schemas` that does not exist, a"
        " foreign table whose wrapper has no handler. Once mended, restart PostgREST or end the"
        " authenticator's connections"
    ),
    Cause.UNAUTHORIZED: "check `api-key` and `token`: not expired, of this project, not swapped",
    Cause.UNREACHABLE: (
        "see PostgREST's own log ({log}), and whether its database accepts connections"
    ),
    Cause.NOT_POSTGREST: "use the address of PostgREST itself as `url`, with the gateway's prefix",
    Cause.UNPROVEN: (
        "give `admin-url`, or a key that may read the API's root, so that it can be told; or leave"
        " the item out and name a harmless call of it in `endpoints`"
    ),
}


def remedy(verdict: Verdict, by: Reach = UNKNOWN, role: str = "", *, kind: str = "table") -> str:
    """What to type for a verdict that closes the gate; empty for one that does not.

    ``role`` is the key's, empty where it is not known; ``kind`` is that of a relation.
    """
    if verdict.ok:
        return ""
    match verdict.cause:
        case Cause.NOT_GRANTED:
            return grant(verdict.item, role)
        case Cause.NOT_APPLIED:
            return _apply(verdict, by)
        case Cause.WRONG_SIGNATURE:
            there = f": `expected-functions: {verdict.instead}`" if verdict.instead else ""
            change = f"apply the migration that changes it, and reload: `{by.reload}`"
            return f"expect the function that is there{there}; or {change}"
        case Cause.AMBIGUOUS:
            return _disambiguate(verdict.item)
        case Cause.TYPE_DRIFT:
            return f"expect the type it has, or {_retyped(verdict.item)}, and reload: `{by.reload}`"
        case Cause.STILL_SERVED if verdict.exists is False:
            return f"it was dropped, so reload the schema cache: `{by.reload}` or `{by.signal}`"
        case Cause.STILL_SERVED:
            drop = dropped(verdict.item, kind)
            return f"if no client uses it, take it away: `{drop}` and reload: `{by.reload}`"
        case cause:
            text = _FIXED.get(cause, "").replace("{channel}", by.channel)
            return text.replace("{signal}", by.signal).replace("{log}", by.log)


def grant(item: Item, role: str) -> str:
    """The statement that lets the role use the item; without a role it has a place for one."""
    role = quoted(role) if role else "<role of this key>"
    match item:
        case Function():
            kinds = ", ".join(
                argument.type or f"<type of {argument.name}>" for argument in item.arguments
            )
            name = f"{quoted(item.schema)}.{quoted(item.name)}"
            return f"grant execute on function {name}({kinds}) to {role};"
        case Column(relation=relation):
            return f"grant select ({quoted(item.name)}) on {relation} to {role};"
        case Relationship(origin=origin):
            other = Relation(origin.schema, item.target)
            return f"grant select on {origin}, {other} to {role};"
        case Relation():
            return f"grant select on {item} to {role};"


def permission(
    role: str, verb: str, item: Relation | Function, *, give: bool, schema_too: bool = False
) -> str:
    """The statements that give a role the privilege for a verb of `access`, or take it away.

    What everybody has is taken from everybody: by default that is the right to call functions.
    """
    what = {"read": "select", "call": "execute"}.get(verb, verb)
    on = f"function {_signature(item)}" if isinstance(item, Function) else str(item)
    if not give:
        return f"revoke {what} on {on} from public, {quoted(role)};"
    usage = (
        f"grant usage on schema {quoted(item.schema)} to {quoted(role)};\n" if schema_too else ""
    )
    return f"{usage}grant {what} on {on} to {quoted(role)};"


def _signature(item: Function) -> str:
    """Its name alone will do where no other function has it; types where all are known."""
    name = f"{quoted(item.schema)}.{quoted(item.name)}"
    types = [argument.type for argument in item.arguments]
    return f"{name}({', '.join(types)})" if all(types) else name


def row_policy(role: str, relation: Relation, *, more: bool) -> str:
    """What to type for a role that sees too few rows, or too many."""
    policy = f"create policy <name> on {relation} for select to {quoted(role)} using (<condition>);"
    if more:
        return f"let it see more, if there are any: {policy}"
    return f"alter table {relation} enable row level security;\nand narrow its policies: {policy}"


def dropped(item: Item, kind: str) -> str:
    """The statement that takes the item away; ``kind`` is that of a relation."""
    match item:
        case Function():
            return f"drop function {_signature(item)};"
        case Column(relation=relation):
            return f"alter table {relation} drop column {quoted(item.name)};"
        case Relationship(origin=origin):
            return f"alter table {origin} drop constraint <its foreign key>;"
        case Relation():
            return f"drop {kind} {item};"


def _retyped(item: Item) -> str:
    """How it gets the type that is expected of it; for a column that is a statement."""
    if not isinstance(item, Column):
        return "apply the migration that changes it"
    name = quoted(item.name)
    change = f"alter column {name} type {item.type} using {name}::{item.type}"
    return f"change it: `alter table {item.relation} {change};`"


def _apply(verdict: Verdict, by: Reach) -> str:
    item = verdict.item
    path, _ = verdict.migration or ("", 0)
    what = path or ("the foreign key for it" if isinstance(item, Relationship) else "it")
    text = (
        f"the migration that creates {what} is not applied to the database PostgREST uses: compare"
        " `supabase migration list`, and the database in PostgREST's db-uri"
    )
    if path:
        file = shlex.quote(path)
        how = by.apply or f'psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -1 -f {file}'
        text = (
            f"{path} is not applied to the database PostgREST uses. Apply it: `{how}`, then"
            f" `{by.reload}` If it was applied, compare the database with the one in PostgREST's"
            " db-uri"
        )
    if isinstance(item, Relation):
        text += ". A partition is never in the cache: expect its parent"
    if isinstance(item, Function):
        text += (
            ". Also never in the cache: procedures, functions that return a trigger, and functions"
            " with two or more unnamed arguments"
        )
    return text


def _disambiguate(item: Item) -> str:
    if isinstance(item, Relationship):
        return (
            "two foreign keys join these tables, so embedding needs a hint: name the key,"
            f" `select={item.target}!<foreign key>(*)`, or drop one of them"
        )
    return "two functions have these argument names and differ in types only: rename one of them"
