"""The SQL of reading rows: columns, embedded rows, conditions, order. Values are parameters."""

# ruff: noqa: S608 - to build SQL from strings is what this module is for

from collections.abc import Sequence

from pgrst_sandbox.plan import Embedded, Read
from pgrst_sandbox.query_string import OPERATORS, Field, Filter, Query, in_list
from pgrst_sandbox.schema_cache import Name, Relationship


class Parameters:
    """Collects the values of a statement while its text is put together."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def add(self, value: str | bytes) -> str:
        """A placeholder for the value."""
        self.values.append(value.encode() if isinstance(value, str) else value)
        return f"${len(self.values)}"


def quoted(name: str) -> str:
    """An identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def quoted_name(name: Name) -> str:
    """A qualified identifier."""
    return f"{quoted(name.schema)}.{quoted(name.name)}"


def rows(
    parameters: Parameters,
    read: Read,
    source: str,
    prefix: str,
    *,
    joined: Sequence[str] = (),
    depth: int = 1,
) -> str:
    """A SELECT. `source` is its FROM item, `prefix` what columns are written with.

    The prefix of a table is its full name: so it stands in PostgreSQL's error messages. `joined`
    are conditions that tie embedded rows to those around them.
    """
    joins = [
        _join(parameters, embedded, prefix, number, depth)
        for number, embedded in enumerate(read.embeds, 1)
    ]
    items = [*(_item(field, prefix) for field in read.fields), *(item for item, _ in joins)]
    text = f"SELECT {', '.join(items)} FROM {source}{''.join(join for _, join in joins)}"
    return text + where(parameters, read.filters, prefix, joined)


def page(query: Query, prefix: str) -> str:
    """ORDER BY, LIMIT and OFFSET, as far as they were asked for."""
    terms = [f"{prefix}.{quoted(term.column)}{term.suffix}" for term in query.order]
    text = f" ORDER BY {', '.join(terms)}" if terms else ""
    text += "" if query.limit is None else f" LIMIT {query.limit}"
    text += "" if query.offset is None else f" OFFSET {query.offset}"
    return text


def where(
    parameters: Parameters, filters: Sequence[Filter], prefix: str, joined: Sequence[str] = ()
) -> str:
    """A WHERE of all the conditions, or nothing."""
    conditions = [*joined, *(_condition(parameters, one, prefix) for one in filters)]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _item(field: Field, prefix: str) -> str:
    if field.name == "*":
        return f"{prefix}.*"
    text = f"{prefix}.{quoted(field.name)}"
    if field.cast:
        text = f"CAST({text} AS {field.cast})"
    if field.alias or field.cast:
        text += f" AS {quoted(field.alias or field.name)}"
    return text


def _join(
    parameters: Parameters, embedded: Embedded, outer: str, number: int, depth: int
) -> tuple[str, str]:
    """The item of the select list, and the join that it needs."""
    relationship, target = embedded.relationship, embedded.read.relation
    prefix = quoted(f"{target.name}_{depth}")
    source = f"{quoted_name(target)} AS {prefix}"
    if relationship.junction is not None:
        source += f", {quoted_name(relationship.junction.table)}"
    joined = _joined(relationship, outer, prefix)
    inside = rows(parameters, embedded.read, source, prefix, joined=joined, depth=depth + 1)
    value = "row_to_json(pgrst_row)" if relationship.to_one else "json_agg(pgrst_row)"
    alias = f"pgrst_embed_{depth}_{number}"
    kind, present = ("INNER", f"{alias}.value IS NOT NULL") if embedded.inner else ("LEFT", "true")
    item = f"{alias}.value" if relationship.to_one else f"coalesce({alias}.value, '[]')"
    related = f"SELECT {value} AS value FROM ({inside}) AS pgrst_row"
    join = f" {kind} JOIN LATERAL ({related}) AS {alias} ON {present}"
    return f"{item} AS {quoted(embedded.key)}", join


def _joined(relationship: Relationship, outer: str, inner: str) -> list[str]:
    junction = relationship.junction
    if junction is None:
        return [
            f"{inner}.{quoted(far)} = {outer}.{quoted(near)}" for near, far in relationship.columns
        ]
    table = quoted_name(junction.table)
    return [
        *(f"{table}.{quoted(own)} = {outer}.{quoted(c)}" for c, own in junction.source_columns),
        *(f"{table}.{quoted(own)} = {inner}.{quoted(c)}" for c, own in junction.target_columns),
    ]


def _condition(parameters: Parameters, condition: Filter, prefix: str) -> str:
    operator, value = condition.operator, condition.value
    match operator:
        case "is":
            operand = value.lower().replace("_", " ")
        case "in":
            members = [parameters.add(member) for member in in_list(value)]
            operand = f"({', '.join(members) or 'NULL'})"
        case "like" | "ilike":
            operand = parameters.add(value.replace("*", "%"))
        case _:
            operand = parameters.add(value)
    text = f"{prefix}.{quoted(condition.column)} {OPERATORS[operator]} {operand}"
    return f"NOT ({text})" if condition.negated else text
