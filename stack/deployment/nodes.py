"""The nodes of the Swarm: what each of them carries, and which labels are still to be given to whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import docker

from deployment.layout import EDGE_LABEL, NODE_LABELS, SLOT_LABELS

Labels = Mapping[str, tuple[str, ...]]


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

    @property
    def ready(self) -> bool:
        """Whether the Swarm hears from it: what it last said of its tasks is then true."""
        return self.state == "ready"

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


def observe(client: docker.DockerClient) -> tuple[Node, ...]:
    """Return the nodes of this manager's Swarm, by name."""
    return tuple(sorted(map(from_api, client.api.nodes()), key=_order))


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
    )


def _address(node: Mapping[str, Any]) -> str:
    """Return where other nodes reach this one; a manager says so itself, with a port."""
    manager = str((node.get("ManagerStatus") or {}).get("Addr", "")).rpartition(":")[0]
    return manager.strip("[]") or str(node["Status"].get("Addr", ""))


def _order(node: Node) -> tuple[str, str]:
    return node.name, node.id


def spread(nodes: Sequence[Node]) -> Labels:
    """Return the labels to add, by node ID: slots that nobody carries, and an edge if there is none.

    What a node carries stays there, for its volumes are there. Each missing slot goes to the node
    that has the fewest, the first by name among equals.
    """
    usable = sorted((node for node in nodes if node.usable), key=_order)
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


def add_labels(client: docker.DockerClient, added: Labels) -> None:
    """Give nodes their labels; those that they have already stay."""
    for identifier, labels in added.items():
        node = client.nodes.get(identifier)
        specification = node.attrs["Spec"]
        specification["Labels"] = (specification.get("Labels") or {}) | dict.fromkeys(labels, "true")
        node.update(specification)
