"""The way to the machine that runs this container, through helpers that its engine starts."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pgrst_gate import localhost
from pgrst_gate.runtimes.docker.engine import DockerEngine
from pgrst_gate.runtimes.host.remote_processes import RemoteProcesses
from pgrst_gate.runtimes.surroundings import Place
from pgrst_gate.runtimes.transports.helper import COMMANDS, NETWORK, PROCESSES, Helper, Surrounding
from pgrst_gate.runtimes.transports.relay import Relay
from pgrst_gate.runtimes.transports.transport import Transport

THE_HOST: Final = Place("the host")


def out_of_container() -> Transport:
    """The way; each helper is started when it is needed for the first time.

    A local address that something answers without a helper is asked without one.
    """
    surrounding = Surrounding()
    processes, commands, network = (
        Helper(surrounding, rights) for rights in (PROCESSES, COMMANDS, NETWORK)
    )

    def reach(url: str) -> str:
        if localhost.is_answered(url):
            return url
        if (gateway := localhost.from_inside(url)) is not None:
            return gateway
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        near = Relay(network, parts.hostname or "", port).open()
        # A certificate is for the name, which is the same at this end where it is `localhost`.
        name = "localhost" if parts.hostname == "localhost" else "127.0.0.1"
        return urlunsplit(parts._replace(netloc=f"{name}:{near}"))

    def find_own() -> None:
        _ = surrounding.own

    def close() -> None:
        for helper in (processes, commands, network):
            helper.close()

    return Transport(
        place=THE_HOST,
        way="through helper containers",
        commands=commands,
        processes=RemoteProcesses(processes, THE_HOST),
        connect=DockerEngine,
        reach=reach,
        open=find_own,
        close=close,
    )
