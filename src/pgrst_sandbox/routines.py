"""Find the function that a call means: by name and by the names of its arguments only."""

from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.errors import ApiError
from pgrst_sandbox.hints import nearest
from pgrst_sandbox.schema_cache import Function, Name, SchemaCache

# The types of a sole unnamed argument that take a whole body, by the kind of the body.
_BODY_TYPES = {
    "json": frozenset({"json", "jsonb"}),
    "text": frozenset({"text"}),
    "xml": frozenset({"xml"}),
    "bytea": frozenset({"bytea"}),
}


def find_function(
    name: Name,
    arguments: frozenset[str],
    body: str | None,
    cache: SchemaCache,
    dialect: Dialect,
) -> Function:
    """The only function that takes just these arguments.

    `body` is the kind of the request's body, None for GET, HEAD and OPTIONS. A function with one
    unnamed argument takes any body of its type, if no other matches by names.
    Raises ApiError PGRST202 if none, 203 if several do.
    """
    overloads = cache.functions.get(name, ())
    found = [
        function
        for function in overloads
        if function.sole_unnamed_type is None and _takes(function, arguments)
    ]
    if not found and body is not None:
        types = _BODY_TYPES[body]
        found = [function for function in overloads if _sole_type(function, dialect) in types]
    match found:
        case [function]:
            return function
        case []:
            raise _not_found(name, arguments, body, overloads, cache, dialect)
        case _:
            raise _ambiguous(found)


def _sole_type(function: Function, dialect: Dialect) -> str | None:
    if dialect.any_name_for_json and len(function.parameters) == 1:
        return function.parameters[0].type
    return function.sole_unnamed_type


def _takes(function: Function, arguments: frozenset[str]) -> bool:
    names = {parameter.name for parameter in function.parameters}
    required = {parameter.name for parameter in function.parameters if parameter.required}
    return required <= arguments <= names


def _not_found(
    name: Name,
    arguments: frozenset[str],
    body: str | None,
    overloads: tuple[Function, ...],
    cache: SchemaCache,
    dialect: Dialect,
) -> ApiError:
    wanted = ", ".join(sorted(arguments))
    function = f"{name.schema}.{name.name}"
    if arguments:
        called = f"{function}({wanted})"
        parameters = f"with parameter{'s' if len(arguments) > 1 else ''} {wanted}"
    else:
        called = f"{function} without parameters"
        parameters = "without parameters"
    sole = {"json": "json/jsonb"}.get(body, body) if body else None
    or_sole = f" or with a single unnamed {sole} parameter" if sole else ""
    return ApiError(
        404,
        "PGRST202",
        f"Could not find the function {called} in the schema cache",
        f"Searched for the function {function} {parameters}{or_sole},"
        " but no matches were found in the schema cache.",
        _hint(name, wanted, overloads, cache, dialect),
    )


def _hint(
    name: Name,
    wanted: str,
    overloads: tuple[Function, ...],
    cache: SchemaCache,
    dialect: Dialect,
) -> str | None:
    if overloads:
        signatures = [
            f"({', '.join(sorted(p.name for p in function.parameters))})" for function in overloads
        ]
        like = nearest(f"({wanted})", signatures)
        suggestion = like and f"{name.name}{like}"
    else:
        known = cache.function_names.get(name.schema, ())
        suggestion = nearest(name.name, known, dialect.name_similarity)
    return suggestion and f"Perhaps you meant to call the function {name.schema}.{suggestion}"


def _ambiguous(found: list[Function]) -> ApiError:
    signatures = ", ".join(
        f"{function.name.schema}.{function.name.name}"
        f"({', '.join(f'{p.name} => {p.type}' for p in function.parameters)})"
        for function in found
    )
    return ApiError(
        300,
        "PGRST203",
        f"Could not choose the best candidate function between: {signatures}",
        hint="Try renaming the parameters or the function itself in the database"
        " so function overloading can be resolved",
    )
