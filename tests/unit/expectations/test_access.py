"""The grammar of `access`: a rule a line, each on one role and one item."""

import pytest

from pgrst_gate.expectations.access import Rows, Rule, Verb, in_schema, named, rules
from pgrst_gate.expectations.inline import SyntaxProblem
from pgrst_gate.schema import Argument, Function, Relation

SCANS = Relation("", "scans")
PING = Function("", "ping")


def may(role: str, verb: Verb, item: Relation | Function, rows: Rows | None = None) -> Rule:
    """A rule that allows."""
    return Rule(role, may=True, verb=verb, item=item, rows=rows)


def may_not(role: str, verb: Verb, item: Relation | Function) -> Rule:
    """A rule that forbids."""
    return Rule(role, may=False, verb=verb, item=item)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("# nothing\n", ()),
        ("anon may read scans", (may("anon", "read", SCANS),)),
        ("anon may  not  read scans # why", (may_not("anon", "read", SCANS),)),
        ("anon may read scans\nanon may read scans", (may("anon", "read", SCANS),)),
        (
            "anon may not read scans, api.vault",
            (
                may_not("anon", "read", SCANS),
                may_not("anon", "read", Relation("api", "vault")),
            ),
        ),
        (
            "anon may not write scans",
            tuple(may_not("anon", verb, SCANS) for verb in ("insert", "update", "delete")),
        ),
        ('"odd ""role" may delete scans', (may('odd "role', "delete", SCANS),)),
        ("a may call ping()", (may("a", "call", PING),)),
        (
            "a may call f(x, y)",
            (may("a", "call", Function("", "f", (Argument("x"), Argument("y")))),),
        ),
        ("a may read 1 row of scans", (may("a", "read", SCANS, Rows(1)),)),
        ("a may read at least 2 rows of scans", (may("a", "read", SCANS, Rows(2, "least")),)),
        ("a may read at most 9 rows of scans", (may("a", "read", SCANS, Rows(9, "most")),)),
    ],
)
def test_a_rule_is_read_as_it_is_written(text: str, expected: tuple[Rule, ...]) -> None:
    """Several items or a `write` are as many rules; what is said twice counts once."""
    assert rules(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("anon reads scans", "line 1, `anon reads scans`: expected who may do what"),
        ("anon may eat scans", "what a role may do is one of read, write, insert"),
        ("anon may not read 2 rows of scans", "rows are counted for `may read` only"),
        ("anon may insert 2 rows of scans", "rows are counted for `may read` only"),
        ("\na may read scans\na may not read scans", "line 2 says the opposite of"),
        ("a may write scans\na may not delete scans", "line 1 says the opposite of"),
        ("a may call scans", "line 1"),
        ("a may read ping()", "line 1"),
    ],
)
def test_what_is_no_rule_is_told_with_its_line(text: str, said: str) -> None:
    """A rule that is misread would be one that is not checked."""
    with pytest.raises(SyntaxProblem) as problem:
        rules(text)

    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("rows", "seen", "holds"),
    [
        (Rows(2), 2, True),
        (Rows(2), 3, False),
        (Rows(2, "least"), 3, True),
        (Rows(2, "least"), 1, False),
        (Rows(2, "most"), 2, True),
        (Rows(2, "most"), 3, False),
    ],
)
def test_rows_are_counted_as_said(rows: Rows, seen: int, *, holds: bool) -> None:
    """Exactly so many, unless it says at least or at most."""
    assert rows.hold(seen) is holds


def test_a_rule_is_written_as_it_is_read() -> None:
    """What a report shows can be put back into the config."""
    text = "a may read at least 2 rows of scans\nb may not call ping()\nc may read 1 row of api.x"

    found = rules(text)

    assert "\n".join(map(str, found)) == text
    assert rules("\n".join(map(str, found))) == found


def test_what_a_rule_names_is_expected() -> None:
    """Each item once, in the schema that is asked where the rule names none."""
    found = tuple(in_schema(rules("a may read scans\nb may not write scans, api.x"), "public"))

    assert named(found).present == (Relation("public", "scans"), Relation("api", "x"))
