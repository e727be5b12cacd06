"""Whether what belongs to a slot may go to another node."""

from collections.abc import Collection, Sequence

from deployment.configuration.layout import SLOT_LABELS
from deployment.errors import DeployError
from deployment.plan.cluster.topology import KINDS
from deployment.plan.swarm.departure import SAME
from deployment.plan.swarm.nodes import Node


def carries(node: Node, slots: Collection[int]) -> bool:
    """Whether a node has all of these slots."""
    return set(slots) <= set(node.slots)


def others(nodes: Sequence[Node], label: str, target: Node) -> list[Node]:
    """Return the nodes that lose a label to another: a slot is on one node, edges are several."""
    return [n for n in nodes if label in SLOT_LABELS and label in n.labels and n.id != target.id]


def holder(nodes: Sequence[Node], label: str, target: Node) -> str:
    """Name those that have a label now."""
    return ", ".join(node.name for node in others(nodes, label, target)) or "nowhere"


def homeless(nodes: Sequence[Node]) -> list[str]:
    """Name the slots that no node has."""
    return [label for label in SLOT_LABELS if not any(label in node.labels for node in nodes)]


def require_room(nodes: Sequence[Node], target: Node, slots: Collection[int]) -> None:
    """Raise DeployError if a node takes no containers, or would have as many slots as the former one."""
    if not target.usable:
        raise DeployError(
            f"{target.name} takes no containers: it is {target.state} and {target.availability}. {SAME}",
            f"Bring it back first: python3 deploy.py nodes activate {target.name}",
        )
    most = max((len(node.slots) for node in nodes if set(slots) & set(node.slots)), default=0)
    if target.slots and len(target.slots) + len(slots) >= most:
        raise DeployError(
            f"{target.name} carries a slot already: with another one its loss would stop all voting. {SAME}",
            "Choose a node without a slot. `python3 deploy.py nodes list` shows them.",
        )


def require_others(absent: Collection[str], slots: Collection[int]) -> None:
    """Raise DeployError if a member is away that does not belong to the slots that move."""
    moved = {f"{kind}-{slot}" for kind in KINDS for slot in slots}
    if away := sorted(set(absent) - moved):
        raise DeployError(
            f"{', '.join(away)} is away, and what moves copies from its peers. {SAME}",
            "Run this again when `python3 deploy.py status` shows them.",
        )


def require_gone(node: Node, target: Node) -> None:
    """Raise DeployError if a node is still there, and so need not be replaced."""
    if node.id == target.id:
        raise DeployError(f"{node.name} cannot replace itself. {SAME}", "Name another node.")
    if node.ready:
        raise DeployError(
            f"{node.name} is there. `replace` is for a node that is gone for good. {SAME}",
            f"Move its slot: python3 deploy.py nodes move SLOT {target.name}. Or switch it off first.",
        )
