"""What is wrong with a set-up: the rules that doctor and diagnosis share."""

from dataclasses import replace

import pytest

from pgrst_gate import set_up
from pgrst_gate.health.values import Health, Listening, Session, Setting, Trigger

HIDDEN = Health((), None, None, None, None, None, None, None, None, None)
HASTY = Setting("statement_timeout", "8s", "it's hasty", database="")
LOADS = Listening((Session("it's hasty", "PostgREST 14.14", "pgrst"),), 0)
END = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'it''s hasty';"
SLOW = 9.0


def test_what_may_not_be_seen_is_no_finding() -> None:
    """Nothing is guessed, by any rule."""
    assert [
        *set_up.schemas(HIDDEN, ["public"]),
        *set_up.foreign_tables(HIDDEN),
        *set_up.timeouts(HIDDEN, SLOW),
        *set_up.listener(HIDDEN, "pgrst"),
        *set_up.event_triggers(HIDDEN, "pgrst", ["ALTER TABLE"]),
    ] == []


def test_only_schemas_that_are_exposed_must_exist() -> None:
    """Another one that was asked about need not."""
    health = replace(HIDDEN, missing=frozenset({"It", "other"}))

    [finding] = set_up.schemas(health, ["public", "It"])

    assert finding.remedy == 'create schema "It";'


@pytest.mark.parametrize(
    ("setting", "statement"),
    [
        (HASTY, "alter role \"it's hasty\" set statement_timeout = '36s';"),
        (
            replace(HASTY, database="My Db"),
            'alter role "it\'s hasty" in database "My Db" set statement_timeout = \'36s\';',
        ),
        (
            replace(HASTY, role="", database="My Db"),
            "alter role \"it's hasty\" set statement_timeout = '36s';",
        ),
    ],
)
def test_a_timeout_is_mended_where_it_is_in_force(setting: Setting, statement: str) -> None:
    """A role's own goes before its database's; connections keep the old one, so they are ended."""
    health = replace(HIDDEN, settings=(setting,), listening=LOADS)

    [finding] = set_up.timeouts(health, SLOW)

    assert finding.remedy.splitlines() == [statement, END]


@pytest.mark.parametrize(("seconds", "met"), [(7.9, False), (0.1, True), (0.0, True)])
def test_a_timeout_is_a_finding_where_a_load_meets_it(seconds: float, *, met: bool) -> None:
    """By the time that reading takes, or by the server's own word; then it gets more, not less."""
    health = replace(HIDDEN, settings=(HASTY,), listening=LOADS)

    found = [one.remedy.splitlines()[0] for one in set_up.timeouts(health, seconds, met=met)]

    raised = ["alter role \"it's hasty\" set statement_timeout = '32s';"]
    assert found == (raised if met else [])


@pytest.mark.parametrize("value", ["0", "0s", "soon"])
def test_no_timeout_is_no_finding(value: str) -> None:
    """0 turns it off; what is no duration is in force nowhere."""
    health = replace(HIDDEN, settings=(replace(HASTY, value=value),), listening=LOADS)

    assert list(set_up.timeouts(health, SLOW, met=True)) == []


def test_triggers_that_sleep_are_told_before_what_is_missed() -> None:
    """Enabled, they may miss nothing."""
    source = "begin notify pgrst, 'reload schema'; end"
    asleep = Trigger("a", "ddl_command_end", "replica", frozenset(), source)
    narrow = Trigger("b", "sql_drop", "origin", frozenset(), source)
    health = replace(HIDDEN, triggers=(asleep, narrow))

    [first] = set_up.event_triggers(health, "pgrst", ["ALTER TABLE"])
    [second] = set_up.event_triggers(
        replace(health, triggers=(narrow,)), "pgrst", ["ALTER TABLE", "DROP TABLE"]
    )

    assert first.text == "event trigger a, which notifies pgrst, is for replicas only"
    assert second.text == "no event trigger notifies pgrst after ALTER TABLE"
