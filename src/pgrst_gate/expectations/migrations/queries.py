"""The columns that a query puts out, and what it names, without running it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pgrst_gate.expectations.migrations.figures import column_name
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import type_text

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import Alias, JoinExpr, Node, RangeVar, SelectStmt

STAR: Final = "`select *` of what is not wholly known"
NAMELESS: Final = "a column's name is not known without running it; give it an alias"


@dataclass(frozen=True, slots=True)
class Out:
    """A column of a result; name and type are empty where they are not known."""

    name: str
    type: str = ""
    location: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """The shape of a result. Where it is not ``whole`` there are more columns, somewhere."""

    columns: tuple[Out, ...] = ()
    whole: bool = True
    why: tuple[tuple[int, str], ...] = ()
    """Where and why it is not wholly known."""

    def named(self, names: Iterable[str]) -> Rows:
        """With other names for the first columns."""
        given = tuple(names)
        if not given:
            return self
        if not self.whole:
            return Rows(tuple(map(Out, given)), whole=False, why=self.why)
        first = tuple(
            replace(out, name=name) for name, out in zip(given, self.columns, strict=False)
        )
        return replace(self, columns=first + self.columns[len(given) :])


UNKNOWN = Rows(whole=False)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What FROM makes visible: all its columns, and those of each item by its alias."""

    visible: Rows = Rows()
    items: Mapping[str, Rows] = field(default_factory=dict)


def rows(session: Session, select: SelectStmt, known: Mapping[str, Rows] | None = None) -> Rows:
    """The columns of a query; ``known`` are the common table expressions around it."""
    tables = dict(known or {})
    for one in select.with_clause.ctes:
        cte = one.common_table_expr
        query = cte.ctequery.select_stmt
        start = query.larg if select.with_clause.recursive and query.HasField("larg") else query
        found = rows(session, start, tables) if cte.ctequery.HasField("select_stmt") else UNKNOWN
        extended = cte.HasField("search_clause") or cte.HasField("cycle_clause")
        tables[cte.ctename] = replace(
            found.named(name.string.sval for name in cte.aliascolnames),
            whole=found.whole and not extended,
        )
    if select.HasField("larg"):
        return _united(rows(session, select.larg, tables), rows(session, select.rarg, tables))
    if select.values_lists:
        width = len(select.values_lists[0].list.items)
        return Rows(tuple(Out(f"column{number}") for number in range(1, width + 1)))
    scope = _joined([_from(session, item, tables) for item in select.from_clause])
    return _concatenated([_target(session, one, scope) for one in select.target_list])


def _united(left: Rows, right: Rows) -> Rows:
    """Names are the first query's; a type is sure where both have the same."""
    if not left.whole or not right.whole:
        return replace(left, columns=tuple(replace(out, type="") for out in left.columns))
    return replace(
        left,
        columns=tuple(
            one if one.type == other.type else replace(one, type="")
            for one, other in zip(left.columns, right.columns, strict=False)
        ),
    )


def _concatenated(parts: Iterable[Rows]) -> Rows:
    found = list(parts)
    return Rows(
        tuple(out for part in found for out in part.columns),
        whole=all(part.whole for part in found),
        why=tuple(why for part in found for why in part.why),
    )


# --- the select list ---


def _target(session: Session, node: Node, scope: _Scope) -> Rows:
    target = node.res_target
    value = target.val
    if _is_star(value):
        return _star(value, scope)
    name = target.name or column_name(value)
    kind = _type_of(session, value, scope)
    if name is None:
        return Rows(whole=False, why=((target.location, NAMELESS),))
    return Rows((Out(name, kind, target.location),))


def _is_star(value: Node) -> bool:
    for steps in (value.column_ref.fields, value.a_indirection.indirection):
        if steps and steps[-1].HasField("a_star"):
            return True
    return False


def _star(value: Node, scope: _Scope) -> Rows:
    reference = value.column_ref
    location = reference.location or value.a_indirection.arg.column_ref.location
    fields = list(reference.fields)
    if len(fields) == 1:
        found = scope.visible
    else:
        name = fields[-2].string.sval if fields else ""
        found = scope.items.get(name, UNKNOWN)
    columns = tuple(replace(out, location=location) for out in found.columns)
    return Rows(columns, found.whole, () if found.whole else ((location, STAR),))


def _type_of(session: Session, value: Node, scope: _Scope) -> str:
    if value.HasField("type_cast"):
        return type_text(session, value.type_cast.type_name)
    names = [part.string.sval for part in value.column_ref.fields]
    if not names:
        return ""
    source = scope.visible if len(names) == 1 else scope.items.get(names[-2], UNKNOWN)
    types = {out.type for out in source.columns if out.name == names[-1]}
    # Of what is not wholly known, another item may have the column as well.
    return types.pop() if len(types) == 1 and source.whole else ""


# --- the FROM list ---


def _from(session: Session, node: Node, tables: Mapping[str, Rows]) -> _Scope:
    match node.WhichOneof("node"):
        case "range_var":
            return _item(
                _stored(session, node.range_var, tables),
                node.range_var.alias,
                node.range_var.relname,
            )
        case "range_subselect":
            item = node.range_subselect
            return _item(rows(session, item.subquery.select_stmt, tables), item.alias)
        case "join_expr":
            return _join(session, node.join_expr, tables)
        case "range_table_sample":
            return _from(session, node.range_table_sample.relation, tables)
        case "range_function":
            return _item(UNKNOWN, node.range_function.alias)
        case _:
            return _Scope(UNKNOWN)


def _stored(session: Session, relation: RangeVar, tables: Mapping[str, Rows]) -> Rows:
    if not relation.schemaname and relation.relname in tables:
        return tables[relation.relname]
    name = session.relation(relation)
    table = session.model.table(name) if name else None
    if table is None:
        return UNKNOWN
    return Rows(tuple(Out(name, one.type) for name, one in table.columns.items()), table.whole)


def _item(found: Rows, alias: Alias, name: str = "") -> _Scope:
    found = found.named(one.string.sval for one in alias.colnames)
    called = alias.aliasname or name
    return _Scope(found, {called: found} if called else {})


def _joined(scopes: list[_Scope]) -> _Scope:
    return _Scope(
        _concatenated(one.visible for one in scopes),
        {name: found for one in scopes for name, found in one.items.items()},
    )


def _join(session: Session, join: JoinExpr, tables: Mapping[str, Rows]) -> _Scope:
    left, right = (_from(session, side, tables) for side in (join.larg, join.rarg))
    both = _joined([left, right])
    shared = [one.string.sval for one in join.using_clause]
    if join.is_natural:
        here = {out.name for out in right.visible.columns}
        shared = [out.name for out in left.visible.columns if out.name in here]
    if shared:
        both = replace(both, visible=_merged(left.visible, right.visible, shared))
    if join.is_natural and not (left.visible.whole and right.visible.whole):
        both = replace(both, visible=UNKNOWN)
    if join.HasField("alias"):
        return _item(both.visible, join.alias)
    return both


def _merged(left: Rows, right: Rows, shared: list[str]) -> Rows:
    """The columns of a join by shared columns: each of those once, and first."""
    firsts = list(_picked(left, shared))
    rest = [out for side in (left, right) for out in side.columns if out.name not in shared]
    return Rows((*firsts, *rest), left.whole and right.whole)


def _picked(side: Rows, names: list[str]) -> Iterator[Out]:
    by_name = {out.name: out for out in side.columns}
    # A full join of two types has the type of neither.
    return (Out(name, by_name[name].type if name in by_name else "") for name in names)
