"""The stand-in derives relationships from foreign keys."""

from pgrst_sandbox.relationships import ForeignKey, Keyed, relationships
from pgrst_sandbox.schema_cache import Name, Relation
from pgrst_sandbox.view_columns import View

FILM, ACTOR, ROLE, FILM_VIEW = 1, 2, 3, 4
NAMES = {
    FILM: Name("public", "film"),
    ACTOR: Name("public", "actor"),
    ROLE: Name("public", "role"),
    FILM_VIEW: Name("public", "film_view"),
}
RELATIONS = {
    name: Relation(
        name,
        is_view=oid == FILM_VIEW,
        insertable=True,
        updatable=True,
        deletable=True,
        primary_key=(),
        description=None,
        columns={},
    )
    for oid, name in NAMES.items()
}
VIEWS = {FILM_VIEW: View({(FILM, "id"): ("number",)})}


def key(table: int, target: int, column: str, *, unique: bool = False) -> ForeignKey:
    """A foreign key of one column to `id`, part of the primary key of its table."""
    return ForeignKey(f"{column}_fk", table, target, ((column, "id"),), unique, in_primary_key=True)


def described(found: Keyed) -> set[tuple[str, str, str]]:
    """(source, kind, target) of each relationship."""
    return {
        (one.source.name, one.kind, one.target.name) for group in found.values() for one in group
    }


def test_a_key_works_both_ways_and_through_views() -> None:
    """A view that exposes the columns of a key takes part in its relationships."""
    found = relationships([key(ROLE, FILM, "film_id")], VIEWS, NAMES, RELATIONS)

    assert described(found) == {
        ("role", "M2O", "film"),
        ("film", "O2M", "role"),
        ("role", "M2O", "film_view"),
        ("film_view", "O2M", "role"),
    }
    through_view = found[NAMES[FILM_VIEW], "public"]
    assert [one.columns for one in through_view] == [(("number", "film_id"),)]


def test_two_keys_within_a_primary_key_make_a_junction() -> None:
    """Many-to-many between the two tables, and no junction to the same table."""
    keys = [key(ROLE, FILM, "film_id"), key(ROLE, ACTOR, "actor_id")]

    found = described(relationships(keys, {}, NAMES, RELATIONS))

    assert {one for one in found if one[1] == "M2M"} == {
        ("film", "M2M", "actor"),
        ("actor", "M2M", "film"),
    }


def test_a_unique_key_is_one_to_one() -> None:
    """Both ways; only the referenced side is the parent."""
    found = relationships([key(ROLE, FILM, "film_id", unique=True)], {}, NAMES, RELATIONS)

    assert described(found) == {("role", "O2O", "film"), ("film", "O2O", "role")}
    assert found[NAMES[FILM], "public"][0].is_parent
    assert not found[NAMES[ROLE], "public"][0].is_parent


def test_only_exposed_relations_are_related() -> None:
    """A key to a table of a schema that is not served leads nowhere."""
    exposed = {oid: name for oid, name in NAMES.items() if oid != FILM}

    assert relationships([key(ROLE, FILM, "film_id")], {}, exposed, RELATIONS) == {}
