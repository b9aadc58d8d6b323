"""The names of types, as PostgreSQL's `format_type` writes them under an empty search path."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from pgrst_gate.expectations.migrations.model import Name, Type
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.schema import quoted

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import TypeName

# pg_type.typname -> format_type(oid, null), where the two differ, on PostgreSQL 18.
_SPELLED: Final = {
    "bit": "bit",
    "bool": "boolean",
    "bpchar": "character",
    "char": '"char"',
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
_SERIAL: Final = {
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
    "smallserial": "smallint",
    "serial2": "smallint",
}
_SAME: Final = frozenset({
    "aclitem", "box", "bytea", "cid", "cidr", "circle", "date", "datemultirange", "daterange",
    "inet", "int4multirange", "int4range", "int8multirange", "int8range", "interval", "json",
    "jsonb", "jsonpath", "line", "lseg", "macaddr", "macaddr8", "money", "name", "nummultirange",
    "numrange", "numeric", "oid", "path", "pg_lsn", "pg_snapshot", "point", "polygon", "refcursor",
    "regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper",
    "regoperator", "regproc", "regprocedure", "regrole", "regtype", "text", "tid", "tsmultirange",
    "tsquery", "tsrange", "tstzmultirange", "tstzrange", "tsvector", "txid_snapshot", "uuid",
    "void", "xid", "xid8", "xml", "record", "trigger", "event_trigger", "anyelement", "anyarray",
})  # fmt: skip


def type_text(session: Session, written: TypeName, *, serial: bool = False) -> str:
    """The type, or an empty text where it is not surely known."""
    names = [one.string.sval for one in written.names]
    array = "[]" if written.array_bounds else ""
    if written.pct_type:
        return _of_column(session, names)
    *schemas, name = names
    if schemas in ([], ["pg_catalog"]):
        if not schemas and serial and name in _SERIAL:
            return _SERIAL[name]
        if builtin := _SPELLED.get(name) or (name if name in _SAME else ""):
            return builtin + array
        # An array type by its own name: _text.
    if len(schemas) == 1:
        return qualified(Name(schemas[0], name)) + array if schemas[0] != "pg_catalog" else ""
    known = _declared(session, name) if not schemas else None
    return qualified(known) + array if known else ""


def written_type(session: Session, written: TypeName) -> str:
    """As `type_text`, for a signature: what is not surely known begins with `?`."""
    name = written.names[-1].string.sval + ("[]" if written.array_bounds else "")
    return type_text(session, written) or f"?{name}"


def qualified(name: Name) -> str:
    """How `format_type` writes a type that is not PostgreSQL's own."""
    return f"{_identifier(name.schema)}.{_identifier(name.name)}"


def may_be_same(one: str, other: str) -> bool:
    """Whether two types of signatures may be one, where not both are surely known."""
    if not one.startswith("?") and not other.startswith("?"):
        return one == other
    return one.lstrip("?").rpartition(".")[2] == other.lstrip("?").rpartition(".")[2]


@cache
def _identifier(name: str) -> str:
    """As quote_identifier of ruleutils.c: keywords that are reserved in any way get quotes."""
    from postgast import scan

    plain = quoted(name)
    if plain != name:
        return plain
    [token] = scan(name).tokens
    return name if token.keyword_kind in (0, 1) else f'"{name}"'


def _declared(session: Session, name: str) -> Name | None:
    """The first of the search path's types of that name, if the schemas before it have none."""
    for schema in session.search_path:
        candidate = Name(schema, name)
        made = session.model.types.get(candidate)
        rows = session.model.table(candidate)
        if isinstance(made, Type) or (rows and rows.kind != "other"):
            return candidate
    return None


def _of_column(session: Session, names: list[str]) -> str:
    """The type of `table.column%TYPE`, if that table was read."""
    *table, column = names
    name = session.found("".join(table[:-1]), table[-1], session.model.relations)
    known = session.model.table(name) if name else None
    found = known.columns.get(column) if known else None
    return found.type if found else ""
