"""What to type."""

import pytest

from pgrst_gate.remedies import remedy
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Cause, Verdict

SCANS = Relation("public", "scans")
ITEMS = (
    SCANS,
    Column(SCANS, "Odd Col"),
    Function("public", "f", (Argument("a", "int"), Argument("b"))),
    Relationship(SCANS, "projects"),
)


@pytest.mark.parametrize("item", ITEMS, ids=str)
@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.RLS_HIDDEN])
def test_every_closed_item_has_something_to_type(item: Item, cause: Cause) -> None:
    """And what is as expected has nothing."""
    verdict = Verdict(item, expected_present=True, cause=cause)

    assert bool(remedy(verdict)) is not verdict.ok


@pytest.mark.parametrize(
    ("item", "statement"),
    [
        (ITEMS[0], "grant select on public.scans to <role of this key>;"),
        (ITEMS[1], 'grant select ("Odd Col") on public.scans to <role of this key>;'),
        (ITEMS[2], "grant execute on function public.f(int, <type of b>) to <role of this key>;"),
        (ITEMS[3], "grant select on public.scans, public.projects to <role of this key>;"),
    ],
    ids=str,
)
def test_a_missing_grant_is_spelled_out(item: Item, statement: str) -> None:
    """For this item, quoted as SQL needs it."""
    assert remedy(Verdict(item, expected_present=True, cause=Cause.NOT_GRANTED)) == statement
