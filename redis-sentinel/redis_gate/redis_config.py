"""The configuration of a Redis node, as primary or as somebody's replica."""

from redis_gate.node_tls import listening
from redis_gate.settings import RedisSettings

REDIS_PORT = 6379
MODULE = "/usr/local/lib/votes_append.so"


def redis_config(settings: RedisSettings, acl_path: str, primary: str | None) -> str:
    """Write redis.conf; without a primary to follow the node is the primary itself."""
    cluster = settings.cluster
    lines = [
        "bind * -::*",
        *listening(REDIS_PORT, cluster.tls),
        "protected-mode no",
        "dir /data",
        f"loadmodule {MODULE}",
        f"aclfile {acl_path}",
        *_durability(),
        *_memory(settings.maxmemory),
        *_clients(),
        *_replication(),
        f"replica-announce-ip {cluster.node}",
        "masteruser replica",
        f"masterauth {cluster.passwords['replica']}",
    ]
    if primary is not None:
        lines.append(f"replicaof {primary} {REDIS_PORT}")
    return "\n".join([*lines, ""])


def _durability() -> list[str]:
    return ["appendonly yes", "appendfsync everysec", 'save ""']


def _memory(maxmemory: str) -> list[str]:
    return [
        f"maxmemory {maxmemory}",
        "maxmemory-policy noeviction",
        # A replica that is slow must not cost the primary more than this beyond maxmemory.
        "client-output-buffer-limit replica 128mb 64mb 60",
    ]


def _clients() -> list[str]:
    """Bound what clients can make a node hold beside the votes.

    A value is at most as large as the least that Redis allows: a thousand votes are sixty kilobytes.
    Replication and the files that are read at the start know no such bounds: what was queued before is kept.
    """
    return [
        "proto-max-bulk-len 1mb",
        "client-query-buffer-limit 1mb",
        # A worker that reads more at once is cut, and asks for less: it has no room for it either.
        "client-output-buffer-limit normal 32mb 0 0",
        # All together, a command of many values that is not complete included: who holds most is cut.
        "maxmemory-clients 64mb",
    ]


def _replication() -> list[str]:
    return [
        "min-replicas-to-write 1",
        "min-replicas-max-lag 3",
        "repl-diskless-sync yes",
        "repl-diskless-sync-delay 0",
        # Counted in maxmemory once it is full.
        "repl-backlog-size 64mb",
        # A primary told to stop lets its replicas catch up for so many seconds.
        "shutdown-timeout 5",
    ]
