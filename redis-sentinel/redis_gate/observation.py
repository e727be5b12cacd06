"""Ask the Sentinels and the other nodes, all at once, each question bounded by half a second."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from redis_gate.newest import parse
from redis_gate.redis_config import REDIS_PORT
from redis_gate.redis_decision import Observation, Peer, Position
from redis_gate.sentinel_config import PRIMARY_SET, SENTINEL_PORT, SentinelState
from redis_gate.sentinel_decision import Knowledge, SentinelObservation
from redis_gate.settings import Cluster
from redis_gate.waiting import ASK_SECONDS, REDIS_GATE_PORT, SENTINEL_GATE_PORT, Answer, ask_waiting

T = TypeVar("T")


def observe_redis(cluster: Cluster, own: Answer) -> Observation:
    """Ask all Sentinels for their primary, and all other Redis nodes what they are.

    `own` is what this node answers those who ask it.
    """
    named = ask_all(cluster.sentinel_nodes, lambda node: _running_sentinel(node, cluster))
    others = [node for node in cluster.redis_nodes if node != cluster.node]
    peers = ask_all(others, lambda node: _peer(node, cluster))
    return Observation(
        node=cluster.node,
        has_data=bool(own["has_data"]),
        named=tuple(answer.primary if answer else None for answer in named.values()),
        peers={node: peer for node, (peer, _) in peers.items()},
        newest=newest_of(own),
        peers_newest={node: entry for node, (_, entry) in peers.items() if entry},
        damaged=bool(own["damage"]),
    )


def observe_sentinels(cluster: Cluster, kept: SentinelState | None, damaged: bool) -> SentinelObservation:
    """Ask all other Sentinels, running or waiting, for the primary that they know."""
    others = [node for node in cluster.sentinel_nodes if node != cluster.node]
    answers = ask_all(
        others, lambda node: _running_sentinel(node, cluster) or _waiting_sentinel(node, cluster)
    )
    return SentinelObservation(kept, answers, damaged)


def ask_all(nodes: Sequence[str], ask: Callable[[str], T]) -> Mapping[str, T]:
    """Return what each node answers, asked all at once."""
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        return dict(zip(nodes, pool.map(ask, nodes), strict=True))


def _running_sentinel(node: str, cluster: Cluster) -> Knowledge | None:
    try:
        with client(node, SENTINEL_PORT, cluster) as asked:
            state = cast(dict[str, Any], asked.sentinel_master(PRIMARY_SET))
    except redis.RedisError:
        return None
    return Knowledge(str(state["ip"]), int(state["config-epoch"]))


def _waiting_sentinel(node: str, cluster: Cluster) -> Knowledge | None:
    answer = ask_waiting(node, SENTINEL_GATE_PORT, cluster.tls)
    if answer is None:
        return None
    primary, epoch = answer.get("primary"), answer.get("config_epoch")
    return Knowledge(str(primary) if primary else None, int(epoch or 0))


def _peer(node: str, cluster: Cluster) -> tuple[Peer, Position | None]:
    try:
        with client(node, REDIS_PORT, cluster) as asked:
            return running_peer(cast(dict[str, Any], asked.info("replication", "persistence"))), None
    except redis.RedisError:
        answer = ask_waiting(node, REDIS_GATE_PORT, cluster.tls)
        return waiting_peer(answer), newest_of(answer)


def running_primary(cluster: Cluster) -> str | None:
    """Return the only Redis that runs as primary."""
    peers = ask_all(cluster.redis_nodes, lambda node: _peer(node, cluster))
    primaries = [node for node, (peer, _) in peers.items() if peer.primary]
    return primaries[0] if len(primaries) == 1 else None


def renew_replica(node: str, cluster: Cluster) -> None:
    """Make a replica of this node one anew: its data and offset stay, its time without primary does not."""
    with suppress(redis.RedisError), client(node, REDIS_PORT, cluster) as asked:
        pipeline = asked.pipeline(transaction=True)
        pipeline.execute_command("SLAVEOF", "NO", "ONE")
        pipeline.execute_command("SLAVEOF", cluster.node, REDIS_PORT)
        pipeline.execute()


def running_peer(info: Mapping[str, Any]) -> Peer:
    """Classify a Redis by its INFO replication and persistence: an offset above 1 came from a primary."""
    if info["role"] == "master":
        return Peer.LOADING_PRIMARY if int(info["loading"]) else Peer.PRIMARY
    synced = int(info["slave_repl_offset"]) > 1
    return Peer.SYNCED_REPLICA if synced else Peer.UNSYNCED_REPLICA


def waiting_peer(answer: Answer | None) -> Peer:
    """Classify what the gate of a node answered."""
    if answer is None:
        return Peer.SILENT
    if answer.get("damage"):
        return Peer.WAITING_DAMAGED
    return Peer.WAITING_WITH_DATA if answer.get("has_data") else Peer.WAITING_EMPTY


def newest_of(answer: Answer | None) -> Position | None:
    """Return the newest entry that a gate answered with; None where it has not read it."""
    entry = answer.get("newest") if answer else None
    return parse(str(entry)) if entry else None


def client(node: str, port: int, cluster: Cluster, seconds: float = ASK_SECONDS) -> redis.Redis:
    """Return a client of a node, by the account of the Sentinels; each answer may take so long."""
    return redis.Redis(
        host=node,
        port=port,
        username="sentinel",
        password=cluster.passwords["sentinel"],
        ssl=cluster.tls is not None,
        ssl_ca_certs=cluster.tls.authority if cluster.tls else None,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
