"""What is derived can be pinned: printed as a config file, it expects the same when read back."""

from pathlib import Path

from pgrst_gate.expectations.pinned import as_config
from pgrst_gate.given import from_config
from pgrst_gate.inputs import read_inputs
from pgrst_gate.plan import make_plan
from pgrst_gate.schema import (
    ANY_KEYS,
    Argument,
    Column,
    Expectation,
    Function,
    Relation,
    Relationship,
)

SCANS = Relation("public", "scans")
ODD = Relation("Odd: Schema", 'a "quoted", name')

WHOLE = Expectation(
    (
        SCANS,
        ODD,
        Column(SCANS, "id"),
        Column(SCANS, "Odd #1", "timestamp with time zone"),
        Column(ODD, "yes", "numeric"),
        Function("public", "f"),
        Function("public", "g", (Argument("a", "integer"), Argument("B c"))),
        Function("public", "h", (Argument(ANY_KEYS),)),
        Relationship(SCANS, "projects"),
    ),
    (Column(SCANS, "legacy"), Relation("public", "doomed"), Function("public", "retired")),
)


def test_what_is_printed_expects_the_same() -> None:
    """Whatever the names are."""
    read = read_inputs(from_config(Path("gate.yml"), as_config(WHOLE)), asks_api=False)

    assert make_plan(read).expectation == WHOLE


def test_it_reads_as_people_would_write_it() -> None:
    """One key for each kind, columns under their relation, and nothing that is empty."""
    small = Expectation((SCANS, Column(SCANS, "id"), Column(SCANS, "ended_at", "date")))

    assert as_config(small) == (
        "expected-tables:\n- public.scans\n"
        "expected-columns:\n  public.scans:\n  - id\n  - ended_at date\n"
    )
