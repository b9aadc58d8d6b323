"""Why a gate is closed, by the state of the database."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest
from tests.acceptance.world import token

from pgrst_gate.diagnosis import explained, found, policies_told, role_of
from pgrst_gate.findings import Finding
from pgrst_gate.health.settings import anonymous
from pgrst_gate.health.values import (
    Health,
    Listening,
    Policy,
    Role,
    Routine,
    Session,
    Setting,
    Table,
    Trigger,
    Unhandled,
)
from pgrst_gate.reach import Reach
from pgrst_gate.schema import Argument, Column, Function, Item, Relation, Relationship
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
SEEN: Final = Table(
    Relation("public", "seen"),
    "view",
    "owner",
    row_security=False,
    forced=False,
    policies=(),
    security_invoker=False,
    rights={},
    owners=frozenset(),
    sequences=(),
)
OWN: Final = Policy("own", "select", ("member",), permissive=True, bound=frozenset({"member"}))
NARROW: Final = Trigger(
    "watch",
    "ddl_command_end",
    "origin",
    frozenset({"COMMENT"}),
    "begin notify pgrst, 'reload schema'; end",
)
BY: Final = Reach()


def findings(health: Health, *causes: Cause, seconds: float = 0) -> tuple[Finding, ...]:
    """What is found where an item is not served for each of these causes."""
    red = [Verdict(CALL, expected_present=True, cause=one) for one in causes]
    return found(health, "pgrst", ("public", "nowhere"), red, seconds)


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
    settings = tuple(
        Setting("pgrst.db_anon_role", one, "authenticator", database="d") for one in roles
    )

    assert anonymous(settings) == name


@pytest.mark.parametrize("item", [CALL, Relation("public", "scans")])
@pytest.mark.parametrize("cause", list(Cause))
def test_what_is_not_known_changes_no_verdict_but_its_role(cause: Cause, item: Item) -> None:
    """The cause is never another, and nothing is told that was not seen."""
    verdict = Verdict(item, expected_present=True, cause=cause, told=("asked: x",), remedy="y")

    after = explained(verdict, UNKNOWN, "", BY, findings(UNKNOWN, *Cause))

    assert replace(after, remedy="") == replace(verdict, remedy="")


def test_a_function_is_granted_with_the_types_it_has() -> None:
    """And it is told as whom it runs."""
    verdict = Verdict(CALL, expected_present=True, cause=Cause.NOT_GRANTED)

    after = explained(verdict, replace(UNKNOWN, routines=(ROUTINE,)), "Web User", BY, ())

    assert after.remedy == 'grant execute on function public.f(integer, text) to "Web User";'
    assert after.told == (
        "database: the function runs as its owner owner, with no search_path of its own",
    )


SICK: Final[Mapping[str, tuple[Health, Cause]]] = {
    "schemas": (replace(UNKNOWN, missing=frozenset({"nowhere"})), Cause.NOT_EXPOSED),
    "foreign-tables": (
        replace(UNKNOWN, unhandled=(Unhandled(Relation("public", "far"), "away", "hollow"),)),
        Cause.RELOAD_FAILING,
    ),
    "timeouts": (
        replace(
            UNKNOWN,
            settings=(Setting("statement_timeout", "1ms", "authenticator", database=""),),
        ),
        Cause.RELOAD_FAILING,
    ),
    "listener": (replace(UNKNOWN, listening=Listening((), 0)), Cause.STALE),
    "event-triggers": (
        replace(UNKNOWN, triggers=(NARROW,)),
        Cause.STILL_SERVED,
    ),
}


@pytest.mark.parametrize("subject", SICK)
@pytest.mark.parametrize("cause", list(Cause))
def test_what_explains_a_cause_is_found(subject: str, cause: Cause) -> None:
    """That, and nothing of what has no part in it; a schema that does not exist in any case."""
    health, of = SICK[subject]
    behind = {Cause.STALE, Cause.STILL_SERVED}
    closed = cause not in {Cause.SERVED, Cause.GONE}
    has_part = subject == "schemas" or (closed and (cause is of or {cause, of} <= behind))

    found = findings(health, cause, seconds=1)

    assert [one.subject for one in found] == ([subject] if has_part else [])


@pytest.mark.parametrize(
    ("item", "present", "command"),
    [
        (CALL, True, "CREATE FUNCTION"),
        (CALL, False, "DROP FUNCTION"),
        (Relation("public", "new"), True, "CREATE TABLE"),
        (Relation("public", "new"), False, "DROP TABLE"),
        (Relation("public", "seen"), True, "CREATE VIEW"),
        (Column(Relation("public", "new"), "a"), True, "ALTER TABLE"),
        (Column(Relation("public", "seen"), "a"), True, "CREATE VIEW"),
        (Relationship(Relation("public", "new"), "seen"), True, "ALTER TABLE"),
    ],
    ids=str,
)
def test_the_statement_that_a_trigger_misses_is_that_of_the_item(
    item: Item, *, present: bool, command: str
) -> None:
    """By the kind of the item, and whether it was made or taken away."""
    cause = Cause.STALE if present else Cause.STILL_SERVED
    verdict = Verdict(item, expected_present=present, cause=cause)
    health = replace(UNKNOWN, triggers=(NARROW,), tables={SEEN.relation: SEEN})

    [finding] = found(health, "pgrst", (), [verdict], 0)

    assert finding.text == f"no event trigger notifies pgrst after {command}"


def test_a_load_that_ended_by_its_timeout_is_told_however_fast_it_goes_now() -> None:
    """The server's own line names PostgreSQL's code."""
    health, cause = SICK["timeouts"]
    line = 'loads: Failed to load the schema cache. {"code":"57014"}'
    ended = Verdict(CALL, expected_present=True, cause=cause, told=(line,))
    other = replace(ended, told=("loads: 1 failed load",))

    assert [len(found(health, "pgrst", (), [one], 0)) for one in (ended, other)] == [1, 0]


@pytest.mark.parametrize(
    ("setting", "statement"),
    [
        (
            Setting("pgrst.db_schemas", "public", "authenticator", database=""),
            "alter role authenticator set pgrst.db_schemas = 'public, it''s';",
        ),
        (
            Setting("pgrst.db_schemas", "public", "authenticator", database="db"),
            "alter role authenticator in database db set pgrst.db_schemas = 'public, it''s';",
        ),
        (Setting("pgrst.db_schemas", "public", "other", database=""), "add the schema"),
    ],
)
def test_a_schema_is_exposed_where_that_is_set(setting: Setting, statement: str) -> None:
    """In the database, for the role that loads; elsewhere nobody here can type it."""
    item = Relation("it's", "items")
    verdict = Verdict(item, expected_present=True, cause=Cause.NOT_EXPOSED, remedy="add the schema")

    after = explained(verdict, replace(UNKNOWN, settings=(setting,)), "", BY, ())

    assert after.remedy.splitlines()[0] == statement


def test_the_functions_that_are_there_are_told() -> None:
    """All of that name; one of two that nobody can tell apart is renamed."""
    text = replace(ROUTINE, types=("text", "text"))
    health = replace(UNKNOWN, routines=(ROUTINE, text, replace(ROUTINE, name="g")))
    other = Function("public", "f", (Argument("c"),))

    ambiguous, wrong = (
        explained(Verdict(item, expected_present=True, cause=cause), health, "", BY, ())
        for item, cause in ((CALL, Cause.AMBIGUOUS), (other, Cause.WRONG_SIGNATURE))
    )

    assert ambiguous.told == wrong.told
    assert wrong.told == (
        "database: there is public.f(a integer, b text)",
        "database: there is public.f(a text, b text)",
    )
    assert ambiguous.remedy == (
        "alter function public.f(text, text) rename to f_2;\nNOTIFY pgrst, 'reload schema';"
    )
    assert wrong.remedy == ""


@pytest.mark.parametrize(
    ("item", "statement"),
    [
        (CALL, "drop function public.f(integer, text);"),
        (Relation("public", "seen"), "drop view public.seen;"),
        (Relation("public", "new"), "drop table public.new;"),
        (Column(Relation("public", "new"), "Odd"), 'alter table public.new drop column "Odd";'),
    ],
    ids=str,
)
def test_what_was_never_dropped_is_dropped_as_what_it_is(item: Item, statement: str) -> None:
    """And the cache is loaded after it."""
    verdict = Verdict(item, expected_present=False, cause=Cause.STILL_SERVED, exists=True)
    health = replace(UNKNOWN, routines=(ROUTINE,), tables={SEEN.relation: SEEN})

    after = explained(verdict, health, "", BY, ())

    assert f"`{statement}` and reload: `NOTIFY pgrst, 'reload schema';`" in after.remedy


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        ((), "no policy shows it a row"),
        ((OWN,), "own"),
        ((replace(OWN, command="insert"),), "no policy shows it a row"),
        ((replace(OWN, bound=frozenset({"other"})),), "no policy shows it a row"),
        ((replace(OWN, permissive=False),), "own, no policy shows it a row"),
    ],
)
def test_only_policies_that_apply_to_the_role_are_told(
    policies: tuple[Policy, ...], told: str
) -> None:
    """Those on reading, of this role; restrictive ones alone show nothing."""
    table = replace(SEEN, kind="table", row_security=True, policies=policies)
    member = Role("member", superuser=False, bypasses_policies=False)

    line = policies_told(table.relation, replace(UNKNOWN, tables={table.relation: table}), member)

    expected = "database: row-level security of public.seen applies to member"
    assert line == f"{expected}: {told}"


def test_a_session_that_may_listen_unseen_is_no_finding() -> None:
    """What this user may not see is not guessed."""
    unseen = Listening((Session("authenticator", "PostgREST 14.14", None),), 0)

    assert findings(replace(UNKNOWN, listening=unseen), Cause.STALE) == ()


def test_a_load_that_fails_is_mended_by_what_breaks_it() -> None:
    """The remedy is the finding's statement."""
    health, cause = SICK["foreign-tables"]
    verdict = Verdict(CALL, expected_present=True, cause=cause, remedy="read the log")

    after = explained(verdict, health, "", BY, findings(health, cause))

    assert after.remedy == "drop foreign table public.far;"
