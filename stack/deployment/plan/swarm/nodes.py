"""The nodes of the Swarm: what each of them carries, and which labels are still to be given to whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployment.configuration.layout import EDGE_LABEL, NODE_LABELS, SLOT_LABELS


@dataclass(frozen=True)
class Node:
    """One node, as the Swarm knows it; `labels` are those of the stack that are set on it."""

    id: str
    name: str
    state: str = "ready"
    availability: str = "active"
    manager: bool = False
    labels: frozenset[str] = frozenset()
    address: str = ""
    memory: int = 0  # bytes
    engine: str = ""  # version

    @property
    def ready(self) -> bool:
        """Whether the Swarm hears from it: what it last said of its tasks is then true."""
        return self.state == "ready"

    @property
    def down(self) -> bool:
        """Whether the Swarm has given it up. After a change of its leader, nodes that live are "unknown"."""
        return self.state == "down"

    @property
    def usable(self) -> bool:
        """Whether it may be given tasks."""
        return self.ready and self.availability == "active"

    @property
    def slots(self) -> tuple[int, ...]:
        """Numbers of the slots that it carries."""
        return tuple(n for n, label in enumerate(SLOT_LABELS, 1) if label in self.labels)

    @property
    def edge(self) -> bool:
        """Whether the pages are served there."""
        return EDGE_LABEL in self.labels


def from_api(node: Mapping[str, Any]) -> Node:
    """Read a node as the Docker API describes it."""
    specification = node["Spec"]
    carried = specification.get("Labels") or {}
    return Node(
        id=node["ID"],
        name=node.get("Description", {}).get("Hostname") or node["ID"],
        state=node["Status"]["State"],
        availability=specification.get("Availability", "active"),
        manager=specification.get("Role") == "manager",
        labels=frozenset(label for label in NODE_LABELS if carried.get(label) == "true"),
        address=_address(node),
        memory=int(node.get("Description", {}).get("Resources", {}).get("MemoryBytes", 0)),
        engine=str(node.get("Description", {}).get("Engine", {}).get("EngineVersion", "")),
    )


def _address(node: Mapping[str, Any]) -> str:
    """Return where other nodes reach this one; a manager says so itself, with a port."""
    manager = str((node.get("ManagerStatus") or {}).get("Addr", "")).rpartition(":")[0]
    return manager.strip("[]") or str(node["Status"].get("Addr", ""))


def order(node: Node) -> tuple[str, str]:
    """Return what nodes are sorted by: their names."""
    return node.name, node.id
