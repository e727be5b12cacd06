"""Who can be struck, by the names that the table uses."""

from collections.abc import Callable, Mapping

from swarm.cluster import Cluster
from swarm.containers import Container

Victim = Callable[[Cluster], Container]

REDIS = ("redis-1", "redis-2", "redis-3")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
POSTGRES = ("postgres-1", "postgres-2", "postgres-3")


def redis_primary(cluster: Cluster) -> Container:
    """Return the Redis that acknowledges."""
    return cluster.container(cluster.primary("redis"))


def redis_replica(cluster: Cluster) -> Container:
    """Return a Redis that follows."""
    return cluster.container(cluster.picture().redis.replicas[0])


def postgres_primary(cluster: Cluster) -> Container:
    """Return the PostgreSQL that acknowledges."""
    return cluster.container(cluster.primary("postgres"))


def postgres_standby(cluster: Cluster) -> Container:
    """Return a PostgreSQL that confirms commits; every standby that streams does."""
    return cluster.container(cluster.picture().postgres.standbys[0])


def one_of(service: str) -> Victim:
    """Return any container of a service."""
    return lambda cluster: cluster.container(service)


VICTIMS: Mapping[str, Victim] = {
    "redis primary": redis_primary,
    "redis replica": redis_replica,
    "sentinel": one_of("sentinel-1"),
    "redis-proxy": one_of("redis-proxy"),
    "worker": one_of("worker"),
    "vote": one_of("vote"),
    "result": one_of("result"),
    "traefik": one_of("traefik"),
    "pgpool": one_of("pgpool"),
    "postgres primary": postgres_primary,
    "synchronous standby": postgres_standby,
}
# These take requests with them that are in flight on them.
EDGES = ("traefik",)


def peers(cluster: Cluster, container: Container, services: tuple[str, ...]) -> list[Container]:
    """Return the containers of services without one of them."""
    return [found for service in services for found in cluster.containers(service) if found != container]
