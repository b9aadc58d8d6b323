"""A server on another machine: the way there, and what can be asked only from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.localhost import is_local
from pgrst_gate.plan import Plan
from pgrst_gate.runtimes.ssh import Connection
from pgrst_gate.runtimes.ssh_access import read_access
from pgrst_gate.runtimes.transport import Transport, here, over_ssh


@contextmanager
def transport_of(inputs: Inputs) -> Iterator[Transport]:
    """The way to the machine that the inputs name, ended with all that went over it.

    Nothing is opened yet. Raises `UsageError` for a key or known hosts that are none.
    """
    if not inputs.host:
        yield here()
        return
    transport = over_ssh(
        Connection(read_access(inputs.host, inputs.ssh_key, inputs.ssh_known_hosts))
    )
    try:
        yield transport
    finally:
        transport.close()


def from_here(plan: Plan, transport: Transport, journal: Journal) -> Plan:
    """The plan with forwards for its addresses that are the other machine's own `localhost`.

    Raises `NotRefreshed` where that machine cannot be reached.
    """
    inputs = plan.inputs
    if inputs.dry_run or not inputs.host:
        return plan
    journal.runtime = inputs.runtime
    transport.open()
    journal.note("preflight", f"connected to {transport.place} over SSH")
    forwards: dict[str, str] = {}
    for url in filter(is_local, (inputs.url, inputs.admin_url, *inputs.targets)):
        forwards[url] = transport.reach(url)
        text = f"{url} is asked on {transport.place}, forwarded over SSH to {forwards[url]} here"
        journal.note("preflight", text)
    return replace(plan, forwards=forwards)
