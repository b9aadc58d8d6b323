"""Find the relationship that an embed means."""

from typing import Final

from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.errors import ApiError
from pgrst_sandbox.hints import nearest
from pgrst_sandbox.query_string import Embed
from pgrst_sandbox.schema_cache import Name, Relationship, SchemaCache


def find_relationship(
    source: Name, embed: Embed, cache: SchemaCache, dialect: Dialect
) -> Relationship:
    """The only relationship that fits. Raises ApiError PGRST200 if none, 201 if several do."""
    known = cache.relationships.get((source, source.schema), ())
    found = [
        relationship
        for relationship in known
        if _reaches(relationship, embed.target)
        and (embed.hint is None or _hinted(relationship, embed.hint))
    ]
    match found:
        case [relationship]:
            return relationship
        case []:
            raise _no_relationship(source, embed, known, cache, dialect)
        case _:
            raise _ambiguous(source, embed, found)


def _reaches(relationship: Relationship, target: str) -> bool:
    """A target is named as relation, as constraint, or by the only column of a foreign key.

    From a relation to itself its name means those that refer to a row, the column the other way.
    """
    by_column = len(relationship.columns) == 1 and relationship.columns[0][0] == target
    if relationship.source == relationship.target and relationship.to_one:
        return by_column
    return (
        relationship.target.name == target
        or (relationship.constraint == target and not relationship.target_is_view)
        or (relationship.to_one and by_column and not relationship.target_is_view)
    )


def _hinted(relationship: Relationship, hint: str) -> bool:
    if relationship.junction is not None:
        return hint in {relationship.junction.table.name, *relationship.junction.constraints}
    return hint == relationship.constraint or any(hint in pair for pair in relationship.columns)


def _no_relationship(
    source: Name,
    embed: Embed,
    known: tuple[Relationship, ...],
    cache: SchemaCache,
    dialect: Dialect,
) -> ApiError:
    sources = {name.name for name, schema in cache.relationships if schema == source.schema}
    if known:
        targets = {relationship.target.name for relationship in known}
        asked, like = embed.target, nearest(embed.target, sorted(targets), dialect.name_similarity)
    else:
        asked, like = source.name, nearest(source.name, sorted(sources), dialect.name_similarity)
    using = f" using the hint '{embed.hint}'" if embed.hint else ""
    return ApiError(
        400,
        "PGRST200",
        f"Could not find a relationship between '{source.name}' and '{embed.target}'"
        " in the schema cache",
        f"Searched for a foreign key relationship between '{source.name}' and '{embed.target}'"
        f"{using} in the schema '{source.schema}', but no matches were found.",
        like and f"Perhaps you meant '{like}' instead of '{asked}'.",
    )


_CARDINALITIES: Final = {
    "M2O": "many-to-one",
    "O2M": "one-to-many",
    "O2O": "one-to-one",
    "M2M": "many-to-many",
}


def _ambiguous(source: Name, embed: Embed, found: list[Relationship]) -> ApiError:
    choices = ", ".join(f"'{embed.target}!{_label(relationship)}'" for relationship in found)
    return ApiError(
        300,
        "PGRST201",
        "Could not embed because more than one relationship was found for"
        f" '{source.name}' and '{embed.target}'",
        [_description(relationship) for relationship in found],
        f"Try changing '{embed.target}' to one of the following: {choices}."
        " Find the desired relationship in the 'details' key.",
    )


def _label(relationship: Relationship) -> str:
    junction = relationship.junction
    return junction.table.name if junction is not None else relationship.constraint


def _description(relationship: Relationship) -> dict[str, str]:
    source, target, junction = (
        relationship.source.name,
        relationship.target.name,
        relationship.junction,
    )
    if junction is not None:
        near = ", ".join(own for _, own in junction.source_columns)
        far = ", ".join(own for _, own in junction.target_columns)
        first, second = junction.constraints
        described = f"{junction.table.name} using {first}({near}) and {second}({far})"
    else:
        near = ", ".join(pair[0] for pair in relationship.columns)
        far = ", ".join(pair[1] for pair in relationship.columns)
        described = f"{relationship.constraint} using {source}({near}) and {target}({far})"
    return {
        "cardinality": _CARDINALITIES[relationship.kind],
        "embedding": f"{source} with {target}",
        "relationship": described,
    }
