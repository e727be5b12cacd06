"""While passwords of the queue are changed, nodes of two stages of the change are one cluster."""

from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest

from kit.redis_cluster import ACCOUNTS, PROXIES, REDIS, SENTINELS, RedisCluster

RECOVERY_SECONDS = 60
OLD, NEW = ({account: f"{account}-{uuid4().hex}" for account in ACCOUNTS} for _ in range(2))
# What a stage mounts: what is sent, and what is good as well.
STAGES = {"before": (OLD, None), "accepted": (OLD, NEW), "sent": (NEW, OLD), "alone": (NEW, None)}


def mounted(folder: Path, stage: str) -> Path:
    """Return a folder with the secrets of a stage."""
    (own := folder / stage).mkdir()
    for kind, passwords in zip(("password", "password_other"), STAGES[stage], strict=True):
        for account in ACCOUNTS:
            (own / f"redis_{account}_{kind}").write_text(passwords[account] if passwords else "none")
    return own


@pytest.mark.long
@pytest.mark.parametrize(("behind", "ahead"), list(pairwise(STAGES)))
def test_nodes_of_two_stages_are_one_cluster(tmp_path: Path, behind: str, ahead: str) -> None:
    folders = [mounted(tmp_path, stage) for stage in (behind, ahead)]
    with RedisCluster(tmp_path, None) as cluster:
        for names in (SENTINELS, REDIS, PROXIES):
            for number, name in enumerate(names):
                cluster.secrets = folders[number % 2]
                cluster.start(name)
        # As a client that was not replaced yet, and as one that was.
        for folder in folders:
            cluster.secrets = folder
            first = cluster.recover(RECOVERY_SECONDS)
        cluster.remove(first)
        cluster.start(first)
        cluster.recover(RECOVERY_SECONDS)
