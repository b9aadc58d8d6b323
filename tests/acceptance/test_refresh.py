"""From a stale cache to an open gate: each way to refresh, and what it leaves behind."""

import time
from pathlib import Path
from signal import SIGKILL

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.conftest import Start
from tests.acceptance.running import causes, gate, gate_told_of
from tests.acceptance.world import MIGRATION, World

from pgrst_gate.report import Event
from pgrst_sandbox.faults import loads


def expected(world: World) -> dict[str, str]:
    """Some of everything that the migration brings and takes away, as far as it can be told."""
    functions, gone = "tick()", "scans: legacy\ndoomed"
    if world.kind.can("tells calls"):
        functions += "\nupdate_scan_heartbeat(scan_id, progress_msg)"
        gone += "\nretired(a)"
    return {
        "expected_columns": "scans: ended_at, last_activity_at",
        "expected_tables": "heartbeats",
        "expected_functions": functions,
        "expected_relationships": "scans -> projects",
        "expected_absent": gone,
    }


def confirmed(world: World) -> str:
    """The best evidence that there is for a load by the admin server."""
    return "confirmed" if world.kind.can("counts loads") else "inferred"


@pytest.mark.parametrize("admin", [True, False])
def test_a_notification_opens_the_gate(world: World, *, admin: bool) -> None:
    """NOTIFY through the real database reloads the running server, once."""
    world.sql(MIGRATION)

    report = gate(
        world.url,
        runtime="notify",
        database_url=world.database_url,
        admin_url=world.admin_url if admin else "",
        **expected(world),
    )

    evidence = confirmed(world) if admin else "inferred"
    assert (report.exit_code, report.evidence.value) == (0, evidence)
    assert set(causes(report).values()) == {"served", "gone"}
    assert [(one.action, one.sent) for one in report.receipts] == [
        ("reload", "NOTIFY \"pgrst\", 'reload schema'")
    ]
    assert world.alive


@pytest.mark.parametrize("way", ["pid", "pid-file", "process-name"])
@pytest.mark.parametrize("method", ["auto", "sighup"])
def test_a_signal_opens_the_gate(world: World, tmp_path: Path, way: str, method: str) -> None:
    """SIGUSR1 reaches the process found by pid, pid file or name, and never SIGHUP: it lives on."""
    world.sql(MIGRATION)
    pid_file = tmp_path / "postgrest.pid"
    pid_file.write_text(f"{world.server.pid}\n")
    found_by = {
        "pid": {"pid": str(world.server.pid)},
        "pid-file": {"pid_file": str(pid_file)},
        "process-name": {"process_name": world.program.name},
    }[way]

    report = gate(
        world.url,
        runtime="process",
        method=method,
        admin_url=world.admin_url,
        **found_by,
        **expected(world),
    )

    assert (report.exit_code, report.evidence.value) == (0, confirmed(world))
    assert [(one.action, one.sent) for one in report.receipts] == [("reload", "SIGUSR1")]
    assert world.alive
    warned = [event.text for event in report.events if event.level == "warning"]
    assert any("SIGHUP" in text for text in warned) is (method == "sighup")


def test_what_is_named_by_an_input_is_what_auto_takes(world: World) -> None:
    """Without a runtime, the database URL is enough to know how to refresh."""
    world.sql(MIGRATION)

    report = gate(world.url, runtime="auto", database_url=world.database_url, **expected(world))

    assert report.exit_code == 0
    assert report.runtime.startswith("notify (channel pgrst of database")


@needs("counts loads")
def test_a_second_run_sends_its_own_refresh(world: World) -> None:
    """What was served before is served after: the load that was counted is the evidence."""
    world.sql(MIGRATION)
    world.reload()

    report = gate(
        world.url,
        runtime="notify",
        database_url=world.database_url,
        admin_url=world.admin_url,
        require_evidence="confirmed",
        **expected(world),
    )

    assert (report.exit_code, report.evidence.value) == (0, "confirmed")
    assert len(report.receipts) == 1


@needs("tells calls")
def test_an_endpoint_is_requested_once(world: World) -> None:
    """However often the gate looks, a call that writes is made one time."""
    world.sql(MIGRATION)

    report = gate(
        world.url,
        runtime="notify",
        database_url=world.database_url,
        admin_url=world.admin_url,
        consecutive="3",
        endpoints='POST /rpc/update_scan_heartbeat {"scan_id": 1, "progress_msg": "test"} -> 204',
    )

    assert (report.exit_code, causes(report)) == (
        0,
        {"update_scan_heartbeat(scan_id, progress_msg)": "served"},
    )
    assert world.rows("select * from heartbeats") == [(1, "test")]


@needs("counts loads")
def test_what_no_reload_can_help_ends_the_wait(world: World) -> None:
    """Once the reload is proven, what is not in the database and what is asked wrongly is told."""
    world.sql(MIGRATION)
    began = time.monotonic()

    report = gate(
        world.url,
        timeout="60s",
        runtime="notify",
        database_url=world.database_url,
        admin_url=world.admin_url,
        expected_columns="scans: never",
        expected_tables="never",
        expected_functions="never(a)\nupdate_scan_heartbeat(scan_id, wrong)",
        expected_relationships="projects -> heartbeats",
    )

    assert report.exit_code == 1
    assert causes(report) == {
        "scans.never": "not-applied",
        "never": "not-applied",
        "never(a)": "not-applied",
        "update_scan_heartbeat(scan_id, wrong)": "wrong-signature",
        "projects -> heartbeats": "not-applied",
    }
    assert time.monotonic() - began < 15
    assert len(report.receipts) == 1


@needs("hides columns")
def test_a_notification_that_nobody_hears_is_warned_of(world: World) -> None:
    """On another channel it is sent and lost: the gate says so, and stays closed."""
    world.sql(MIGRATION)

    report = gate(
        world.url,
        timeout="500ms",
        runtime="notify",
        database_url=world.database_url,
        db_channel="elsewhere",
        expected_columns="scans: ended_at",
    )

    assert (report.exit_code, causes(report)) == (1, {"scans.ended_at": "stale"})
    warned = [event.text for event in report.events if event.level == "warning"]
    assert any("does not show that it listens" in text for text in warned)


@needs("counts loads")
def test_a_slow_load_is_waited_for(start: Start) -> None:
    """While the old cache still answers the gate is closed; it opens when the new one does."""
    with start(environment=loads.slow(milliseconds=700)) as world:
        world.sql(MIGRATION)

        report = gate(
            world.url,
            runtime="notify",
            database_url=world.database_url,
            admin_url=world.admin_url,
            **expected(world),
        )

    assert (report.exit_code, report.evidence.value) == (0, "confirmed")
    assert report.attempts > 3
    assert (report.reload_milliseconds or 0) > 500


@needs("counts loads")
def test_a_reload_that_fails_is_told(world: World, start: Start) -> None:
    """The old cache, or none, is told from one that is merely late; the server is left as it is."""
    dsn = world.cluster.dsn(world.database, "frail")
    with start(database=world.database, dsn=dsn) as impatient:
        world.sql(MIGRATION)
        with loads.blocked(world.database_url):
            report = gate(
                impatient.url,
                timeout="2500ms",
                runtime="process",
                pid=str(impatient.server.pid),
                admin_url=impatient.admin_url,
                expected_columns="scans: ended_at",
            )

        assert (report.exit_code, causes(report)) == (1, {"scans.ended_at": "reload-failing"})
        assert "statement_timeout" in report.verdicts[0].remedy
        assert impatient.alive


def test_a_server_that_dies_is_told(start: Start) -> None:
    """Whoever got the signal and is gone will not come back: exit 3, without waiting on."""
    with start() as world:

        def kill(event: Event) -> None:
            if event.stage == "refresh":
                world.server.signal(SIGKILL)

        report = gate_told_of(
            kill,
            world.url,
            timeout="60s",
            runtime="process",
            pid=str(world.server.pid),
            expected_columns="scans: never",
        )

    assert (report.exit_code, report.conclusion.value) == (3, "not-refreshed")
    assert "is gone" in report.sentence
    assert "sent so far: SIGUSR1" in report.sentence
