"""The nodes of the Swarm: looking at them, and giving them labels."""

import docker

from deployment.plan.swarm.nodes import Node, from_api, order
from deployment.plan.swarm.placement import Labels


def observe(client: docker.DockerClient) -> tuple[Node, ...]:
    """Return the nodes of this manager's Swarm, by name."""
    return tuple(sorted(map(from_api, client.api.nodes()), key=order))


def set_availability(client: docker.DockerClient, identifier: str, availability: str) -> None:
    """Let a node take tasks or none: active, pause or drain; idempotent."""
    node = client.nodes.get(identifier)
    specification = node.attrs["Spec"]
    if specification["Availability"] != availability:
        node.update({**specification, "Availability": availability})


def set_role(client: docker.DockerClient, identifier: str, role: str) -> None:
    """Make a node a manager or a worker; idempotent."""
    node = client.nodes.get(identifier)
    specification = node.attrs["Spec"]
    if specification["Role"] != role:
        node.update({**specification, "Role": role})


def remove(client: docker.DockerClient, identifier: str) -> None:
    """Remove a node that is gone from the Swarm."""
    client.api.remove_node(identifier, force=True)


def remove_label(client: docker.DockerClient, identifier: str, label: str) -> None:
    """Take a label from a node; idempotent."""
    node = client.nodes.get(identifier)
    specification = node.attrs["Spec"]
    labels = {name: value for name, value in specification["Labels"].items() if name != label}
    node.update({**specification, "Labels": labels})


def add_labels(client: docker.DockerClient, added: Labels) -> None:
    """Give nodes their labels; those that they have already stay."""
    for identifier, labels in added.items():
        node = client.nodes.get(identifier)
        specification = node.attrs["Spec"]
        specification["Labels"] = (specification.get("Labels") or {}) | dict.fromkeys(labels, "true")
        node.update(specification)
