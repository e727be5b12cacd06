"""When the Sentinels are asked to promote a replica, and when they have."""

from dataclasses import replace

import pytest

from redis_gate.switchover import Seen, named_by_most, preferred, refusal
from unit.redis_gate.samples import REDIS

CLUSTER = REDIS.cluster
FOLLOWS = {"flags": "slave", "master-link-status": "ok", "slave-priority": "100"}
HEALTHY = Seen("redis-1", "master", {"redis-2": FOLLOWS, "redis-3": FOLLOWS})
SENTINELS = CLUSTER.sentinel_nodes
SILENT = None


def seen(*last: Seen | None) -> dict[str, Seen | None]:
    """Return what all Sentinels see, of whom the last see something else."""
    return dict(zip(SENTINELS, [*[HEALTHY] * (len(SENTINELS) - len(last)), *last], strict=True))


def with_replica(**fields: str) -> Seen:
    return replace(HEALTHY, replicas={**HEALTHY.replicas, "redis-3": {**FOLLOWS, **fields}})


@pytest.mark.parametrize(
    ("case", "last", "heir", "reason"),
    [
        ("all agree", HEALTHY, "redis-2", None),
        ("a Sentinel is silent", SILENT, "redis-2", "sentinel-3 does not answer"),
        ("a Sentinel names another", replace(HEALTHY, primary="redis-3"), "redis-2", "names redis-3"),
        ("a failover runs", replace(HEALTHY, flags="master,failover_in_progress"), "redis-2", "failover_in"),
        ("a replica is down", with_replica(flags="s_down,slave"), "redis-2", "does not see redis-3 follow"),
        ("a replica has no link", with_replica(**{"master-link-status": "err"}), "redis-3", "does not see"),
        (
            "the other one is unknown",
            replace(HEALTHY, replicas={"redis-2": FOLLOWS}),
            "redis-2",
            "does not see",
        ),
        ("the primary", HEALTHY, "redis-1", "is no replica"),
        ("nobody", HEALTHY, "redis-9", "is no replica"),
    ],
)
def test_when_a_replica_may_be_promoted(case: str, last: Seen | None, heir: str, reason: str | None) -> None:
    answer = refusal(seen(last), CLUSTER, "redis-1", heir)
    assert answer is None if reason is None else answer is not None and reason in answer, case


def test_a_majority_says_who_is_primary() -> None:
    promoted = replace(HEALTHY, primary="redis-2")
    assert not named_by_most(seen(promoted), "redis-2", CLUSTER)
    assert not named_by_most(seen(SILENT, promoted), "redis-2", CLUSTER)
    assert named_by_most(seen(promoted, promoted), "redis-2", CLUSTER)


def test_all_sentinels_know_whom_to_prefer() -> None:
    told = with_replica(**{"slave-priority": "1"})
    assert preferred(seen(told, told, told), "redis-3")
    assert not preferred(seen(told), "redis-3")
    assert not preferred(seen(told, told, SILENT), "redis-3")
