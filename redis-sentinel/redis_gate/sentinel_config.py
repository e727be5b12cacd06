"""The configuration of a Sentinel, which is also the file in which Sentinel keeps its state."""

import hashlib
import re
from dataclasses import dataclass

from redis_gate.node_tls import listening
from redis_gate.redis_config import REDIS_PORT
from redis_gate.settings import Cluster, SentinelSettings

SENTINEL_PORT = 26379
PRIMARY_SET = "votes"

DOWN_AFTER_MS = 1500
# Sentinels ping in step after a failover. If all found the primary dead in the same moment, each would vote
# for itself and none be elected, for twice the time below.
STAGGER_MS = 300
# An attempt that failed (its leader died, its vote was split) is repeated after twice this time, and
# a promoted replica has this time to report its new role: it takes one second.
FAILOVER_TIMEOUT_MS = 4000

_MONITOR = re.compile(rf"^sentinel monitor {PRIMARY_SET} (\S+) \d+ \d+$", re.MULTILINE)
_EPOCHS = (
    f"sentinel config-epoch {PRIMARY_SET}",
    f"sentinel leader-epoch {PRIMARY_SET}",
    "sentinel current-epoch",
)


@dataclass(frozen=True)
class SentinelState:
    """What a Sentinel must remember: who is primary since which epoch, and for which it voted."""

    primary: str
    config_epoch: int = 0
    leader_epoch: int = 0
    current_epoch: int = 0


def parse_state(text: str, cluster: Cluster) -> SentinelState | None:
    """Read the state from the file of this Sentinel; None if any of it is missing or not this cluster's."""
    monitor = _MONITOR.search(text)
    epochs = [_number(text, directive) for directive in _EPOCHS]
    if monitor is None or monitor.group(1) not in cluster.redis_nodes or None in epochs:
        return None
    return SentinelState(monitor.group(1), *(epoch for epoch in epochs if epoch is not None))


def _number(text: str, directive: str) -> int | None:
    found = re.search(rf"^{re.escape(directive)} (\d+)$", text, re.MULTILINE)
    return int(found.group(1)) if found else None


def sentinel_id(node: str) -> str:
    """Derive the ID that peers know a Sentinel by, so that one with a wiped disk is still itself."""
    return hashlib.sha256(node.encode()).hexdigest()[:40]


def down_after_ms(cluster: Cluster) -> int:
    """Return after how long this Sentinel takes a silent primary for dead: each later than the last."""
    return DOWN_AFTER_MS + STAGGER_MS * cluster.sentinel_nodes.index(cluster.node)


def sentinel_config(settings: SentinelSettings, acl_path: str, state: SentinelState) -> str:
    """Write sentinel.conf with all that is known: Sentinel then needs no time to discover it."""
    lines = [
        *_server(settings.cluster, acl_path),
        f"sentinel current-epoch {state.current_epoch}",
        *_monitoring(settings, state),
        *_members(settings.cluster, state.primary),
    ]
    return "\n".join([*lines, ""])


def _server(cluster: Cluster, acl_path: str) -> list[str]:
    return [
        "bind * -::*",
        *listening(SENTINEL_PORT, cluster.tls),
        "protected-mode no",
        "dir /data",
        f"aclfile {acl_path}",
        f"sentinel myid {sentinel_id(cluster.node)}",
        "sentinel resolve-hostnames yes",
        "sentinel announce-hostnames yes",
        f"sentinel announce-ip {cluster.node}",
        f"sentinel announce-port {SENTINEL_PORT}",
        "sentinel sentinel-user sentinel",
        f"sentinel sentinel-pass {cluster.passwords['sentinel']}",
        "sentinel deny-scripts-reconfig yes",
    ]


def _monitoring(settings: SentinelSettings, state: SentinelState) -> list[str]:
    password = settings.cluster.passwords["sentinel"]
    return [
        f"sentinel monitor {PRIMARY_SET} {state.primary} {REDIS_PORT} {settings.quorum}",
        f"sentinel down-after-milliseconds {PRIMARY_SET} {down_after_ms(settings.cluster)}",
        f"sentinel failover-timeout {PRIMARY_SET} {FAILOVER_TIMEOUT_MS}",
        f"sentinel parallel-syncs {PRIMARY_SET} 2",
        f"sentinel auth-user {PRIMARY_SET} sentinel",
        f"sentinel auth-pass {PRIMARY_SET} {password}",
        f"sentinel config-epoch {PRIMARY_SET} {state.config_epoch}",
        f"sentinel leader-epoch {PRIMARY_SET} {state.leader_epoch}",
    ]


def _members(cluster: Cluster, primary: str) -> list[str]:
    replicas = [node for node in cluster.redis_nodes if node != primary]
    peers = [node for node in cluster.sentinel_nodes if node != cluster.node]
    return [
        *(f"sentinel known-replica {PRIMARY_SET} {node} {REDIS_PORT}" for node in replicas),
        *(
            f"sentinel known-sentinel {PRIMARY_SET} {node} {SENTINEL_PORT} {sentinel_id(node)}"
            for node in peers
        ),
    ]
