"""Functions: CREATE, DROP, and which of them a request can call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pgrst_gate.expectations.migrations import cascades
from pgrst_gate.expectations.migrations.model import Gone, Name, Routine, Signature
from pgrst_gate.expectations.migrations.session import Session
from pgrst_gate.expectations.migrations.types import may_be_same, type_text, written_type
from pgrst_gate.schema import ANY_KEYS, Argument, Function

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import (
        CreateFunctionStmt,
        DefineStmt,
        FunctionParameter,
        ObjectWithArgs,
    )

_ANY_KEYS_TYPES: Final = frozenset({"bytea", "json", "jsonb", "text", "xml"})


def create_function(session: Session, statement: CreateFunctionStmt) -> None:
    """CREATE FUNCTION and CREATE PROCEDURE."""
    from postgast import pg_query_pb2 as pg

    *schema, called = [one.string.sval for one in statement.funcname]
    name = session.new("".join(schema[-1:]), called)
    if name is None:
        return
    modes = {pg.FUNC_PARAM_OUT, pg.FUNC_PARAM_TABLE}
    inputs = [
        one.function_parameter
        for one in statement.parameters
        if one.function_parameter.mode not in modes
    ]
    signature = tuple(written_type(session, one.arg_type) for one in inputs)
    known = session.model.routines.get((name, signature))
    if isinstance(known, Routine) and statement.replace:
        return  # neither the arguments' names nor what it returns can change
    arguments = _arguments(session, inputs)
    returned = (
        written_type(session, statement.return_type) if statement.HasField("return_type") else ""
    )
    routine = Routine(
        arguments,
        sum(not one.HasField("defexpr") for one in inputs),
        not statement.is_procedure and returned != "trigger" and _can_be_called(arguments),
        returned,
        session.place(),
        atomic=statement.HasField("sql_body"),
    )
    if routine.callable and known is None and not statement.replace:
        session.model.appeared |= {Function(name.schema, name.name, arguments)}
    session.model.routines[name, signature] = routine


def create_aggregate(session: Session, statement: DefineStmt) -> None:
    """An aggregate shares the names of functions, and is never called by a request."""
    *schema, called = [one.string.sval for one in statement.defnames]
    name = session.new("".join(schema[-1:]), called)
    if name is None or not statement.args:
        return
    inputs = [one.function_parameter for one in statement.args[0].list.items]
    signature = tuple(written_type(session, one.arg_type) for one in inputs)
    routine = Routine((), len(inputs), callable=False, returns="", place=session.place())
    session.model.routines[name, signature] = routine


def drop(session: Session, named: ObjectWithArgs, *, missing_ok: bool) -> None:
    """Let the routine be gone, if it can be told which one it is."""
    name = _found(session, named)
    if name is None:
        return
    if named.args_unspecified:
        # There was one of that name, or none, or the statement would have failed.
        overloads = list(session.model.overloads(name))
        for signature in overloads:
            cascades.drop_routine(session, name, signature)
        if not overloads:
            _unknown(session, name)
        return
    signature = _signature(session, named)
    match find(session, name, signature):
        case []:
            if not isinstance(session.model.routines.get((name, signature)), Gone):
                _unknown(session, name)
            session.model.routines.setdefault((name, signature), Gone(session.place()))
        case [only] if only == signature or not missing_ok:
            cascades.drop_routine(session, name, only)
        case several:
            for one in several:
                del session.model.routines[name, one]
            session.note(f"which function {name.name} it drops is not known")


def find(session: Session, name: Name, signature: Signature) -> list[Signature]:
    """The known overloads that such a signature may mean; the one alone where it is sure."""
    overloads = session.model.overloads(name)
    if signature in overloads:
        return [signature]
    return [
        one
        for one in overloads
        if len(one) == len(signature)
        and all(may_be_same(mine, other) for mine, other in zip(one, signature, strict=True))
    ]


def named(session: Session, written: ObjectWithArgs) -> tuple[Name, Signature] | None:
    """The routine that a statement alters, which must be there; None where it was not read."""
    name = _found(session, written)
    if name is None:
        return None
    if written.args_unspecified:
        found = list(session.model.overloads(name))
    else:
        found = find(session, name, _signature(session, written))
    if len(found) != 1:
        _unknown(session, name)
        return None
    return name, found[0]


def _unknown(session: Session, name: Name) -> None:
    session.note(f"the arguments of function {name.name} are not known")


def _found(session: Session, named: ObjectWithArgs) -> Name | None:
    """The name, in the first schema of the search path that is known to have it."""
    *schema, called = [one.string.sval for one in named.objname]
    if schema:
        return Name(schema[-1], called)
    candidates = [Name(one, called) for one in session.search_path]
    known = [one for one in candidates if session.model.overloads(one)]
    if known or len(candidates) == 1:
        return (known or candidates)[0]
    session.note(f"which schema of the search_path has {called}")
    return None


def _signature(session: Session, named: ObjectWithArgs) -> Signature:
    """The input types: PostgreSQL tells overloads apart by these alone."""
    from postgast import pg_query_pb2 as pg

    if named.objfuncargs:
        modes = {pg.FUNC_PARAM_OUT, pg.FUNC_PARAM_TABLE}
        inputs = [one.function_parameter for one in named.objfuncargs]
        return tuple(written_type(session, one.arg_type) for one in inputs if one.mode not in modes)
    return tuple(written_type(session, one.type_name) for one in named.objargs)


def _arguments(session: Session, inputs: Sequence[FunctionParameter]) -> tuple[Argument, ...]:
    found = tuple(Argument(one.name, type_text(session, one.arg_type)) for one in inputs)
    if len(found) == 1 and not found[0].name and found[0].type in _ANY_KEYS_TYPES:
        return (Argument(ANY_KEYS, found[0].type),)
    return found


def _can_be_called(arguments: tuple[Argument, ...]) -> bool:
    """By PostgREST's rule: all arguments have names, or it is the one that takes any keys.

    PostgREST also lets another argument go without a name where the first is of such a type
    (src/PostgREST/SchemaCache.hs:600-720@v16.2). That is left out: no request can name them all.
    """
    return all(one.name for one in arguments)
