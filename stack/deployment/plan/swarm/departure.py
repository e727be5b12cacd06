"""What it costs to take a node of the Swarm out of service, and when it may not be."""

from collections.abc import Collection, Mapping, Sequence

from deployment.errors import DeployError
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import CLUSTERS, belonging, cluster_of
from deployment.plan.swarm.nodes import Node

SAME = "Nothing was changed."
COSTS = {"backup": " No backup is made meanwhile, and WAL waits on the primary's disk."}


def named(nodes: Sequence[Node], name: str) -> Node:
    """Return the node of a host name or an ID; raise DeployError where there is none, or more than one."""
    found = [node for node in nodes if name in (node.name, node.id)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{node.id} ({node.state})" for node in found)
        raise DeployError(f"{len(found)} nodes are called {name}.", f"Say which by its ID: {ids}.")
    raise DeployError(f"There is no node {name}.", f"Choose one of: {', '.join(n.name for n in nodes)}.")


def carried(node: Node) -> list[str]:
    """Return the data nodes that belong to a node."""
    return belonging(node.slots)


def stranded(services: Sequence[ServiceState], nodes: Sequence[Node], node: Node) -> list[ServiceState]:
    """Return the services of which no other node that takes containers may run one."""
    others = [other for other in nodes if other.id != node.id and other.usable]
    return [s for s in services if s.labels and not any(s.labels <= other.labels for other in others)]


def pinned(services: Sequence[ServiceState], nodes: Sequence[Node], node: Node) -> list[str]:
    """Name the services, besides the data nodes, that this node may run, and no other that is usable."""
    return [
        service.name
        for service in stranded(services, nodes, node)
        if service.labels <= node.labels and service.name not in carried(node)
    ]


def require_dispensable(nodes: Sequence[Node], node: Node, absent: Collection[str]) -> None:
    """Raise DeployError where the stack could not do without a node.

    `absent` names the data nodes that are away already, and what a cluster lacks besides.
    """
    others = [other for other in nodes if other.id != node.id]
    for kind, those in (
        ("manager", [n for n in others if n.manager]),
        ("edge", [n for n in others if n.edge]),
    ):
        if getattr(node, kind) and not any(other.usable for other in those):
            raise DeployError(
                f"{node.name} is the only {kind} that takes containers: the stack needs one. {SAME}",
                "Make another node one first: `python3 deploy.py nodes join` says how a machine joins.",
            )
    if len(node.slots) > 1:
        slots = ", ".join(map(str, node.slots))
        raise DeployError(
            f"{node.name} carries the slots {slots}: without it no cluster has a majority, and no vote "
            f"could be taken. {SAME}",
            "Move all but one of them to other nodes first: `python3 deploy.py nodes move SLOT NODE`.",
        )
    if node.slots and (missing := sorted(set(absent) - set(carried(node)))):
        raise DeployError(
            f"{', '.join(missing)} is away already: without {node.name}, too, no vote could be taken "
            f"or stored. {SAME}",
            "Bring that back first; `python3 deploy.py status` shows it.",
        )


def unsettled(view: View, node: Node) -> list[str]:
    """Name what does not run yet although another node may run it, and who lacks a primary.

    Where that node is this manager, nobody here can say who is primary: its observer left with the rest.
    """
    nowhere = {*carried(node), *(s.name for s in stranded(view.services, view.nodes, node))}
    short = [s.name for s in view.services if s.running != s.desired and s.name not in nowhere]
    return short if view.blind else [*short, *(f"{CLUSTERS[c]} primary" for c in view.picture.headless)]


def cost(node: Node, alone: Sequence[str] = ()) -> list[str]:
    """Say what a drained node costs; `alone` names the services that only this node may run."""
    if not node.ready:
        return [
            f"{node.name} is {node.state}: what runs there is not known. It takes nothing if it comes back.",
            f"To end that: python3 deploy.py nodes activate {node.name}",
        ]
    if not node.slots:
        return [f"{node.name} runs nothing of the stack now, and no data node belongs to it."]
    return [
        f"{', '.join(carried(node))} stand still until {node.name} is active again: no other node "
        "may be lost meanwhile. When it comes back they catch up by themselves.",
        *(f"{name} stands still, too: only {node.name} may run it.{COSTS.get(name, '')}" for name in alone),
        f"To end that: python3 deploy.py nodes activate {node.name}",
    ]


def held(node: Node, primaries: Mapping[str, str | None]) -> list[str]:
    """Return the clusters whose primary is on a node."""
    return led(carried(node), primaries)


def led(names: Collection[str], primaries: Mapping[str, str | None]) -> list[str]:
    """Return the clusters whose primary is one of these data nodes."""
    return [cluster for cluster in CLUSTERS if primaries.get(cluster) in names]


def lopsided(nodes: Sequence[Node], placed: Mapping[str, Sequence[str]]) -> list[str]:
    """Name the services whose tasks are spread worse than they could be over the nodes that take some.

    `placed` maps a service with several replicas to the IDs of the nodes that its running tasks are on.
    """
    usable = [node.id for node in nodes if node.usable]
    counts = {name: [list(on).count(node) for node in usable] for name, on in placed.items()}
    return sorted(
        name for name, count in counts.items()
        if count and not cluster_of(name) and max(count) - min(count) > 1
    )  # fmt: skip
