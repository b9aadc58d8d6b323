"""The admin server: is it alive, is it ready, how many loads, what is in the cache."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pgrst_sandbox.answers import Response
from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.log import compact
from pgrst_sandbox.request import HttpRequest
from pgrst_sandbox.schema_cache import Function, Name, Relation, Relationship, SchemaCache
from pgrst_sandbox.state import State

_GAUGE: Final = "pgrst_schema_cache_query_time_seconds"
_COUNTER: Final = "pgrst_schema_cache_loads_total"


def answer(http: HttpRequest, state: State) -> Response:
    """The answer to a request to the admin server."""
    match http.path:
        case "/live":
            return Response(200, (), b"")
        case "/ready":
            return Response(200 if state.ready else 503, (), b"")
        case "/metrics" if state.dialect.serves_cache:
            text = _metrics(state).encode()
            return Response(200, (("Content-Type", "text/plain; charset=utf-8"),), text)
        case "/schema_cache" if state.dialect.serves_cache:
            body = _schema_cache(state.cache, state.dialect) if state.cache else b""
            return Response(200, (("Content-Type", "application/json; charset=utf-8"),), body)
        case _:
            return Response(404, (), b"")


def _metrics(state: State) -> str:
    milliseconds = state.load_milliseconds
    duration = milliseconds if state.dialect.measures_milliseconds else milliseconds / 1000
    lines = [
        f"# HELP {_GAUGE} The query time in seconds of the last schema cache load",
        f"# TYPE {_GAUGE} gauge",
        f"{_GAUGE} {duration}",
        f"# HELP {_COUNTER} The total number of times the schema cache was loaded",
        f"# TYPE {_COUNTER} counter",
    ]
    lines += [
        f'{_COUNTER}{{status="{status}"}} {float(count)}'
        for status, count in sorted(state.loads.items())
    ]
    return "".join(f"{line}\n" for line in lines)


def _schema_cache(cache: SchemaCache, dialect: Dialect) -> bytes:
    return compact(_document(cache, dialect)).encode()


def _document(cache: SchemaCache, dialect: Dialect) -> Mapping[str, Any]:
    document: dict[str, Any] = {
        "dbMediaHandlers": _MEDIA_HANDLERS,
        "dbRelationships": [
            [[_name(source), schema], [_relationship(relationship) for relationship in group]]
            for (source, schema), group in cache.relationships.items()
        ],
        "dbRepresentations": [],
        "dbRoutines": [
            [_name(name), [_routine(function, dialect) for function in group]]
            for name, group in cache.functions.items()
        ],
        "dbTables": [
            [_name(name), _table(table, dialect)] for name, table in cache.relations.items()
        ],
    }
    if dialect.has_timezones:
        document["dbTimezones"] = cache.timezones
    return document


def _name(name: Name) -> dict[str, str]:
    return {"qiName": name.name, "qiSchema": name.schema}


def _table(relation: Relation, dialect: Dialect) -> dict[str, Any]:
    key = [column for column in relation.columns if column in relation.primary_key]
    return {
        "tableColumns": {
            column.name: {
                "colDefault": column.default,
                "colDescription": column.description,
                "colEnum": column.enum,
                "colMaxLen": column.max_length,
                "colName": column.name,
                "colNominalType": column.nominal_type,
                "colNullable": column.nullable,
                "colType": column.type,
            }
            for column in relation.columns.values()
        },
        "tableDeletable": relation.deletable,
        "tableDescription": relation.description,
        "tableInsertable": relation.insertable,
        "tableIsView": relation.is_view,
        "tableName": relation.name.name,
        "tablePKCols": sorted(key) if dialect.sorts_keys else key,
        "tableSchema": relation.name.schema,
        "tableUpdatable": relation.updatable,
    }


def _routine(function: Function, dialect: Dialect) -> dict[str, Any]:
    returned: dict[str, Any] = {"contents": _name(function.returns), "tag": "Scalar"}
    if function.returns_composite:
        returned = {"contents": [_name(function.returns), False], "tag": "Composite"}
    routine: dict[str, Any] = {
        "pdDescription": function.description,
        "pdFuncSettings": function.settings,
        "pdHasVariadic": function.variadic,
        "pdName": function.name.name,
        "pdParams": [
            {
                "ppName": parameter.name,
                "ppReq": parameter.required,
                "ppType": parameter.type,
                "ppTypeMaxLength": parameter.type,
                "ppVar": parameter.variadic,
            }
            for parameter in function.parameters
        ],
        "pdReturnType": {
            "contents": returned,
            "tag": "SetOf" if function.returns_set else "Single",
        },
        "pdSchema": function.name.schema,
        "pdVolatility": function.volatility,
    }
    if dialect.has_isolation_level:
        routine["pdIsoLvl"] = None
    return routine


def _relationship(relationship: Relationship) -> dict[str, Any]:
    return {
        "relCardinality": _cardinality(relationship),
        "relFTableIsView": relationship.target_is_view,
        "relForeignTable": _name(relationship.target),
        "relIsSelf": relationship.source == relationship.target,
        "relTable": _name(relationship.source),
        "relTableIsView": relationship.source_is_view,
        "tag": "Relationship",
    }


def _cardinality(relationship: Relationship) -> dict[str, Any]:
    junction = relationship.junction
    if junction is not None:
        contents = {
            "junTable": _name(junction.table),
            "junConstraint1": junction.constraints[0],
            "junConstraint2": junction.constraints[1],
            "junColsSource": junction.source_columns,
            "junColsTarget": junction.target_columns,
        }
        return {"contents": contents, "tag": "M2M"}
    found: dict[str, Any] = {
        "relColumns": relationship.columns,
        "relCons": relationship.constraint,
        "tag": relationship.kind,
    }
    if relationship.kind == "O2O":
        found["relIsParent"] = relationship.is_parent
    return found


def _handlers(pairs: Iterable[tuple[str, str, str]]) -> list[Any]:
    return [
        [[{"tag": "RelAnyElement"}, {"tag": asked}], [{"tag": builtin}, {"tag": given}]]
        for asked, builtin, given in pairs
    ]


_MEDIA_HANDLERS: Final = _handlers(
    [
        ("MTGeoJSON", "BuiltinOvAggGeoJson", "MTGeoJSON"),
        ("MTApplicationJSON", "BuiltinOvAggJson", "MTApplicationJSON"),
        ("MTTextCSV", "BuiltinOvAggCsv", "MTTextCSV"),
        ("MTAny", "BuiltinOvAggJson", "MTApplicationJSON"),
    ]
)
