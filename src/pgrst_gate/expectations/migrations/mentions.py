"""What a query names: that on which a view depends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pgrst_gate.expectations.migrations.model import Mentions
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import type_text

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import Node

_OPERATORS: Final = {"=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "||", "->", "->>"}
"""PostgreSQL's own: no extension takes them away."""


def mentions(session: Session, query: Node) -> Mentions:
    """What a query names. A relation that it reads must be there, known or not."""
    from postgast import pg_query_pb2 as pg
    from postgast import walk

    found = [message for _, message in walk(query)]
    ctes = {one.ctename for one in found if isinstance(one, pg.CommonTableExpr)}
    relations, columns = set(), set()
    for one in found:
        if isinstance(one, pg.RangeVar) and (one.schemaname or one.relname not in ctes):
            name = session.relation(one)
            if name is not None and name.schema not in {"pg_catalog", "information_schema"}:
                relations.add(session.standing(name).number)
        elif isinstance(one, pg.ColumnRef):
            columns |= {part.string.sval for part in one.fields if part.HasField("string")}
    return Mentions(
        relations=frozenset(relations),
        functions=frozenset(
            part.string.sval
            for one in found
            if isinstance(one, pg.FuncCall | pg.A_Expr)
            for part in (one.funcname if isinstance(one, pg.FuncCall) else one.name)
            if part.string.sval not in _OPERATORS
        ),
        types=frozenset(
            type_text(session, one).removesuffix("[]")
            for one in found
            if isinstance(one, pg.TypeName)
        ),
        columns=frozenset(columns),
        star=any(isinstance(one, pg.A_Star) for one in found),
    )
