"""A primary moved by `switchover`, a node drained by `nodes drain`, and who dies in the middle of it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kit.waiting import wait_until
from swarm.cluster import Cluster
from swarm.containers import Container
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import POSTGRES, REDIS, peers, postgres_primary, redis_primary
from swarm.lab import power
from swarm.lab.lab import Node
from swarm.outcome import Limits

MEMBERS = {"redis": REDIS, "postgres": POSTGRES}
PRIMARY: dict[str, Callable[[Cluster], Container]] = {"redis": redis_primary, "postgres": postgres_primary}
BEGUN_SECONDS = 60
LIMITS = Limits(unavailable_s=5, stale_s=15)
# With a node that is drained go the connections that its edge takes for idle.
DRAINED = Limits(unavailable_s=10, refused_at_edge=20)


def heir(scene: Scene, cluster: str) -> Container:
    """Return a member that is not the primary."""
    return peers(scene.cluster, PRIMARY[cluster](scene.cluster), MEMBERS[cluster])[-1]


def moving(cluster: str) -> Strike:
    """Return a strike that moves a primary, and twice, to the same node, which changes nothing more."""

    def strike(scene: Scene) -> None:
        to = heir(scene, cluster).service
        scene.note(f"switchover {cluster} {to}")
        deploy(scene, "switchover", cluster, to)
        assert scene.cluster.primary(cluster) == to
        scene.ended()
        said = deploy(scene, "switchover", cluster, to)
        assert "Nothing to do" in said, said

    return strike


def killed_meanwhile(cluster: str, *, former: bool) -> Strike:
    """Return a strike that kills the heir or the former primary meanwhile; run again, it ends well."""

    def strike(scene: Scene) -> None:
        leaving, coming = PRIMARY[cluster](scene.cluster), heir(scene, cluster)
        victim = leaving if former else coming
        with _begun(scene, cluster, coming.service) as process:
            _wait_for_errand(scene, process)
            scene.note(f"kill {victim} during the switchover to {coming.service}")
            scene.cluster.kill(victim)
            process.communicate()
        scene.ended()
        scene.wait_whole()
        deploy(scene, "switchover", cluster, coming.service)
        assert scene.cluster.primary(cluster) == coming.service

    return strike


def drained(scene: Scene) -> None:
    """Drain the node of a primary with `nodes drain`, and activate it again."""
    cluster = scene.cluster
    node = postgres_primary(cluster).node
    scene.blame(node)
    scene.heal("nodes activate", lambda: deploy(scene, "nodes", "activate", node.name))
    scene.note(f"nodes drain {node.name}")
    deploy(scene, "nodes", "drain", node.name)
    assert PRIMARY["postgres"](cluster).node != node
    scene.wait_served()


def deploy(scene: Scene, *arguments: str, on: Node | None = None) -> str:
    """Run a verb on a manager, any if none is named; return what it said."""
    manager = on or scene.cluster.lab.commander
    with power.deploying(manager, *arguments, stderr=subprocess.PIPE) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    return str(said)


@contextmanager
def _begun(scene: Scene, cluster: str, to: str) -> Iterator[subprocess.Popen[str]]:
    manager = scene.cluster.lab.commander
    with power.deploying(manager, "switchover", cluster, to, stderr=subprocess.PIPE) as process:
        yield process


def _wait_for_errand(scene: Scene, switchover: subprocess.Popen[str]) -> None:
    """Wait until the program runs that asks for the switchover; it may be over before it was seen."""
    wait_until(
        lambda: switchover.poll() is not None or scene.cluster.containers("errand"),
        BEGUN_SECONDS,
        scene.cluster.describe,
    )


FAULTS = [
    *(Fault(f"switchover of {cluster}", moving(cluster), LIMITS) for cluster in MEMBERS),
    *(
        Fault(
            f"{cluster} {'primary' if former else 'heir'} killed during its switchover",
            killed_meanwhile(cluster, former=former),
            Limits(unavailable_s=10),
        )
        for cluster in MEMBERS
        for former in (True, False)
    ),
    Fault("node drained by `nodes drain`, and active again", drained, DRAINED),
]
