"""A server on another machine: the way there, and what can be asked only from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pgrst_gate.inputs import Inputs
from pgrst_gate.journal import Journal
from pgrst_gate.localhost import is_local
from pgrst_gate.plan import Plan
from pgrst_gate.runtimes.surroundings import HERE
from pgrst_gate.runtimes.transports.outside import out_of_container
from pgrst_gate.runtimes.transports.ssh import Connection
from pgrst_gate.runtimes.transports.ssh_access import read_access
from pgrst_gate.runtimes.transports.transport import Transport, here, over_ssh


@contextmanager
def transport_of(inputs: Inputs) -> Iterator[Transport]:
    """The way to the machine that the inputs name, ended with all that went over it.

    Nothing is opened yet. Raises `UsageError` for a key or known hosts that are none.
    """
    transport = _chosen(inputs)
    try:
        yield transport
    finally:
        transport.close()


def _chosen(inputs: Inputs) -> Transport:
    if inputs.host:
        access = read_access(inputs.host, inputs.ssh_key, inputs.ssh_known_hosts)
        return over_ssh(Connection(access))
    return out_of_container() if inputs.reach_host else here()


def from_here(plan: Plan, transport: Transport, journal: Journal) -> Plan:
    """The plan with forwards for its addresses that are the other machine's own `localhost`.

    Raises `NotRefreshed` where that machine cannot be reached.
    """
    inputs = plan.inputs
    if inputs.dry_run or transport.place == HERE:
        return plan
    journal.runtime = inputs.runtime
    transport.open()
    journal.note("preflight", f"connected to {transport.place} {transport.way}")
    forwards: dict[str, str] = {}
    for url in filter(is_local, (inputs.url, inputs.admin_url, *inputs.targets)):
        if (end := transport.reach(url)) != url:
            forwards[url] = end
            text = f"{url} is one of {transport.place}, asked as {end} from here"
            journal.note("preflight", text)
    return replace(plan, forwards=forwards)
