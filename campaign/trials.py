"""Many trials, side by side, over one PostgreSQL."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

from campaign.bases import ROLES
from campaign.grading import Outcome
from campaign.servers import Servers
from campaign.trial import run
from pgrst_sandbox.dialect import RECORDED
from pgrst_sandbox.postgres import Postgres, postgres

VERSIONS: Final = RECORDED
_TRIALS_A_SERVER: Final = 20


def trials(cluster: Postgres, version: str, seeds: Sequence[int]) -> list[Outcome]:
    """Trials on one version, one after the other."""
    with Servers(cluster, version) as servers:
        return [run(seed, servers) for seed in seeds]


def campaign(
    count: int, seed: int, versions: Sequence[str], processes: int
) -> Iterator[list[Outcome]]:
    """All trials; trial n has the seed `seed + n` and the versions in turn."""
    with postgres() as cluster:
        cluster.execute(ROLES, dbname="postgres")
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            waiting = [
                pool.submit(trials, cluster, version, seeds[at : at + _TRIALS_A_SERVER])
                for number, version in enumerate(versions)
                for seeds in [range(seed, seed + count)[number :: len(versions)]]
                for at in range(0, len(seeds), _TRIALS_A_SERVER)
            ]
            for done in as_completed(waiting):
                yield done.result()
