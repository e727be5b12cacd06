"""Wait at the gate until Redis may start, then become Redis."""

import socket
import sys
import time
from typing import NoReturn

import structlog

from redis_gate import leftovers, supervisor
from redis_gate.acl import REDIS_RULES
from redis_gate.damage import APPEND_ONLY, MANIFEST, append_only_damage, holds_data, set_aside
from redis_gate.handover import DATA, RUNTIME, become, require_access, write_private
from redis_gate.newest import read
from redis_gate.observation import observe_redis, renew_replica
from redis_gate.redis_config import redis_config
from redis_gate.redis_decision import (
    Decision,
    Observation,
    RenewReplicas,
    Situation,
    StartAfresh,
    StartAsPrimary,
    StartAsReplica,
    Stopwatch,
    Wait,
    decide,
    situation,
)
from redis_gate.settings import RedisSettings
from redis_gate.waiting import REDIS_GATE_PORT, waiting_port

LOOK_AGAIN_SECONDS = 0.5
READ_SECONDS = 60.0

Own = dict[str, str | bool | None]
"""What this node answers peers that ask it."""

log = structlog.get_logger()


def start_redis(settings: RedisSettings, refused: bool = False) -> NoReturn:
    """Become the Redis of this node, as primary or replica, as soon as the gate allows it.

    `refused` says that Redis has just ended in this container by itself.
    """
    require_access(DATA)
    leftovers.remove(DATA, leftovers.OF_REDIS)
    own: Own = {"node": settings.cluster.node, "has_data": holds_data(DATA), "damage": None}
    with waiting_port(REDIS_GATE_PORT, own, settings.cluster.tls):
        _note_damage(own, read(DATA, RUNTIME).damage if refused else append_only_damage(DATA))
        if refused and not own["damage"]:
            sys.exit(supervisor.REFUSALS[0])
        decision = _wait_for_decision(settings, own)
    if isinstance(decision, StartAfresh):
        kept = set_aside(DATA / APPEND_ONLY)
        log.warning("set aside", damage=own["damage"], kept=str(kept), primary=decision.primary)
    primary = None if isinstance(decision, StartAsPrimary) else decision.primary
    users = write_private(RUNTIME / "users.acl", settings.cluster.acl(REDIS_RULES))
    config = write_private(RUNTIME / "redis.conf", redis_config(settings, users, primary))
    become(sys.executable, "-I", "-S", supervisor.__file__, config)


def _note_damage(own: Own, damage: str | None) -> None:
    """Tell the peers and the operator of files that cannot be used."""
    if damage is None:
        return
    own |= {"damage": damage, "has_data": True}
    container, manifest = socket.gethostname(), DATA / APPEND_ONLY / MANIFEST
    log.error(
        "damaged files",
        files=str(DATA / APPEND_ONLY),
        damage=damage,
        then="they are set aside as soon as another node runs as primary; until then nothing touches them",
        repair=f"docker exec -it {container} redis-check-aof --fix {manifest} keeps what precedes the damage",
        give_up=f"docker exec {container} mv {DATA / APPEND_ONLY} {DATA / APPEND_ONLY}.kept",
        after_either=f"docker kill {container}",
    )


def _wait_for_decision(settings: RedisSettings, own: Own) -> StartAsPrimary | StartAsReplica | StartAfresh:
    stopwatch = Stopwatch()
    told = None
    while True:
        seen = observe_redis(settings.cluster, own)
        present = situation(seen)
        if present is Situation.PRIMARY_ABSENT_PEER_UNREAD and not own["damage"] and "newest" not in own:
            reading = read(DATA, RUNTIME, READ_SECONDS)
            own["newest"] = reading.newest
            _note_damage(own, reading.damage)
            continue
        decision = decide(seen, stopwatch.lasted(present, time.monotonic()))
        if present is not told or not isinstance(decision, Wait):
            _tell(present.value, seen, decision)
            told = present
        match decision:
            case StartAsPrimary() | StartAsReplica() | StartAfresh():
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
        damaged=seen.damaged,
        newest=seen.newest,
        named=seen.named,
        peers={node: peer.name for node, peer in seen.peers.items()},
    )
