"""Surfaces of every shape a source may show, with names of any characters."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from pgrst_gate.schema import Relation, Relationship, quoted
from pgrst_gate.surface import (
    ColumnShape,
    FunctionShape,
    Parameter,
    RelationKind,
    RelationShape,
    Surface,
)

names = st.one_of(
    st.sampled_from(["id", "Name", "null", "on", "none", "a b", "variadic", "1", "~", "*", "x: y"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
)
types = st.one_of(
    st.sampled_from(
        [
            "bigint",
            "character varying(10)",
            "numeric(10,2)",
            "timestamp with time zone",
            "interval day to second(3)",
            "text[]",
        ]
    ),
    st.builds(lambda schema, name: f"{quoted(schema)}.{quoted(name)}", names, names).filter(
        lambda name: not name.endswith(("default", "variadic", "null"))  # quoted by PostgreSQL
    ),
)
known = st.sampled_from([True, False, None])
columns = st.builds(ColumnShape, names, types, known, known)
privileges = st.one_of(
    st.sampled_from(["select", "insert", "update", "delete"]),
    st.builds(lambda column: f"select ({quoted(column)}, b)", names),
)
grants = st.dictionaries(names, st.frozensets(privileges, min_size=1), max_size=2)
roles = names.filter(lambda name: name != "none")  # PostgreSQL refuses such a role
callers = st.dictionaries(roles, st.just(frozenset({"execute"})), max_size=2)
parameters = st.builds(Parameter, names | st.just(""), types, st.booleans(), st.booleans())
functions = st.builds(
    FunctionShape,
    names,
    names,
    st.lists(parameters, max_size=3).map(tuple),
    st.none() | types | types.map(lambda name: f"setof {name}"),
    st.none() | callers,
)
relations = st.builds(Relation, names, names)
shapes = st.builds(
    RelationShape,
    relations,
    st.none() | st.sampled_from(get_args(RelationKind)),
    st.lists(columns, max_size=4, unique_by=lambda one: one.name).map(tuple),
    st.none() | grants,
)
relationships = st.dictionaries(
    st.builds(Relationship, relations, names), st.integers(1, 3), max_size=3
)
surfaces = st.builds(
    Surface,
    st.lists(names, unique=True, max_size=3).map(tuple),
    st.lists(shapes, max_size=3).map(lambda some: {one.relation: one for one in some}),
    st.lists(functions, max_size=3).map(tuple),
    st.none() | relationships,
    st.booleans(),
)
