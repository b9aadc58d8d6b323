"""The name that PostgreSQL gives to a column of a query that has no alias.

As FigureColname of src/backend/parser/parse_target.c, PostgreSQL 18.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import Node

NAMELESS: Final = "?column?"

_FIXED: Final = {
    "grouping_func": "grouping",
    "merge_support_func": "merge_action",
    "a_array_expr": "array",
    "row_expr": "row",
    "coalesce_expr": "coalesce",
    "xml_serialize": "xmlserialize",
    "json_parse_expr": "json",
    "json_scalar_expr": "json_scalar",
    "json_serialize_expr": "json_serialize",
    "json_object_constructor": "json_object",
    "json_array_constructor": "json_array",
    "json_array_query_constructor": "json_array",
    "json_object_agg": "json_objectagg",
    "json_array_agg": "json_arrayagg",
}
_BY_OPERATION: Final = {
    "IS_GREATEST": "greatest",
    "IS_LEAST": "least",
    "IS_XMLCONCAT": "xmlconcat",
    "IS_XMLELEMENT": "xmlelement",
    "IS_XMLFOREST": "xmlforest",
    "IS_XMLPARSE": "xmlparse",
    "IS_XMLPI": "xmlpi",
    "IS_XMLROOT": "xmlroot",
    "JSON_EXISTS_OP": "json_exists",
    "JSON_QUERY_OP": "json_query",
    "JSON_VALUE_OP": "json_value",
    "SVFOP_CURRENT_DATE": "current_date",
    "SVFOP_CURRENT_TIME": "current_time",
    "SVFOP_CURRENT_TIME_N": "current_time",
    "SVFOP_CURRENT_TIMESTAMP": "current_timestamp",
    "SVFOP_CURRENT_TIMESTAMP_N": "current_timestamp",
    "SVFOP_LOCALTIME": "localtime",
    "SVFOP_LOCALTIME_N": "localtime",
    "SVFOP_LOCALTIMESTAMP": "localtimestamp",
    "SVFOP_LOCALTIMESTAMP_N": "localtimestamp",
    "SVFOP_CURRENT_ROLE": "current_role",
    "SVFOP_CURRENT_USER": "current_user",
    "SVFOP_USER": "user",
    "SVFOP_SESSION_USER": "session_user",
    "SVFOP_CURRENT_CATALOG": "current_catalog",
    "SVFOP_CURRENT_SCHEMA": "current_schema",
}
_BY_OPERATION_OF: Final = frozenset(
    {"min_max_expr", "xml_expr", "json_func_expr", "sqlvalue_function"}
)
_NAMELESS: Final = frozenset({"", "a_const", "bool_expr", "null_test", "boolean_test", "param_ref"})


def column_name(expression: Node) -> str | None:
    """The name of the column; None where the expression has a form that is not known here."""
    try:
        return _figure(expression)[0] or NAMELESS
    except _UnknownForm:
        return None


class _UnknownForm(Exception):
    """An expression whose name would be a guess."""


def _figure(node: Node) -> tuple[str, int]:
    """The name, and how strongly it is meant: a cast or CASE gives way to what is inside it."""
    kind = node.WhichOneof("node") or ""
    if kind in _NAMELESS:
        return "", 0
    if kind in _FIXED:
        return _FIXED[kind], 2
    if kind in _BY_OPERATION_OF:
        return _by_operation(getattr(node, kind))
    if kind in _INSIDE:
        return _INSIDE[kind](node)
    raise _UnknownForm


def _by_operation(expression: object) -> tuple[str, int]:
    operation = _enumerated(expression, "op")
    if operation not in _BY_OPERATION:
        raise _UnknownForm
    return _BY_OPERATION[operation], 2


def _of_column(node: Node) -> tuple[str, int]:
    return node.column_ref.fields[-1].string.sval, 2


def _of_indirection(node: Node) -> tuple[str, int]:
    names = [one.string.sval for one in node.a_indirection.indirection if one.string.sval]
    return (names[-1], 2) if names else _figure(node.a_indirection.arg)


def _of_operator(node: Node) -> tuple[str, int]:
    return ("nullif", 2) if _enumerated(node.a_expr, "kind") == "AEXPR_NULLIF" else ("", 0)


def _of_cast(node: Node) -> tuple[str, int]:
    inner = _figure(node.type_cast.arg)
    return inner if inner[1] > 1 else (node.type_cast.type_name.names[-1].string.sval, 1)


def _of_case(node: Node) -> tuple[str, int]:
    inner = _figure(node.case_expr.defresult)
    return inner if inner[1] > 1 else ("case", 1)


def _of_subquery(node: Node) -> tuple[str, int]:
    match _enumerated(node.sub_link, "sub_link_type"):
        case "EXISTS_SUBLINK":
            return "exists", 2
        case "ARRAY_SUBLINK":
            return "array", 2
        case "EXPR_SUBLINK":
            select = node.sub_link.subselect.select_stmt
            while select.HasField("larg"):
                select = select.larg
            if not select.target_list:
                raise _UnknownForm
            target = select.target_list[0].res_target
            if target.name:
                return target.name, 2
            if target.val.column_ref.fields and target.val.column_ref.fields[-1].HasField("a_star"):
                raise _UnknownForm
            return _figure(target.val)[0] or NAMELESS, 2
        case _:
            return "", 0


def _enumerated(message: object, field: str) -> str:
    """The name of an enumeration's value."""
    described = message.DESCRIPTOR.fields_by_name[field]  # type: ignore[attr-defined]
    return str(described.enum_type.values_by_number[getattr(message, field)].name)


_INSIDE: Final[Mapping[str, Callable[[Node], tuple[str, int]]]] = {
    "a_expr": _of_operator,
    "a_indirection": _of_indirection,
    "case_expr": _of_case,
    "collate_clause": lambda node: _figure(node.collate_clause.arg),
    "column_ref": _of_column,
    "func_call": lambda node: (node.func_call.funcname[-1].string.sval, 2),
    "sub_link": _of_subquery,
    "type_cast": _of_cast,
}
