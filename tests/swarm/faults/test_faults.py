"""Kill one container of each kind while votes come in: none that was acknowledged may be lost or doubled."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from deployment.layout import LOCAL_CA_FILE
from deployment.settings import Settings
from swarm.cluster import Cluster
from swarm.ledger import judge, longest_silence
from swarm.voters import Voters


def redis_primary(cluster: Cluster) -> str:
    return str(cluster.status()["redis"]["primary"])


def redis_replica(cluster: Cluster) -> str:
    return str(cluster.status()["redis"]["replicas"][0])


def postgres_primary(cluster: Cluster) -> str:
    return str(cluster.status()["postgres"]["primary"])


def postgres_standby(cluster: Cluster) -> str:
    return str(cluster.status()["postgres"]["standbys"][0])


def named(service: str) -> Callable[[Cluster], str]:
    return lambda _: service


VICTIMS = {
    "vote": named("vote"),
    "worker": named("worker"),
    "result": named("result"),
    "traefik": named("traefik"),
    "docker-proxy": named("docker-proxy"),
    "redis-proxy": named("redis-proxy"),
    "pgpool": named("pgpool"),
    "sentinel": named("sentinel-1"),
    "redis primary": redis_primary,
    "redis replica": redis_replica,
    "postgres primary": postgres_primary,
    "postgres standby": postgres_standby,
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_killed_container_costs_no_vote(
    victim: str, cluster: Cluster, chosen: Settings, report: Callable[[dict[str, Any]], None]
) -> None:
    cluster.wait_healthy()
    service = VICTIMS[victim](cluster)
    with Voters(chosen.urls["vote"], LOCAL_CA_FILE) as voters:
        voters.wait_for_votes(100)
        killed = time.monotonic()
        cluster.kill(service)
        cluster.wait_healthy()
        healthy = time.monotonic() - killed
        voters.wait_for_votes(100)
    cluster.drain()
    rows = {row[0]: row[1] for row in cluster.sql("SELECT id, vote FROM votes")}
    tally = {row[0]: int(row[1]) for row in cluster.sql("SELECT vote, count FROM tally")}
    verdict = judge(voters.ballots, rows, tally)
    cluster.guests.update(voters.ids)
    report(
        {
            "container killed": victim,
            "votes/s": round(voters.rate),
            "acknowledged": verdict.acknowledged,
            "voters stored": f"{sum(voter in rows for voter in voters.ids)} of {len(voters.ids)}",
            "lost": len(verdict.lost) + len(verdict.stale),
            "doubled": sum(map(abs, verdict.miscounted.values())),
            "refused": sum(not ballot.acknowledged for ballot in voters.ballots),
            "seconds without acknowledgement": round(longest_silence(voters.ballots, since=killed), 1),
            "seconds to full strength": round(healthy, 1),
        }
    )
    assert verdict.kept, verdict
