"""What a database's state means, for states that are hard to bring about."""

from dataclasses import replace

import pytest

from pgrst_gate.doctor.channels import event_triggers, listener
from pgrst_gate.doctor.database import examined
from pgrst_gate.doctor.looks import State
from pgrst_gate.health.values import Health, Listening, Session, Trigger

HIDDEN = Health((), None, None, None, None, None, None, None, None, None)
POSTGREST = Session("authenticator", "PostgREST 14.14", "pgrst")
SOURCE = "begin notify pgrst, 'reload schema'; end"


def test_what_may_not_be_seen_is_not_looked_at() -> None:
    """Nothing is called well that nobody saw."""
    assert {one.state for one in examined(HIDDEN, "pgrst", 0.1)} == {"not looked at"}


@pytest.mark.parametrize(
    ("session", "queue", "state"),
    [
        (POSTGREST, 0.0, "ok"),
        (POSTGREST, 0.9, "risk"),
        (replace(POSTGREST, channel="other"), 0.0, "risk"),
        (replace(POSTGREST, channel=None), 0.0, "not looked at"),
        (replace(POSTGREST, channel=None), 0.9, "risk"),
    ],
)
def test_a_listener_is_one_of_this_channel(session: Session, queue: float, state: State) -> None:
    """A hidden session may listen; a queue that fills up is told in any case."""
    found = listener(replace(HIDDEN, listening=Listening((session,), queue)), "pgrst")

    assert found.state == state


@pytest.mark.parametrize(
    ("triggers", "state"),
    [
        ([("watch", "ddl_command_end", "origin", ""), ("drop", "sql_drop", "origin", "")], "ok"),
        ([("watch", "ddl_command_end", "always", "")], "ok"),
        ([("watch", "ddl_command_end", "replica", "")], "risk"),
        ([("watch", "ddl_command_end", "origin", "CREATE TABLE")], "risk"),
        ([("drop", "sql_drop", "origin", "")], "risk"),
        ([], "ok"),
    ],
)
def test_triggers_must_see_what_migrations_do(
    triggers: list[tuple[str, str, str, str]], state: State
) -> None:
    """One of ddl_command_end sees drops as well; one of sql_drop sees nothing else."""
    found = tuple(
        Trigger(name, event, enabled, frozenset({tag} - {""}), SOURCE)  # type: ignore[arg-type]
        for name, event, enabled, tag in triggers
    )

    assert event_triggers(replace(HIDDEN, triggers=found), "pgrst").state == state
