"""Expectations of several sources become one, or an error that names both places."""

import pytest

from pgrst_gate.errors import UsageError
from pgrst_gate.expectations.combining import combined
from pgrst_gate.schema import (
    Argument,
    Column,
    Derived,
    Expectation,
    Function,
    Item,
    Relation,
    Relationship,
)

SCANS = Relation("public", "scans")
ENDED = Column(SCANS, "ended_at")
MIGRATION = Derived("migrations/7.sql:3")
OTHER = Derived("migrations/9.sql:1")
DATABASE = Derived("the database", in_database=True)


def derived(origin: Derived, *present: Item, absent: tuple[Item, ...] = ()) -> Expectation:
    """What one source tells."""
    return Expectation(present, absent, dict.fromkeys((*present, *absent), origin))


def test_what_is_typed_must_be_usable_wherever_else_it_is_named() -> None:
    """A source that names it too does not make it less."""
    both = combined([derived(MIGRATION, ENDED), Expectation((ENDED,))], derived(DATABASE, ENDED))

    assert (both.present, both.derived) == ((ENDED,), {})


def test_the_first_place_is_the_one_that_is_named() -> None:
    """And what the database has as well is known to be there."""
    both = combined([derived(MIGRATION, ENDED), derived(OTHER, ENDED)], derived(DATABASE, ENDED))

    assert both.derived == {ENDED: Derived(MIGRATION.place, in_database=True)}


def test_an_item_is_expected_once_with_or_without_its_type() -> None:
    """The wish stands, in its own words."""
    typed = Column(SCANS, "ended_at", "date")

    both = combined([derived(MIGRATION, typed)], derived(DATABASE, ENDED))

    assert both.derived == {typed: Derived(MIGRATION.place, in_database=True)}


def test_all_that_the_database_has_is_expected_besides() -> None:
    """In its own name."""
    both = combined([Expectation((ENDED,))], derived(DATABASE, SCANS, ENDED))

    assert (both.present, both.derived) == ((ENDED, SCANS), {SCANS: DATABASE})


@pytest.mark.parametrize("gone", [ENDED, SCANS])
def test_what_must_be_gone_is_not_expected_because_it_is_there(gone: Item) -> None:
    """A migration that was not applied is for the gate to tell, not a contradiction."""
    both = combined([derived(MIGRATION, absent=(gone,))], derived(DATABASE, ENDED))

    assert (both.present, both.absent) == ((), (gone,))


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (
            [Expectation((ENDED,)), derived(MIGRATION, absent=(ENDED,))],
            (
                "column public.scans.ended_at is expected by `expected-columns`,"
                " but column public.scans.ended_at must be gone by migrations/7.sql:3"
            ),
        ),
        (
            [derived(MIGRATION, ENDED), Expectation((), (SCANS,))],
            (
                "column public.scans.ended_at is expected by migrations/7.sql:3,"
                " but relation public.scans must be gone by `expected-absent`"
            ),
        ),
        (
            [
                derived(MIGRATION, Relationship(SCANS, "users")),
                Expectation((), (Relation("public", "users"),)),
            ],
            (
                "relationship public.scans -> users is expected by migrations/7.sql:3,"
                " but relation public.users must be gone by `expected-absent`"
            ),
        ),
        (
            [
                Expectation((Column(SCANS, "n", "int"),)),
                derived(MIGRATION, Column(SCANS, "n", "text")),
            ],
            (
                "column public.scans.n text is expected by migrations/7.sql:3,"
                " but as public.scans.n int by `expected-columns`"
            ),
        ),
        (
            [
                derived(MIGRATION, Function("public", "f", (Argument("a", "int"),))),
                derived(OTHER, Function("public", "f", (Argument("a", "date"),))),
            ],
            (
                "function public.f(a date) is expected by migrations/9.sql:1,"
                " but as public.f(a int) by migrations/7.sql:3"
            ),
        ),
    ],
)
def test_wishes_that_contradict_each_other_name_both_places(
    wishes: list[Expectation], said: str
) -> None:
    """Nothing is sent where it is not clear what is wanted."""
    with pytest.raises(UsageError) as refused:
        combined(wishes)

    assert str(refused.value) == said


def test_two_types_that_one_person_typed_are_for_the_gate_to_judge() -> None:
    """As two overloads of a function that differ in types only."""
    both = Expectation((Column(SCANS, "n", "int"), Column(SCANS, "n", "text")))

    assert combined([both]).present == both.present


def test_the_same_type_in_other_words_is_no_contradiction() -> None:
    """`int` and `integer` are one."""
    wishes = [
        Expectation((Column(SCANS, "n", "int"),)),
        derived(MIGRATION, Column(SCANS, "n", "integer")),
    ]

    assert len(combined(wishes).present) == 2
