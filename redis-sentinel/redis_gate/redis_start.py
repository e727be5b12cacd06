"""Wait at the gate until Redis may start, then become Redis."""

import time
from typing import NoReturn

import structlog

from redis_gate.acl import REDIS_RULES, acl_file
from redis_gate.decision import (
    Decision,
    Observation,
    RenewReplicas,
    Situation,
    StartAsPrimary,
    StartAsReplica,
    Stopwatch,
    Wait,
    decide,
    situation,
)
from redis_gate.newest import newest_entry
from redis_gate.observation import holds_data, observe_redis, renew_replica
from redis_gate.peer import REDIS_GATE_PORT, waiting_port
from redis_gate.redis_config import redis_config
from redis_gate.server import DATA, RUNTIME, become, write_private
from redis_gate.settings import RedisSettings

LOOK_AGAIN_SECONDS = 0.5

log = structlog.get_logger()


def start_redis(settings: RedisSettings) -> NoReturn:
    """Become the Redis of this node, as primary or replica, as soon as the gate allows it."""
    own: dict[str, str | bool | None] = {"node": settings.cluster.node, "has_data": holds_data(DATA)}
    with waiting_port(REDIS_GATE_PORT, own):
        decision = _wait_for_decision(settings, own)
    primary = decision.primary if isinstance(decision, StartAsReplica) else None
    users = write_private(RUNTIME / "users.acl", acl_file(REDIS_RULES, settings.cluster.passwords))
    config = write_private(RUNTIME / "redis.conf", redis_config(settings, users, primary))
    become("redis-server", config)


def _wait_for_decision(
    settings: RedisSettings, own: dict[str, str | bool | None]
) -> StartAsPrimary | StartAsReplica:
    stopwatch = Stopwatch()
    told = None
    while True:
        seen = observe_redis(settings.cluster, own)
        present = situation(seen)
        if present is Situation.PRIMARY_ABSENT_PEER_UNREAD and "newest" not in own:
            own["newest"] = newest_entry(DATA, RUNTIME)
        decision = decide(seen, stopwatch.lasted(present, time.monotonic()))
        if present is not told or not isinstance(decision, Wait):
            _tell(present.value, seen, decision)
            told = present
        match decision:
            case StartAsPrimary() | StartAsReplica():
                return decision
            case RenewReplicas(replicas):
                for replica in replicas:
                    renew_replica(replica, settings.cluster)
                stopwatch = Stopwatch()
        time.sleep(LOOK_AGAIN_SECONDS)


def _tell(present: str, seen: Observation, decision: Decision) -> None:
    log.info(
        "gate",
        situation=present,
        decision=type(decision).__name__,
        has_data=seen.has_data,
        newest=seen.newest,
        named=seen.named,
        peers={node: peer.name for node, peer in seen.peers.items()},
    )
