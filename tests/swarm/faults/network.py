"""Partitions: whole nodes, primaries that their clients still reach, one direction only, lost packets."""

from collections.abc import Callable, Collection

from swarm.cluster import Cluster
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import (
    POSTGRES,
    REDIS,
    SENTINELS,
    Victim,
    peers,
    postgres_primary,
    redis_primary,
    redis_replica,
)
from swarm.lab.lab import Node
from swarm.outcome import Limits

# Longer than the failover that each of them brings about.
SECONDS = {"node": 30, "queue": 15, "data": 30}
LOSS, LOSS_SECONDS = 0.2, 60
NODES = (1, 2, 3)
REDIS_LIMITS = Limits(unavailable_s=10)
# Requests hang that are in flight to the replica of vote on the other side.
DARK = Limits(unavailable_s=10, refused=100, refused_at_edge=100)
# A packet that is lost five times in a row is late by half a minute; the voters wait 15 s, and a replica of
# vote that does not get through to the queue for ten seconds refuses what came in the first of them.
LOSSY = Limits(unavailable_s=10, refused=100, refused_at_edge=None)
# The edge of such a node still takes requests, whose votes it cannot record, and viewers, who wait.
ISLAND = Limits(unavailable_s=10, stale_s=SECONDS["node"] + 30, refused=100, refused_at_edge=None)


def node_cut(number: int, around: Callable[[Cluster, Node], list[str]], *, one_way: bool = False) -> Strike:
    """Return a strike that cuts a node off from the addresses around it, and heals it."""

    def strike(scene: Scene) -> None:
        cluster = scene.cluster
        node = cluster.lab.nodes[number - 1]
        scene.blame(node)
        scene.heal(f"heal {node.name}", lambda: cluster.heal(node))
        scene.note(f"cut off {node.name}{', arriving packets only' if one_way else ''}")
        cluster.cut_off(node, around(cluster, node), one_way=one_way)
        scene.last(SECONDS["node"])

    return strike


def container_cut(
    victim: Victim, services: tuple[str, ...], *more: Victim, network: str, one_way: bool = False
) -> Strike:
    """Return a strike that cuts a container off from its peers in services, and from some more."""

    def strike(scene: Scene) -> None:
        container = victim(scene.cluster)
        others = [*peers(scene.cluster, container, services), *(one(scene.cluster) for one in more)]
        addresses = [other.address(network) for other in others]
        scene.heal("heal", container.heal)
        scene.note(f"cut off {container} from {', '.join(other.service for other in others)}")
        container.cut(addresses, one_way=one_way)
        scene.last(SECONDS[network])

    return strike


def followers_cut(primary: Victim, services: tuple[str, ...], network: str) -> Strike:
    """Return a strike that cuts both followers off from their primary, each at its own end."""

    def strike(scene: Scene) -> None:
        container = primary(scene.cluster)
        followers = peers(scene.cluster, container, services)
        address = container.address(network)
        for follower in followers:
            scene.heal(f"heal {follower.service}", follower.heal)
        scene.note(f"cut off {', '.join(map(str, followers))} from {container}")
        for follower in followers:
            follower.cut([address])
        scene.last(SECONDS[network])

    return strike


def lossy(victim: Victim) -> Strike:
    """Return a strike in which the node of a container loses packets for a minute."""

    def strike(scene: Scene) -> None:
        node = victim(scene.cluster).node
        scene.blame(node)
        scene.heal(f"heal {node.name}", lambda: scene.cluster.heal(node))
        scene.note(f"{node.name} loses {LOSS:.0%} of its packets")
        scene.cluster.lossy(node, LOSS)
        scene.last(LOSS_SECONDS)

    return strike


def _nodes(
    what: str, around: Callable[[Cluster, Node], list[str]], limits: Limits, *, one_way: bool = False,
    ci: Collection[int] = (),
) -> list[Fault]:  # fmt: skip
    return [
        Fault(f"node {n} {what}", node_cut(n, around, one_way=one_way), limits, ci=n in ci) for n in NODES
    ]


FAULTS = [
    *_nodes("cut off from everything", Cluster.elsewhere, DARK, ci=(1,)),
    *_nodes("cut off from the other nodes", Cluster.others, ISLAND),
    *_nodes("hears nothing from the other nodes", Cluster.others, ISLAND, one_way=True),
    Fault(
        "redis primary cut off from the sentinels",
        container_cut(redis_primary, SENTINELS, network="queue"),
        REDIS_LIMITS,
    ),
    Fault(
        "redis primary cut off from the sentinels and a replica",
        container_cut(redis_primary, SENTINELS, redis_replica, network="queue"),
        REDIS_LIMITS,
    ),
    Fault(
        "redis primary cut off from the sentinels and its replicas",
        container_cut(redis_primary, SENTINELS + REDIS, network="queue"),
        REDIS_LIMITS,
    ),
    Fault(
        "redis primary hears nothing from the sentinels",
        container_cut(redis_primary, SENTINELS, network="queue", one_way=True),
        REDIS_LIMITS,
    ),
    Fault(
        "redis replicas cut off from the primary",
        followers_cut(redis_primary, REDIS, "queue"),
        Limits(unavailable_s=SECONDS["queue"] + 10, refused=None),  # no replica, no acknowledgement
    ),
    Fault(
        "postgres primary cut off from the other database nodes",
        container_cut(postgres_primary, POSTGRES, network="data"),
        Limits(),
        ci=True,
    ),
    Fault(
        "postgres primary hears nothing from the other database nodes",
        container_cut(postgres_primary, POSTGRES, network="data", one_way=True),
        Limits(),
    ),
    Fault(
        "postgres standbys cut off from the primary",
        followers_cut(postgres_primary, POSTGRES, "data"),
        Limits(),
    ),
    Fault(
        "20 % packet loss for 60 s at the node of the redis primary",
        lossy(redis_primary),
        LOSSY,
    ),
    Fault(
        "20 % packet loss for 60 s at the node of the postgres primary",
        lossy(postgres_primary),
        LOSSY,
    ),
]
