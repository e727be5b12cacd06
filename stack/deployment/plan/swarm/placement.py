"""Which node carries what: labels still to be given, and Swarms that could not carry the stack."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deployment.configuration.layout import EDGE_LABEL, SLOT_LABELS
from deployment.errors import DeployError
from deployment.plan.swarm.nodes import Node, order

Labels = Mapping[str, tuple[str, ...]]

# What a Swarm that is yet to be made consists of.
THIS_NODE = Node("", "this node", manager=True)


def spread(nodes: Sequence[Node]) -> Labels:
    """Return the labels to add, by node ID: slots that nobody carries, and an edge if there is none.

    What a node carries stays there, for its volumes are there. Each missing slot goes to the node
    that has the fewest, the first by name among equals.
    """
    usable = sorted((node for node in nodes if node.usable), key=order)
    carried = {label for node in nodes for label in node.labels}
    added: dict[str, list[str]] = {node.id: [] for node in usable}
    if EDGE_LABEL not in carried:
        added = {node.id: [EDGE_LABEL] for node in usable}
    load = {node.id: len(node.slots) for node in usable}
    for label in SLOT_LABELS:
        if label not in carried and usable:
            chosen = min(load, key=lambda node: load[node])
            added[chosen].append(label)
            load[chosen] += 1
    return {node: tuple(labels) for node, labels in added.items() if labels}


def labelled(nodes: Sequence[Node], added: Labels) -> tuple[Node, ...]:
    """Return the nodes as they are once the labels are added."""
    return tuple(replace(node, labels=node.labels | set(added.get(node.id, ()))) for node in nodes)


def require_way_for_images(nodes: Sequence[Node], registry: str) -> None:
    """Raise DeployError if there are other nodes, and no registry that they could get the images from."""
    if len(nodes) > 1 and not registry:
        raise DeployError(
            f"This Swarm has {len(nodes)} nodes and no registry is given: the other nodes could not get the "
            "images that are built here.",
            "Add --registry HOST[:PORT][/PATH], or set REGISTRY in stack/.env. To run one: "
            "`docker run -d --restart always -p 5000:5000 -v registry:/var/lib/registry registry:2`, then "
            "--registry ADDRESS-OF-THAT-MACHINE:5000",
        )


def require_usable(nodes: Sequence[Node]) -> None:
    """Raise DeployError if no node may be given tasks, or none of those that alone can carry a part."""
    if not any(node.usable for node in nodes):
        raise DeployError(
            "No node of the Swarm is both ready and active.",
            "`docker node ls` shows them; `python3 deploy.py nodes activate NODE` undoes a drain.",
        )
    managers = [node for node in nodes if node.manager]
    _require_one(managers, "manager", "the edge knows the services through one on a manager")
    _require_one([node for node in nodes if node.edge], "edge", "the pages are served there and nowhere else")


def _require_one(those: Sequence[Node], kind: str, reason: str) -> None:
    """Raise DeployError if none of the nodes of a kind may be given tasks."""
    if any(node.usable for node in those):
        return
    listed = ", ".join(f"{node.name} {node.state} and {node.availability}" for node in those)
    undone = those[0].name if those else "NODE"
    raise DeployError(
        f"No {kind} node takes containers ({listed}), and the stack cannot do without: {reason}.",
        f"`python3 deploy.py nodes activate {undone}` undoes a drain. To keep other work off a node, "
        "give that a placement constraint instead.",
    )
