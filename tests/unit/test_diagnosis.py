"""Why a gate is closed, by the state of the database."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest
from tests.acceptance.world import token

from pgrst_gate.diagnosis import anonymous, explained, found, role_of
from pgrst_gate.health.values import (
    Health,
    Listening,
    Role,
    Routine,
    Session,
    Setting,
    Unhandled,
)
from pgrst_gate.schema import Argument, Function, Item, Relation
from pgrst_gate.verdicts import Cause, Verdict

UNKNOWN: Final = Health(
    schemas=("public",),
    missing=None,
    usage=None,
    roles=None,
    tables=None,
    routines=None,
    listening=None,
    settings=None,
    unhandled=None,
    triggers=None,
)
ROUTINE: Final = Routine(
    "public",
    "f",
    ("a", "b"),
    ("integer", "text"),
    "owner",
    definer=True,
    search_path=None,
    callers=frozenset(),
)
CALL: Final = Function("public", "f", (Argument("a"), Argument("b")))


@pytest.mark.parametrize(
    ("key", "role"),
    [
        (token("member"), "member"),
        ("sb_publishable_abc", ""),
        ("a.b.c", ""),
        ("e30.W10.x", ""),
        ("e30.eyJyb2xlIjogN30.x", ""),
        ("e30." + "A" * 20_000 + ".x", ""),
    ],
)
def test_the_role_is_read_where_the_key_tells_it(key: str, role: str) -> None:
    """Of a JWT, without verifying it; of anything else there is none."""
    assert role_of(key) == role


@pytest.mark.parametrize(
    ("roles", "name"), [((), ""), (("anon",), "anon"), (("anon", "other"), "")]
)
def test_the_anonymous_role_is_known_where_one_is_set(roles: tuple[str, ...], name: str) -> None:
    """In the database; two that differ are none."""
    settings = tuple(Setting("pgrst.db_anon_role", one, "authenticator", "app") for one in roles)

    assert anonymous(replace(UNKNOWN, settings=settings)) == name


@pytest.mark.parametrize("item", [CALL, Relation("public", "scans")])
@pytest.mark.parametrize("cause", list(Cause))
def test_what_is_not_known_changes_no_verdict_but_its_role(cause: Cause, item: Item) -> None:
    """The cause is never another, and nothing is told that was not seen."""
    verdict = Verdict(item, expected_present=True, cause=cause, told=("asked: x",), remedy="y")

    after = explained(verdict, UNKNOWN, "", found(UNKNOWN, "pgrst", frozenset(Cause)))

    assert after == verdict


def test_a_function_is_granted_with_the_types_it_has() -> None:
    """And it is told as whom it runs."""
    verdict = Verdict(CALL, expected_present=True, cause=Cause.NOT_GRANTED)

    after = explained(verdict, replace(UNKNOWN, routines=(ROUTINE,)), "Web User", ())

    assert after.remedy == 'grant execute on function public.f(integer, text) to "Web User";'
    assert after.told == (
        "database: the function runs as its owner owner, with no search_path of its own",
    )


SICK: Final[Mapping[str, tuple[Health, Cause]]] = {
    "schema": (replace(UNKNOWN, missing=frozenset({"nowhere"})), Cause.NOT_EXPOSED),
    "foreign-table": (
        replace(UNKNOWN, unhandled=(Unhandled(Relation("public", "far"), "away", "hollow"),)),
        Cause.RELOAD_FAILING,
    ),
    "statement-timeout": (
        replace(
            UNKNOWN,
            roles={
                "authenticator": Role("authenticator", superuser=False, bypasses_policies=False)
            },
            settings=(Setting("statement_timeout", "1ms", "authenticator", ""),),
        ),
        Cause.RELOAD_FAILING,
    ),
    "queue": (
        replace(UNKNOWN, listening=Listening((Session("a", "b", "pgrst"),), 0.9)),
        Cause.STALE,
    ),
    "listener": (replace(UNKNOWN, listening=Listening((Session("a", "b", ""),), 0)), Cause.STALE),
}


@pytest.mark.parametrize("subject", SICK)
def test_what_is_wrong_is_found(subject: str) -> None:
    """That, and nothing else."""
    health, cause = SICK[subject]

    assert [one.subject for one in found(health, "pgrst", frozenset({cause}))] == [subject]


@pytest.mark.parametrize(("database", "where"), [("", ""), ("App", ' in database "App"')])
def test_a_limit_is_taken_back_where_it_was_set(database: str, where: str) -> None:
    """One that is for a database stays in force whatever is reset for all."""
    health, cause = SICK["statement-timeout"]
    limit = Setting("statement_timeout", "1ms", "authenticator", database)

    [finding] = found(replace(health, settings=(limit,)), "pgrst", frozenset({cause}))

    assert finding.remedy.startswith(f"alter role authenticator{where} reset statement_timeout;")


def test_a_session_that_may_listen_unseen_is_no_finding() -> None:
    """What this user may not see is not guessed."""
    unseen = Listening((Session("authenticator", "PostgREST 14.14", None),), 0)

    assert found(replace(UNKNOWN, listening=unseen), "pgrst", frozenset({Cause.STALE})) == ()


def test_a_load_that_fails_is_mended_by_what_breaks_it() -> None:
    """The remedy is the finding's statement."""
    health, cause = SICK["foreign-table"]
    verdict = Verdict(CALL, expected_present=True, cause=cause, remedy="read the log")

    after = explained(verdict, health, "", found(health, "pgrst", frozenset({cause})))

    assert after.remedy == "drop foreign table public.far;"
