"""A slot moved by `nodes move`, a node replaced by `nodes replace`: a fourth node joins the lab for it."""

import subprocess
from collections.abc import Sequence

from deployment.configuration.layout import EDGE_LABEL
from deployment.engine.swarm import nodes, services
from deployment.plan.cluster.convergence import replicas
from deployment.plan.cluster.topology import belonging
from deployment.plan.swarm.nodes import Node as SwarmNode
from deployment.progress import Progress
from kit.waiting import wait_until
from swarm.cluster import Cluster
from swarm.faults.deploying import SILENT
from swarm.faults.fault import Fault, Scene
from swarm.faults.switchover import deploy
from swarm.faults.victims import postgres_primary
from swarm.lab import power
from swarm.lab.lab import Lab, Node
from swarm.outcome import Limits

SECONDS = 120
# The node that joined for it leaves at the end, by a drain; it carries no edge then.
MOVED = Limits(unavailable_s=10)
REPLACED = Limits(unavailable_s=10, refused=100, refused_at_edge=100)


def moved(scene: Scene) -> None:
    """Move the slot of a primary to a new node, and back: that is killed half-way, and run again."""
    cluster = scene.cluster
    spare = joined(scene)
    service = postgres_primary(cluster).service
    slot, home = service.rpartition("-")[2], cluster.place(service)
    scene.note(f"nodes move {slot} {spare.name}")
    deploy(scene, "nodes", "move", slot, spare.name)
    assert cluster.place(service) == spare
    assert cluster.primary("postgres") != service
    scene.wait_served()
    scene.note(f"nodes move {slot} {home.name}, killed half-way")
    _killed(scene, slot, home)
    scene.note(f"nodes move {slot} {home.name}, again")
    deploy(scene, "nodes", "move", slot, home.name)
    assert cluster.place(service) == home
    assert "Nothing to do" in deploy(scene, "nodes", "move", slot, home.name)
    scene.wait_served()


def _killed(scene: Scene, slot: str, home: Node) -> None:
    """Kill the command while nobody runs what belongs to the slot."""
    manager = scene.cluster.lab.commander
    with power.deploying(manager, "nodes", "move", slot, home.name, stderr=subprocess.PIPE) as process:
        wait_until(lambda: not _wanted(scene.cluster, slot), SECONDS, scene.cluster.describe)
        process.kill()


def _wanted(cluster: Cluster, slot: str) -> bool:
    """Whether anybody still wants a data node of the slot to run."""
    return any(replicas(cluster.service(name).attrs) for name in belonging([int(slot)]))


def replaced(scene: Scene) -> None:
    """Switch off the node of a primary for good, let a new one take its place, and tidy up.

    The old one is switched on again after that, knows nothing of it, and does no harm.
    """
    cluster = scene.cluster
    spare = joined(scene)
    primary = postgres_primary(cluster)
    gone, slot = primary.node, primary.service.rpartition("-")[2]
    scene.blame(gone)
    scene.heal(
        f"switch on {gone.name}, which joins anew and gets its slot back", lambda: _back(scene, gone, slot)
    )
    scene.note(f"kill {gone.name} for good")
    gone.kill()
    wait_until(lambda: _replaceable(cluster, gone, spare), SECONDS, cluster.describe)
    scene.note(f"nodes replace {gone.name} {spare.name}")
    deploy(scene, "nodes", "replace", gone.name, spare.name, "--yes")
    assert cluster.place(primary.service) == spare
    assert gone.name not in [node.name for node in _known(cluster)]
    scene.wait_served()


def _replaceable(cluster: Cluster, gone: Node, spare: Node) -> bool:
    """Whether the command would do it by now: first the node must count as away, and the clusters elect."""
    manager = next((node for node in cluster.lab.nodes if node.commands()), None)
    if manager is None:
        return False
    arguments = ("nodes", "replace", gone.name, spare.name, "--dry-run")
    with power.deploying(manager, *arguments, **SILENT) as process:
        return process.wait() == 0


def _back(scene: Scene, gone: Node, slot: str) -> None:
    """Let a removed node come back as it was, and see that nothing of the stack runs there; let it join."""
    cluster = scene.cluster
    gone.start()
    wait_until(gone.answers, SECONDS)
    scene.last(20)
    running = gone.run("docker", "ps", "--format", "{{.Names}}").split()
    assert not [name for name in running if name.startswith("vote-app_")], f"{gone.name} runs {running}"
    gone.run("docker", "swarm", "leave", "--force", check=False)
    power.start(Progress(quiet=True), len(cluster.lab.nodes))
    nodes.add_labels(cluster.lab.manager, {_identity(cluster, gone): (EDGE_LABEL,)})
    # Of a machine that has just joined the observer may not answer yet.
    others = Lab(tuple(node for node in cluster.lab.nodes if node != gone))
    deploy(scene, "nodes", "move", slot, gone.name, on=others.commander)


def joined(scene: Scene) -> Node:
    """Let a fourth node join, which leaves when the fault is over."""
    before = scene.cluster.lab
    scene.cluster.lab = power.start(Progress(quiet=True), len(before.nodes) + 1)
    spare = scene.cluster.lab.nodes[-1]
    scene.heal(f"{spare.name} leaves", lambda: _leave(scene.cluster, spare))
    wait_until(lambda: _ready(scene.cluster, spare), SECONDS, scene.cluster.describe)
    return spare


def _leave(cluster: Cluster, spare: Node) -> None:
    """Drain a node, wait until all runs elsewhere, and take it away."""
    identity = _identity(cluster, spare)
    others = Lab(cluster.lab.nodes[:-1])
    nodes.set_availability(others.manager, identity, "drain")
    wait_until(lambda: not services.left_on(others.manager, identity), SECONDS, cluster.describe)
    spare.run("docker", "swarm", "leave", "--force")
    wait_until(lambda: not _found(cluster, spare).ready, SECONDS, cluster.describe)
    cluster.lab = others
    nodes.remove(others.manager, identity)
    power.take_away(spare)


def _ready(cluster: Cluster, node: Node) -> bool:
    return any(found.name == node.name and found.usable for found in _known(cluster))


def _identity(cluster: Cluster, node: Node) -> str:
    return _found(cluster, node).id


def _found(cluster: Cluster, node: Node) -> SwarmNode:
    return next(found for found in _known(cluster) if found.name == node.name)


def _known(cluster: Cluster) -> Sequence[SwarmNode]:
    return nodes.observe(cluster.lab.manager)


FAULTS = [
    Fault("slot of a primary moved to another node, and back", moved, MOVED),
    Fault("node of the postgres primary gone for good and replaced", replaced, REPLACED),
]
