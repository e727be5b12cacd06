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


def add_labels(client: docker.DockerClient, added: Labels) -> None:
    """Give nodes their labels; those that they have already stay."""
    for identifier, labels in added.items():
        node = client.nodes.get(identifier)
        specification = node.attrs["Spec"]
        specification["Labels"] = (specification.get("Labels") or {}) | dict.fromkeys(labels, "true")
        node.update(specification)
