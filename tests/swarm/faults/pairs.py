"""Two faults at once."""

from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.freeze import freeze_together, freezing
from swarm.faults.network import container_cut
from swarm.faults.node import AWAY_SECONDS, GONE, bystander
from swarm.faults.victims import SENTINELS, postgres_primary, redis_primary, redis_replica
from swarm.outcome import Limits

FREEZE_SECONDS = 10
WORKERS = 2
# Nothing is stored meanwhile, so nothing can move.
UNREAD = Limits(unavailable_s=10, stale_s=None)


def kill_both_primaries(scene: Scene) -> None:
    """Kill the Redis and the PostgreSQL primary in the same moment."""
    primaries = (redis_primary(scene.cluster), postgres_primary(scene.cluster))
    scene.note(f"kill {primaries[0]} and {primaries[1]}")
    scene.cluster.kill(*primaries)


def freeze_both_primaries(scene: Scene) -> None:
    """Freeze the Redis and the PostgreSQL primary for the same time."""
    primaries = (redis_primary(scene.cluster), postgres_primary(scene.cluster))
    freeze_together(scene, primaries, FREEZE_SECONDS)


def lose_a_node_in_an_update(scene: Scene) -> None:
    """Kill a node while vote is being updated, and bring it back."""
    node = bystander(scene.cluster)
    service = scene.cluster.service("vote")
    scene.blame(node)
    scene.heal(f"start {node.name}", node.start)
    scene.note("update vote")
    service.force_update()
    scene.note(f"kill {node.name}")
    node.kill()
    scene.last(AWAY_SECONDS)


def unread(strike: Strike) -> Strike:
    """Return a strike while no worker runs: the queue alone holds what is acknowledged meanwhile.

    A worker that reads every vote within milliseconds hides what a failover of the queue loses.
    """

    def strike_unread(scene: Scene) -> None:
        cluster = scene.cluster
        scene.heal("start the workers", lambda: cluster.scale(["worker"], WORKERS))
        scene.note("stop the workers")
        cluster.scale(["worker"], 0)
        cluster.wait_stopped(["worker"])
        strike(scene)

    return strike_unread


FAULTS = [
    # One failover's ten seconds, and the queue's own.
    Fault("both primaries killed at once", kill_both_primaries, Limits(stale_s=15)),
    Fault("both primaries frozen 10 s", freeze_both_primaries, Limits(unavailable_s=10)),
    Fault("node lost during a rolling update", lose_a_node_in_an_update, GONE),
    *(
        Fault(
            f"redis primary frozen {seconds} s while no worker runs",
            unread(freezing(redis_primary, seconds)),
            UNREAD,
        )
        for seconds in (2, 3)
    ),
    Fault(
        "redis primary cut off from the sentinels while no worker runs",
        unread(container_cut(redis_primary, SENTINELS, network="queue")),
        UNREAD,
        ci=True,
    ),
    Fault(
        "redis primary cut off from the sentinels and a replica while no worker runs",
        unread(container_cut(redis_primary, SENTINELS, redis_replica, network="queue")),
        UNREAD,
    ),
]
