"""Settings that several tests start from."""

from redis_gate.node_tls import Tls
from redis_gate.settings import REDIS_ACCOUNTS, Cluster, RedisSettings, SentinelSettings

PASSWORDS = {account: f"{account}-secret" for account in REDIS_ACCOUNTS}


TLS = Tls("/ca.pem", "/server.pem")


def cluster(node: str) -> Cluster:
    return Cluster(
        node=node,
        redis_nodes=("redis-1", "redis-2", "redis-3"),
        sentinel_nodes=("sentinel-1", "sentinel-2", "sentinel-3"),
        passwords=PASSWORDS,
        tls=None,
    )


REDIS = RedisSettings(cluster("redis-2"), "256mb")
SENTINEL = SentinelSettings(cluster("sentinel-2"), 2)
