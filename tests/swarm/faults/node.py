"""A whole node: killed and later back, drained, the leader of the Swarm, the one with both primaries."""

from collections.abc import Callable

from swarm.cluster import Cluster
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import REDIS, peers, postgres_primary, redis_primary
from swarm.lab.lab import Node
from swarm.outcome import Limits

# By then Swarm has given the node up and started its tasks elsewhere.
AWAY_SECONDS = 30
# With a node go the requests in flight on its edge, and on its replica of vote.
GONE = Limits(unavailable_s=10, refused=100, refused_at_edge=100)


def leader(cluster: Cluster) -> Node:
    """Return the node that leads the Swarm."""
    names = [n["Description"]["Hostname"] for n in cluster.lab.manager.api.nodes() if _leads(n)]
    return next(node for node in cluster.lab.nodes if node.name in names)


def _leads(node: dict[str, dict[str, object]]) -> bool:
    return bool(node.get("ManagerStatus", {}).get("Leader"))


def bystander(cluster: Cluster) -> Node:
    """Return a node that neither leads nor holds a primary, or at least does not lead."""
    leads = leader(cluster)
    busy = [redis_primary(cluster).node, postgres_primary(cluster).node]
    followers = [node for node in cluster.lab.nodes if node != leads]
    return next((node for node in followers if node not in busy), followers[-1])


def gathered(cluster: Cluster) -> Node:
    """Return the node that holds both primaries, after moving the queue's there if it is elsewhere."""
    node, primary = postgres_primary(cluster).node, redis_primary(cluster)
    if primary.node != node:
        others = peers(cluster, primary, REDIS)
        cluster.kill(next(other for other in others if other.node != node))
        cluster.kill(primary)  # while the only replica to choose is the one on that node
        cluster.wait_healthy()
    assert redis_primary(cluster).node == node, "the primaries did not come together on one node"
    return node


def power_cut(which: Callable[[Cluster], Node]) -> Strike:
    """Return a strike that kills a node and brings it back."""

    def strike(scene: Scene) -> None:
        node = which(scene.cluster)
        scene.blame(node)
        scene.heal(f"start {node.name}", node.start)
        scene.note(f"kill {node.name}")
        node.kill()
        scene.last(AWAY_SECONDS)

    return strike


def drain(scene: Scene) -> None:
    """Drain a node, as for maintenance, until everything else is served again."""
    node = bystander(scene.cluster)
    scene.blame(node)
    scene.heal(f"activate {node.name}", lambda: set_availability(scene.cluster, node, "active"))
    scene.note(f"drain {node.name}")
    set_availability(scene.cluster, node, "drain")
    scene.last(AWAY_SECONDS)
    scene.wait_served()


def set_availability(cluster: Cluster, node: Node, availability: str) -> None:
    """Tell Swarm whether a node may have tasks."""
    found = next(n for n in cluster.lab.manager.nodes.list() if _name(n.attrs) == node.name)
    found.update(found.attrs["Spec"] | {"Availability": availability})


def _name(attributes: dict[str, dict[str, str]]) -> str:
    return attributes["Description"]["Hostname"]


FAULTS = [
    Fault("node killed and back", power_cut(bystander), GONE),
    Fault("Swarm leader killed and back", power_cut(leader), GONE),
    Fault("node with both primaries killed and back", power_cut(gathered), GONE, ci=True),
    # Requests that are on the wire while the edge that leaves closes the connections it takes for idle.
    Fault("node drained and active again", drain, Limits(unavailable_s=10, refused_at_edge=20)),
]
