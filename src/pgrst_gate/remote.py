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
    """The plan of a server on another machine, with what `localhost` means there in its addresses.

    Raises `NotRefreshed` where that machine cannot be reached.
    """
    inputs = plan.inputs
    if inputs.dry_run or not inputs.host:
        return plan
    journal.runtime = inputs.runtime
    transport.open()
    journal.note("preflight", f"connected to {transport.place} over SSH")

    def forwarded(url: str) -> str:
        if not is_local(url):
            return url
        end = transport.reach(url)
        journal.note(
            "preflight", f"{url} is asked on {transport.place}, forwarded over SSH to {end} here"
        )
        return end

    url, admin_url = forwarded(inputs.url), forwarded(inputs.admin_url)
    return replace(plan, inputs=replace(inputs, url=url, admin_url=admin_url))
