"""The rule that turns what was seen into verdicts, as a table."""

import pytest

from pgrst_gate.schema import Argument, Column, Derived, Expectation, Function, Relation
from pgrst_gate.verdicts import Cause, Facts, Loads, Verdict, judge, judge_all

SCANS = Relation("public", "scans")
ENDED = Column(SCANS, "ended_at")
TYPED = Column(SCANS, "ended_at", "timestamptz")
TYPED_CALL = Function("public", "f", (Argument("a", "date"),))

NOT_LOADED = Loads()
LOADED = Loads(finished=True)
SETTLED = Loads(finished=True, settled=True)
FAILING = Loads(failing=True)
UNCOUNTABLE = Loads(countable=False)

USABLE = Facts(cached=True, exists=True, allowed=True)


@pytest.mark.parametrize(
    ("facts", "loads", "cause", "hopeless"),
    [
        (USABLE, NOT_LOADED, Cause.SERVED, False),
        (Facts(cached=False, exists=True), NOT_LOADED, Cause.STALE, False),
        (Facts(cached=False, exists=True), SETTLED, Cause.STALE, False),  # a lagging replica
        (Facts(cached=False), NOT_LOADED, Cause.STALE, False),
        (Facts(cached=False), LOADED, Cause.STALE, False),  # a second load may be queued
        (Facts(cached=False), SETTLED, Cause.NOT_APPLIED, True),
        (Facts(cached=False, exists=False), NOT_LOADED, Cause.NOT_APPLIED, True),
        (Facts(cached=False), FAILING, Cause.RELOAD_FAILING, False),
        (Facts(cached=False, other_signature="f(b)"), NOT_LOADED, Cause.STALE, False),
        (Facts(cached=False, other_signature="f(b)"), SETTLED, Cause.WRONG_SIGNATURE, True),
        (Facts(cached=True, exists=False), NOT_LOADED, Cause.STALE, False),
        (Facts(cached=True, exists=False), SETTLED, Cause.NOT_APPLIED, True),
        (Facts(exists=False), NOT_LOADED, Cause.NOT_APPLIED, True),  # where only it can be asked
        (Facts(cached=True, exists=True, allowed=False), NOT_LOADED, Cause.NOT_GRANTED, True),
        (Facts(cached=True, ambiguous=True), NOT_LOADED, Cause.AMBIGUOUS, False),
        (Facts(cached=True, ambiguous=True), SETTLED, Cause.AMBIGUOUS, True),
        (Facts(cached=True), NOT_LOADED, Cause.UNPROVEN, True),
        (Facts(), NOT_LOADED, Cause.UNPROVEN, False),
        (Facts(), UNCOUNTABLE, Cause.UNPROVEN, True),
        (Facts(exists=True, allowed=True), NOT_LOADED, Cause.UNPROVEN, False),
        (Facts(exists=True, allowed=True), SETTLED, Cause.SERVED, False),
        (Facts(obstacle=Cause.RELOADING), NOT_LOADED, Cause.RELOADING, False),
        (Facts(obstacle=Cause.RELOADING), FAILING, Cause.RELOAD_FAILING, False),
        (Facts(obstacle=Cause.UNAUTHORIZED), NOT_LOADED, Cause.UNAUTHORIZED, True),
        (Facts(obstacle=Cause.NOT_EXPOSED), NOT_LOADED, Cause.NOT_EXPOSED, True),
        (Facts(obstacle=Cause.UNREACHABLE), NOT_LOADED, Cause.UNREACHABLE, False),
        (
            Facts(exists=True, allowed=True, hidden_when_stale=False),
            NOT_LOADED,
            Cause.SERVED,
            False,
        ),
    ],
)
def test_present_items(facts: Facts, loads: Loads, cause: Cause, *, hopeless: bool) -> None:
    """An expected item is served only if the cache has it and the role may use it."""
    verdict = judge(ENDED, facts, loads, expected_present=True)

    assert (verdict.cause, verdict.hopeless) == (cause, hopeless)


@pytest.mark.parametrize(
    ("facts", "loads", "cause", "hopeless"),
    [
        (Facts(cached=False), NOT_LOADED, Cause.GONE, False),
        (Facts(cached=False, exists=False), NOT_LOADED, Cause.GONE, False),
        (Facts(cached=False, exists=True), NOT_LOADED, Cause.STILL_SERVED, True),
        (Facts(cached=True), NOT_LOADED, Cause.STILL_SERVED, False),
        (Facts(cached=True, exists=False), NOT_LOADED, Cause.STILL_SERVED, False),
        (Facts(cached=True, exists=True), NOT_LOADED, Cause.STILL_SERVED, True),
        (Facts(cached=True), SETTLED, Cause.STILL_SERVED, True),
        (Facts(cached=True), FAILING, Cause.RELOAD_FAILING, False),
        (Facts(), NOT_LOADED, Cause.UNPROVEN, False),
        (Facts(), UNCOUNTABLE, Cause.UNPROVEN, True),
        (Facts(exists=True), NOT_LOADED, Cause.STILL_SERVED, True),
        (Facts(exists=False), NOT_LOADED, Cause.UNPROVEN, False),
        (Facts(exists=False), SETTLED, Cause.GONE, False),
        (Facts(exists=False, hidden_when_stale=False), NOT_LOADED, Cause.GONE, False),
        (Facts(obstacle=Cause.UNREACHABLE), NOT_LOADED, Cause.UNREACHABLE, False),
    ],
)
def test_absent_items(facts: Facts, loads: Loads, cause: Cause, *, hopeless: bool) -> None:
    """An item that must be absent is gone only if the cache no longer has it."""
    verdict = judge(ENDED, facts, loads, expected_present=False)

    assert (verdict.cause, verdict.hopeless) == (cause, hopeless)


@pytest.mark.parametrize("expected_present", [True, False])
def test_a_verdict_bears_what_it_rests_on(*, expected_present: bool) -> None:
    """A reader gets the item, what was expected of it, the answers in order, and the note."""
    seen = Facts(cached=False, told=("first", "second"), note="a note")

    verdict = judge(ENDED, seen, NOT_LOADED, expected_present=expected_present)

    cause = Cause.STALE if expected_present else Cause.GONE
    assert verdict == Verdict(ENDED, expected_present, cause, ("first", "second"), "a note")


@pytest.mark.parametrize(
    ("cached", "loads", "cause"),
    [
        (False, NOT_LOADED, Cause.GONE),
        (False, SETTLED, Cause.GONE),
        (None, NOT_LOADED, Cause.UNPROVEN),
        (None, SETTLED, Cause.STILL_SERVED),
    ],
)
def test_a_function_that_the_database_has_is_called_from_the_cache(
    cached: bool | None,  # noqa: FBT001 - a column of the table
    loads: Loads,
    cause: Cause,
) -> None:
    """Reads are handed to the database without the cache; calls are not."""
    seen = Facts(cached=cached, exists=True)

    assert judge(TYPED_CALL, seen, loads, expected_present=False).cause is cause


@pytest.mark.parametrize("item", [TYPED, TYPED_CALL], ids=str)
@pytest.mark.parametrize(
    ("type_matches", "loads", "cause", "hopeless"),
    [
        (True, NOT_LOADED, Cause.SERVED, False),
        (False, NOT_LOADED, Cause.TYPE_DRIFT, False),
        (False, SETTLED, Cause.TYPE_DRIFT, True),
        (None, NOT_LOADED, Cause.UNPROVEN, True),
        (None, SETTLED, Cause.UNPROVEN, True),
    ],
)
def test_a_named_type_must_be_seen_in_the_cache(
    item: Column | Function,
    type_matches: bool | None,  # noqa: FBT001 - a column of the table
    loads: Loads,
    cause: Cause,
    *,
    hopeless: bool,
) -> None:
    """An item with a type in its expectation is not served on the strength of its name."""
    facts = Facts(cached=True, exists=True, allowed=True, type_matches=type_matches)

    verdict = judge(item, facts, loads, expected_present=True)

    assert (verdict.cause, verdict.hopeless) == (cause, hopeless)


SIGHTS = (None, False, True)


@pytest.mark.parametrize("loads", [NOT_LOADED, LOADED, SETTLED, FAILING, UNCOUNTABLE])
@pytest.mark.parametrize("cached", SIGHTS)
@pytest.mark.parametrize("exists", SIGHTS)
@pytest.mark.parametrize("allowed", SIGHTS)
def test_nothing_stale_or_forbidden_is_ever_served(
    cached: bool | None,  # noqa: FBT001 - every combination
    exists: bool | None,  # noqa: FBT001
    allowed: bool | None,  # noqa: FBT001
    loads: Loads,
) -> None:
    """Over all combinations: served needs a grant, and a cache that has the item."""
    facts = Facts(cached=cached, exists=exists, allowed=allowed)

    verdict = judge(ENDED, facts, loads, expected_present=True)

    if verdict.ok:
        assert allowed is True
        assert cached is True or (cached is None and exists is True and loads.settled)


def test_items_that_were_not_looked_at_get_no_verdict() -> None:
    """A round that ended early says nothing of the rest."""
    verdicts = judge_all(Expectation((SCANS, ENDED), (TYPED,)), {ENDED: USABLE}, NOT_LOADED)

    assert [verdict.item for verdict in verdicts] == [ENDED]


READ = Derived("the database", in_database=True)
TOLD = Derived("migrations/7.sql:3")


@pytest.mark.parametrize(
    ("item", "origin", "facts", "loads", "cause", "hopeless"),
    [
        (ENDED, TOLD, Facts(cached=True), NOT_LOADED, Cause.SERVED, False),
        (ENDED, TOLD, Facts(cached=True, allowed=False), NOT_LOADED, Cause.SERVED, False),
        (ENDED, TOLD, Facts(cached=False), NOT_LOADED, Cause.STALE, False),
        (ENDED, TOLD, Facts(cached=False), SETTLED, Cause.NOT_APPLIED, True),
        (ENDED, READ, Facts(cached=False), SETTLED, Cause.STALE, False),  # the database has it
        (ENDED, TOLD, Facts(cached=True, exists=False), NOT_LOADED, Cause.STALE, False),
        (ENDED, TOLD, Facts(exists=False), NOT_LOADED, Cause.NOT_APPLIED, True),
        (ENDED, READ, Facts(), NOT_LOADED, Cause.UNPROVEN, False),
        (ENDED, READ, Facts(), SETTLED, Cause.SERVED, False),
        (ENDED, TOLD, Facts(), SETTLED, Cause.UNPROVEN, True),
        (ENDED, TOLD, Facts(exists=True, allowed=False), SETTLED, Cause.SERVED, False),
        (ENDED, READ, Facts(hidden_when_stale=False), NOT_LOADED, Cause.SERVED, False),
        (ENDED, TOLD, Facts(ambiguous=True, cached=True), SETTLED, Cause.AMBIGUOUS, True),
        (TYPED, TOLD, Facts(cached=True), NOT_LOADED, Cause.SERVED, False),
        (TYPED, TOLD, Facts(cached=True, type_matches=True), NOT_LOADED, Cause.SERVED, False),
        (TYPED, TOLD, Facts(cached=True, type_matches=False), SETTLED, Cause.TYPE_DRIFT, True),
        (ENDED, TOLD, Facts(obstacle=Cause.RELOADING), NOT_LOADED, Cause.RELOADING, False),
    ],
)
def test_items_that_nobody_typed(
    item: Column, origin: Derived, facts: Facts, loads: Loads, cause: Cause, *, hopeless: bool
) -> None:
    """They must be in the cache, whoever may use them; and what was read from the database is."""
    verdict = judge(item, facts, loads, expected_present=True, derived=origin)

    assert (verdict.cause, verdict.hopeless) == (cause, hopeless)
    assert verdict.place == origin.place


def test_a_load_that_failed_is_told_in_the_verdict() -> None:
    """By the line of the log that holds PostgreSQL's error; other causes do not repeat it."""
    line = "api wrote: Failed to load the schema cache: 57014"
    failing = Loads(failing=True, told=line)

    failed = judge(SCANS, Facts(cached=False, told=("x",)), failing, expected_present=True)
    served = judge(SCANS, USABLE, failing, expected_present=True)

    assert (failed.cause, failed.told) == (Cause.RELOAD_FAILING, ("x", f"loads: {line}"))
    assert served.told == ()
