"""A gateway in front: what it changes on the way changes no verdict."""

from dataclasses import replace
from typing import Final

import pytest
from tests.acceptance.capabilities import needs
from tests.acceptance.running import BRIEF, causes, gate
from tests.acceptance.world import MIGRATION, World

from pgrst_sandbox.faults.gateway import Gateway, serving

EXPECTED: Final = {
    "expected_columns": "scans: ended_at",
    "expected_tables": "heartbeats",
    "expected_functions": "update_scan_heartbeat(scan_id, progress_msg)\ntick()\ntakes_any(*)",
    "expected_relationships": "scans -> projects",
}

GATEWAYS: Final = {
    "with a path prefix": Gateway("", prefix="/rest/v1"),
    "hides the server": Gateway("", hides=["server", "proxy-status"]),
    "drops Prefer": Gateway("", drops=["prefer"]),
    "drops Accept": Gateway("", drops=["accept"]),
    "answers OPTIONS": Gateway("", answers_options=True),
    "all but the levers": Gateway(
        "", prefix="/rest/v1", hides=["server", "proxy-status"], answers_options=True
    ),
}


_ANSWERS: Final = ("answers OPTIONS", "all but the levers")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=needs("plans reads") if name in _ANSWERS else ())
        for name in GATEWAYS
    ],
)
@needs("plans only")
def test_a_gateway_changes_no_verdict(world: World, name: str) -> None:
    """Stale is stale and fresh is fresh, whichever of the two levers gets through."""
    gateway = replace(GATEWAYS[name], upstream=world.url)
    world.sql(MIGRATION)
    with serving(gateway) as address:
        url = address + gateway.prefix
        stale = gate(url, timeout=BRIEF, **EXPECTED)
        world.reload()
        fresh = gate(url, **EXPECTED)

    assert (stale.exit_code, set(causes(stale).values())) == (1, {"stale"})
    assert (fresh.exit_code, set(causes(fresh).values())) == (0, {"served"})


@pytest.mark.parametrize("name", GATEWAYS)
def test_no_gateway_opens_the_gate_on_a_stale_cache(world: World, name: str) -> None:
    """What it hides of the server makes items unproven at worst, on every version."""
    world.sql(MIGRATION)
    gateway = replace(GATEWAYS[name], upstream=world.url)
    with serving(gateway) as address:
        report = gate(
            address + gateway.prefix,
            timeout=BRIEF,
            expected_tables="heartbeats",
            expected_functions="tick()\nupdate_scan_heartbeat(scan_id, progress_msg)",
            expected_relationships="scans -> projects",
        )

    assert report.exit_code == 1
    assert set(causes(report).values()) <= {"stale", "unproven"}


def test_a_version_that_is_hidden_is_found_out(world: World) -> None:
    """The API's description names it where the `Server` header does not."""
    with serving(Gateway(world.url, hides=["server"])) as url:
        report = gate(url, expected_columns="scans: status")

    assert report.server is not None
    assert report.server.told_by == "OpenAPI document"
    assert report.exit_code == 0


def test_an_address_without_the_prefix_is_told(world: World) -> None:
    """The gateway's own refusal is no answer of PostgREST's: exit 4, with a hint at the prefix."""
    with serving(Gateway(world.url, prefix="/rest/v1")) as url:
        report = gate(url, expected_columns="scans: status")

    assert report.exit_code == 4
    assert report.problem is not None
    assert "path prefix" in report.problem.hint


@needs("plans only")
def test_a_gateway_that_drops_both_levers_is_refused(world: World) -> None:
    """Then nothing can be asked without a side effect, so the gate asks no more: exit 4."""
    world.sql(MIGRATION)
    world.reload()
    with serving(Gateway(world.url, drops=["prefer", "accept"])) as url:
        report = gate(url, **EXPECTED)

    assert (report.exit_code, report.verdicts) == (4, ())
    assert "was carried out" in report.sentence
